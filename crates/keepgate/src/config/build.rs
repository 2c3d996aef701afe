//! From keys to [`Config`]: every key is asked for first, so that every mistake is seen.
use std::{path::Path, time::Duration};

use keepgate_audit::{BadHost, LogHost};
use toml::de::DeTable;

use super::{
    ArchivePlace, Config, Limits, Log, LogFormat, Mail, Postgres, Provider, RootKeyPlace, Services, TlsFiles, Tsa,
    Witnesses, keys, mistake::Mistake, reader::Reader,
};

/// The configuration in `source`, with paths relative to `base`, for an instance whose data directory is `data_dir`
/// unless the file says otherwise.
pub fn build(source: &str, base: &Path, data_dir: &Path) -> Result<Config, Vec<Mistake>> {
    let (table, errors) = DeTable::parse_recoverable(source);
    if !errors.is_empty() {
        let line = |error: &toml::de::Error| error.span().map(|span| super::reader::line_of(source, span.start));
        // Not the error's own text: it quotes the line, which may hold a secret.
        let mistake = |error: &toml::de::Error| Mistake {
            line: line(error),
            key: String::new(),
            why: error.message().into(),
        };
        return Err(errors.iter().map(mistake).collect());
    }
    let (mut file, mut entries) = Reader::of_file(source, table.get_ref());
    let config = read(&mut file, &mut entries, base, data_dir);
    let mut mistakes: Vec<_> = std::iter::once(file)
        .chain(entries)
        .flat_map(Reader::into_mistakes)
        .collect();
    mistakes.sort();
    match config {
        Some(config) if mistakes.is_empty() => Ok(config),
        _ => Err(mistakes),
    }
}

/// `None` after a mistake.
pub(super) fn read(file: &mut Reader<'_>, entries: &mut [Reader<'_>], base: &Path, data_dir: &Path) -> Option<Config> {
    let (listen, admin_listen) = (file.get(keys::LISTEN), file.get(keys::ADMIN_LISTEN));
    let public_url = file.get(keys::PUBLIC_URL);
    let data_dir = file
        .get(keys::DATA_DIR)
        .map_or_else(|| data_dir.to_owned(), |dir| base.join(dir));
    let kek_file = file
        .get(keys::KEK_FILE)
        .map_or_else(|| data_dir.join("keys/kek"), |path| base.join(path));
    let (root_key, services) = (RootKeyPlace::read(file, base), Services::read(file, base));
    let database_url = file.get(keys::DATABASE_URL);
    let auth_url = file.get(keys::AUTH_URL);
    let integrator_url = file.get(keys::INTEGRATOR_URL);
    let migrate_url = file.get(keys::MIGRATE_URL);
    for role in [keys::AUTH_URL, keys::INTEGRATOR_URL] {
        if file.has(keys::DATABASE_URL) && !file.has(role) {
            file.complain(role, "is missing; database_url needs it");
        }
        if file.has(role) && !file.has(keys::DATABASE_URL) {
            file.complain(role, "means nothing without database_url");
        }
    }
    let tls = read_tls(file, base);
    let log = read_log(file);
    let limits = read_limits(file);
    let audit_origin = read_origin(file, public_url.as_ref().and_then(url::Url::host_str));
    let (witnesses, tsa) = (Witnesses::read(file, base), Tsa::read(file, base));
    let (audit_checkpoint, audit_ml_dsa) = (file.get(keys::AUDIT_CHECKPOINT), file.get(keys::AUDIT_ML_DSA));
    let audit_archive = ArchivePlace::read(file, base);
    let audit_retention = file.get(keys::AUDIT_RETENTION);
    let audit_strangers = file.get(keys::AUDIT_STRANGERS);
    let postgres = read_postgres(file, base);
    let webhooks_allow_loopback = file.get(keys::WEBHOOKS_LOOPBACK);
    let sso_allow_loopback = file.get(keys::SSO_LOOPBACK);
    let sso_internal = file.get(keys::SSO_INTERNAL);
    let sinks_allow_loopback = file.get(keys::SINKS_LOOPBACK);
    let sinks_internal = file.get(keys::SINKS_INTERNAL);
    let mail = Mail::read(file, base);
    let mut names = Vec::new();
    let providers: Vec<_> = entries
        .iter_mut()
        .map(|entry| Provider::read(entry, public_url.as_ref(), &mut names))
        .collect();
    Some(Config {
        file: None,
        listen: listen?,
        admin_listen: admin_listen?,
        public_url,
        data_dir,
        database_url,
        auth_url,
        integrator_url,
        migrate_url,
        kek_file,
        root_key: root_key?,
        services: services?,
        tls,
        log: log?,
        limits: limits?,
        audit_origin: audit_origin?,
        witnesses: witnesses?,
        tsa: tsa?,
        audit_checkpoint: Duration::from_millis(audit_checkpoint?),
        audit_ml_dsa: audit_ml_dsa?,
        audit_archive: audit_archive?,
        audit_retention: u32::try_from(audit_retention?).ok()?,
        audit_strangers: u16::try_from(audit_strangers?).ok()?,
        postgres: postgres?,
        mail: mail?,
        providers: providers.into_iter().collect::<Option<_>>()?,
        webhooks_allow_loopback: webhooks_allow_loopback?,
        sso_allow_loopback: sso_allow_loopback?,
        sso_internal: sso_internal?,
        sinks_allow_loopback: sinks_allow_loopback?,
        sinks_internal: sinks_internal?,
    })
}

fn read_tls(file: &mut Reader<'_>, base: &Path) -> Option<TlsFiles> {
    let (cert, key) = (file.get(keys::TLS_CERT), file.get(keys::TLS_KEY));
    match (cert, key) {
        (Some(cert), Some(key)) => Some(TlsFiles {
            cert: base.join(cert),
            key: base.join(key),
        }),
        (Some(_), None) if !file.has(keys::TLS_KEY) => {
            file.complain(keys::TLS_KEY, "is missing; tls.cert_file needs it");
            None
        }
        (None, Some(_)) if !file.has(keys::TLS_CERT) => {
            file.complain(keys::TLS_CERT, "is missing; tls.key_file needs it");
            None
        }
        _ => None,
    }
}

fn read_log(file: &mut Reader<'_>) -> Option<Log> {
    let (level, format) = (file.get(keys::LOG_LEVEL), file.get(keys::LOG_FORMAT));
    let format = match format? {
        "json" => LogFormat::Json,
        "text" => LogFormat::Text,
        _ => LogFormat::Auto,
    };
    Some(Log {
        level: level?.to_owned(),
        format,
    })
}

fn read_limits(file: &mut Reader<'_>) -> Option<Limits> {
    let body = file.get(keys::BODY_BYTES);
    let (request, header) = (file.get(keys::REQUEST_TIMEOUT), file.get(keys::HEADER_TIMEOUT));
    let (known, anonymous) = (file.get(keys::REQUESTS), file.get(keys::ANONYMOUS));
    let proxies = file.get(keys::TRUSTED_PROXIES);
    Some(Limits {
        trusted_proxies: proxies?.try_into().ok()?,
        body_bytes: body?.try_into().ok()?,
        request_timeout: Duration::from_secs(request?),
        header_timeout: Duration::from_secs(header?),
        requests_per_minute: known?.try_into().ok()?,
        anonymous_per_minute: anonymous?.try_into().ok()?,
    })
}

/// The host that log names begin with.
fn read_origin(file: &mut Reader<'_>, public_host: Option<&str>) -> Option<LogHost> {
    let origin = file.get(keys::AUDIT_ORIGIN);
    let parsed = origin.as_deref().or(public_host).unwrap_or("localhost").parse();
    parsed
        .map_err(|error: BadHost| file.complain(keys::AUDIT_ORIGIN, &error.to_string()))
        .ok()
}

fn read_postgres(file: &mut Reader<'_>, base: &Path) -> Option<Postgres> {
    let bin_dir = file.get(keys::PG_BIN_DIR).map(|dir| base.join(dir));
    let (max_connections, pool) = (file.get(keys::PG_CONNECTIONS), file.get(keys::PG_POOL));
    // Log-ins, the integrator, the workers' listener, migrations and an administrator need some as well.
    if let (Some(max), Some(pool)) = (max_connections, pool)
        && pool + 16 > max
    {
        file.complain(
            keys::PG_POOL,
            "leaves less than 16 of postgres.max_connections for the rest",
        );
    }
    Some(Postgres {
        bin_dir,
        max_connections: max_connections?.try_into().ok()?,
        pool: pool?.try_into().ok()?,
    })
}
