//! The table of mistakes, and the table of keys against the documentation.
use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt, path::Path};

use super::{build::build, keys, load, mistake::Mistake, reader::Reader, *};
use crate::{environment::Environment, exit::Exit, secrets::Place};

fn parse(source: &str) -> Result<Config, Vec<Mistake>> {
    build(source, Path::new("/etc/keepgate"), Path::new("/data"))
}

fn mistakes(source: &str) -> Vec<String> {
    let all = parse(source).expect_err(source);
    all.iter()
        .map(|m| format!("{}:{}: {}", m.line.unwrap_or(0), m.key, m.why))
        .collect()
}

#[test]
fn the_documentation_lists_exactly_the_keys_there_are() {
    let documented: Vec<&str> = include_str!("../../../../docs/configuration.md")
        .lines()
        .filter(|line| line.starts_with("| `"))
        .collect();
    let ours: Vec<String> = keys::ALL.iter().map(|key| key.row()).collect();
    for row in &ours {
        assert!(documented.contains(&row.as_str()), "docs/configuration.md lacks\n{row}");
    }
    for row in &documented {
        assert!(
            ours.iter().any(|own| own == row),
            "docs/configuration.md has a row without a key\n{row}"
        );
    }
    assert_eq!(documented, ours, "the same order, and each row once");
}

#[test]
fn every_key_of_the_table_is_read() {
    let source = "[[providers]]\nname = \"a\"";
    let table = toml::de::DeTable::parse(source).unwrap();
    let (mut file, mut entries) = Reader::of_file(source, table.get_ref());
    let _ = build::read(&mut file, &mut entries, Path::new("/"), Path::new("/data"));
    let asked: BTreeSet<_> = file.asked().chain(entries.iter().flat_map(Reader::asked)).collect();
    let all: BTreeSet<_> = keys::ALL.iter().map(|key| key.path()).collect();
    assert_eq!(asked, all);
}

#[test]
fn the_defaults_are_the_pinned_ones() {
    let config = parse("").unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8443");
    assert_eq!(config.admin_listen.to_string(), "127.0.0.1:9443");
    assert_eq!(config.data_dir, Path::new("/data"));
    assert_eq!(config.kek_file, Path::new("/data/keys/kek"));
    assert_eq!(config.audit_origin, "localhost".parse().unwrap());
    assert_eq!(
        (config.database_url, config.tls, config.providers),
        (None, None, vec![])
    );
    assert!(!config.webhooks_allow_loopback);
}

#[test]
fn each_mistake_is_named_with_line_key_and_reason() {
    for (source, wanted) in [
        (
            "\nlisten_addr = 1",
            "2:listen_addr: no such key; did you mean `listen`?",
        ),
        (
            "[limits]\nbody_byte = 5",
            "2:limits.body_byte: no such key; did you mean `limits.body_bytes`?",
        ),
        ("zzz = 1", "1:zzz: no such key"),
        ("[zzz]\na = 1", "1:zzz: no such key"),
        ("limits = 5", "1:limits: expected a section, which is a table of keys"),
        (
            "listen = 8443",
            "1:listen: expected text in quotes, found a whole number",
        ),
        (
            "listen = \"localhost\"",
            "1:listen: \"localhost\" is not an address such as 127.0.0.1:8443 or [::1]:8443",
        ),
        (
            "admin_listen = \"0.0.0.0:9443\"",
            "1:admin_listen: 0.0.0.0:9443 is not a loopback address; this listener has no TLS and no log-in",
        ),
        (
            "[limits]\nbody_bytes = \"1\"",
            "2:limits.body_bytes: expected a whole number, found text",
        ),
        (
            "[limits]\nbody_bytes = 1",
            "2:limits.body_bytes: 1 is not between 1024 and 67108864",
        ),
        (
            "[limits]\nbody_bytes = -1",
            "2:limits.body_bytes: -1 is not between 1024 and 67108864",
        ),
        (
            "[limits]\nbody_bytes = 1.5",
            "2:limits.body_bytes: expected a whole number, found a number with a fraction",
        ),
        (
            "[log]\nlevel = \"loud\"",
            "2:log.level: \"loud\" is not one of error, warn, info, debug, trace",
        ),
        (
            "[webhooks]\nallow_loopback = \"yes\"",
            "2:webhooks.allow_loopback: expected true or false without quotes, found text",
        ),
        (
            "public_url = \"http://x.example\"",
            "1:public_url: http://x.example/ is plain http; only https is allowed, except on loopback",
        ),
        (
            "public_url = \"https://u:p@x.example\"",
            "1:public_url: a URL must not hold a password",
        ),
        (
            "[tls]\ncert_file = \"c\"",
            "0:tls.key_file: is missing; tls.cert_file needs it",
        ),
        (
            "[tls]\nkey_file = \"c\"",
            "0:tls.cert_file: is missing; tls.key_file needs it",
        ),
        (
            "database_url = \"postgres://kg_app@h/d\"\nintegrator_url = \"postgres://kg_integrator@h/d\"",
            "0:auth_url: is missing; database_url needs it",
        ),
        (
            "database_url = \"postgres://kg_app@h/d\"\nauth_url = \"postgres://kg_auth@h/d\"",
            "0:integrator_url: is missing; database_url needs it",
        ),
        (
            "migrate_url = \"mysql://x\"",
            "1:migrate_url: expected postgres://… or a secret reference",
        ),
        (
            "[audit]\norigin = \"a b\"",
            "2:audit.origin: the host of a log's name has 1 to 120 characters of `a-z`, `0-9`, `.`, `-` and `:`",
        ),
        (
            "public_url = \"https://[::1]:8443\"",
            "0:audit.origin: the host of a log's name has 1 to 120 characters of `a-z`, `0-9`, `.`, `-` and `:`",
        ),
        (
            "[postgres]\nmax_connections = 20\npool = 15",
            "3:postgres.pool: leaves less than 16 of postgres.max_connections for the rest",
        ),
        (
            "[providers]\nname = \"a\"",
            "1:providers: expected [[providers]] with double brackets",
        ),
    ] {
        let found = mistakes(source);
        assert!(
            found.iter().any(|mistake| mistake == wanted),
            "{source}\nwanted {wanted}\nfound  {found:#?}"
        );
    }
}

#[test]
fn all_mistakes_are_told_together_in_the_order_of_lines() {
    let found = mistakes("listen = 1\n[log]\nlevel = \"x\"\nformatt = \"json\"\n[limits]\nbody_bytes = 0\n");
    let lines: Vec<&str> = found.iter().filter_map(|mistake| mistake.split(':').next()).collect();
    assert_eq!(lines, ["1", "3", "4", "6"], "{found:#?}");
}

#[test]
fn a_syntax_error_is_told_without_quoting_the_line() {
    let found = mistakes("listen = \"127.0.0.1:1\"\nmigrate_url = hunter2\n");
    assert!(
        found
            .iter()
            .all(|mistake| mistake.starts_with("2:") && !mistake.contains("hunter2")),
        "{found:?}"
    );
}

#[test]
fn a_literal_secret_is_refused_and_never_quoted() {
    let provider = "[[providers]]\nauth_token = \"hunter2\"";
    let url = "migrate_url = \"postgres://kg_migrator:hunter2@h/d\"";
    for source in [provider, url] {
        let found = mistakes(source);
        assert!(
            found
                .iter()
                .any(|mistake| mistake.contains("must not stand in the configuration")),
            "{found:?}"
        );
        assert!(!found.iter().any(|mistake| mistake.contains("hunter2")), "{found:?}");
    }
}

const CALLBACK: &str = "callback_base = \"https://gw.example\"\n";

fn provider(dir: &Path, mode: u32, extra: &str) -> String {
    let token = dir.join("token");
    fs::write(&token, "hunter2\n").unwrap();
    fs::set_permissions(&token, fs::Permissions::from_mode(mode)).unwrap();
    format!(
        "[[providers]]\nname = \"tw\"\nkind = \"twilio\"\nchannels = [\"sms\", \"voice\"]\naccount_sid = \"AC0123\"\n\
         auth_token = \"secret://file{}\"\nfrom = \"+15005550006\"\n{extra}",
        token.display()
    )
}

#[test]
fn a_provider_is_read_as_the_contract_writes_it() {
    let dir = tempfile::tempdir().unwrap();
    let extra = "base_url = \"http://127.0.0.1:4010\"\ncallback_base = \"https://gw.example\"\n";
    let config = parse(&provider(dir.path(), 0o600, extra)).unwrap();
    let [tw] = config.providers.as_slice() else {
        panic!("one provider")
    };
    assert_eq!(
        (tw.name.as_str(), tw.kind, tw.channels.as_slice()),
        ("tw", ProviderKind::Twilio, &["sms", "voice"][..])
    );
    assert_eq!(tw.base_url.as_str(), "http://127.0.0.1:4010/");
    assert_eq!(tw.callback_base.as_str(), "https://gw.example/");
    assert_eq!(tw.auth_token.path(), Some(dir.path().join("token").as_path()));
}

#[test]
fn a_provider_s_mistakes_name_its_own_lines() {
    let dir = tempfile::tempdir().unwrap();
    let one = provider(dir.path(), 0o600, CALLBACK);
    let far = mistakes(&provider(dir.path(), 0o600, "base_url = \"http://sms.example\""));
    assert!(far.iter().any(|m| m.starts_with("8:providers.base_url:")), "{far:?}");
    let twice = mistakes(&format!("{one}{one}"));
    assert!(
        twice
            .iter()
            .any(|m| m == "10:providers.name: another provider has this name"),
        "{twice:?}"
    );
    let bare = mistakes("\n[[providers]]\nname = \"x\"\nfrom = \"05005550006\"");
    assert!(
        bare.iter()
            .any(|m| m.starts_with("2:providers.account_sid: is missing: the account")),
        "{bare:?}"
    );
    assert!(
        bare.iter()
            .any(|m| m.starts_with("2:providers.callback_base: is missing")),
        "{bare:?}"
    );
}

#[test]
fn a_secret_in_a_store_needs_the_store_s_section() {
    let key = "[audit]\narchive_url = \"https://s3.example/logs\"\narchive_access_key = \"id\"\narchive_secret_key = ";
    for (store, reference) in [
        ("openbao", "kv/keepgate#s3"),
        ("aws", "keepgate/s3"),
        ("gcp", "projects/p/secrets/s3"),
    ] {
        let source = format!("{key}\"secret://{store}/{reference}\"\n");
        let found = mistakes(&source);
        let wanted =
            format!("4:audit.archive_secret_key: names a secret in a store without its section; add [{store}]");
        assert!(found.iter().any(|mistake| mistake.starts_with(&wanted)), "{found:?}");
    }
    let found = mistakes("database_url = \"secret://aws/db\"");
    assert!(found.iter().any(|mistake| mistake.contains("add [aws]")), "{found:?}");
}

const BAO: &str =
    "[openbao]\nurl = \"https://bao.example:8200\"\nrole = \"r\"\nsecret_id = \"secret://file/etc/kg/id\"\n";

#[test]
fn sections_of_stores_are_read_and_what_lets_us_in_is_in_files() {
    let aws = "[aws]\nregion = \"eu-central-1\"\nidentity = \"access-key\"\naccess_key_id = \"AKIA\"\n\
               secret_access_key = \"secret://file/etc/kg/aws\"\n";
    let config = parse(&format!("{BAO}{aws}[gcp]\n[services]\npoll_seconds = 5\n")).unwrap();
    let services = &config.services;
    assert!(
        matches!(&services.openbao.as_ref().unwrap().auth, BaoAuth::AppRole(mount, role, _) if mount == "approle" && role == "r")
    );
    assert!(matches!(&services.aws.as_ref().unwrap().identity, AwsIdentity::AccessKey(id, _) if id == "AKIA"));
    assert_eq!(services.gcp.as_ref().unwrap().account, "default");
    assert_eq!((services.poll.as_secs(), services.timeout.as_secs()), (5, 5));
    let keys: Vec<String> = config.secrets().into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, ["openbao.secret_id", "aws.secret_access_key"]);
    for (source, wanted) in [
        ("[openbao]\nauth = \"token\"", "0:openbao.url: is missing"),
        (
            "[openbao]\nurl = \"https://b.example\"\nauth = \"token\"",
            "0:openbao.token: is missing; openbao.auth = \"token\" needs it",
        ),
        (
            "[openbao]\nurl = \"https://b.example\"",
            "0:openbao.role: is missing; openbao.auth = \"approle\" needs it",
        ),
        (
            "[openbao]\nurl = \"http://b.example\"",
            "2:openbao.url: http://b.example/ is plain http",
        ),
        (
            "[openbao]\nurl = \"https://b.example\"\nauth = \"token\"\ntoken = \"secret://openbao/kv/a#b\"",
            "4:openbao.token: what lets us in to a store must be in a file",
        ),
        (
            "[openbao]\nurl = \"https://b.example\"\nauth = \"token\"\ntoken = \"hvs.hunter2\"",
            "4:openbao.token: a secret must not stand in the configuration",
        ),
        ("[aws]\nidentity = \"instance\"", "0:aws.region: is missing"),
        (
            "[aws]\nregion = \"x\"\nidentity = \"container\"",
            "0:aws.identity_url: is missing",
        ),
        (
            "[aws]\nregion = \"x\"\nidentity = \"web-identity\"",
            "0:aws.role_arn: is missing",
        ),
        (
            "[aws]\nregion = \"x\"\nidentity = \"access-key\"",
            "0:aws.access_key_id: is missing",
        ),
    ] {
        let found = mistakes(source);
        assert!(
            found.iter().any(|mistake| mistake.starts_with(wanted)),
            "{source}\n{found:#?}"
        );
        assert!(found.iter().all(|mistake| !mistake.contains("hunter2")), "{found:#?}");
    }
}

#[test]
fn the_root_key_is_in_a_file_or_in_a_service_that_is_described() {
    let config = parse("").unwrap();
    assert_eq!(
        (config.root_key.service, config.root_key.cache.as_secs()),
        (Place::File, 900)
    );
    let config = parse(&format!(
        "[keys]\nservice = \"openbao\"\nname = \"transit/keepgate\"\n{BAO}"
    ))
    .unwrap();
    assert_eq!(
        (config.root_key.service, config.root_key.name.as_str()),
        (Place::OpenBao, "transit/keepgate")
    );
    for (keys, wanted) in [
        (
            "service = \"openbao\"\nname = \"transit/k\"",
            "2:keys.service: is \"openbao\", and there is no [openbao]",
        ),
        ("name = \"transit/k\"", "2:keys.name: names a key of a service"),
        ("service = \"gcp\"\n[gcp]", "0:keys.name: is missing"),
        (
            "service = \"gcp\"\nname = \"projects/p/keys/k\"\n[gcp]",
            "3:keys.name: is not projects/P/locations",
        ),
        (
            "service = \"aws\"\nname = \"a b\"\n[aws]\nregion = \"x\"",
            "3:keys.name: is not a key's ARN",
        ),
        (
            "service = \"disk\"",
            "2:keys.service: \"disk\" is not one of file, openbao, aws, gcp",
        ),
        ("cache_minutes = 0", "2:keys.cache_minutes: 0 is not between 1 and 1440"),
    ] {
        let found = mistakes(&format!("[keys]\n{keys}\n"));
        assert!(
            found.iter().any(|mistake| mistake.starts_with(wanted)),
            "{keys}\n{found:#?}"
        );
    }
    let both = mistakes(&format!(
        "kek_file = \"/k\"\n[keys]\nservice = \"openbao\"\nname = \"transit/k\"\n{BAO}"
    ));
    assert!(
        both.iter()
            .any(|mistake| mistake.starts_with("1:kek_file: means nothing with")),
        "{both:#?}"
    );
}

#[test]
fn relative_paths_start_at_the_configuration_file() {
    let config = parse("data_dir = \"state\"\n[tls]\ncert_file = \"c.pem\"\nkey_file = \"/k.pem\"").unwrap();
    assert_eq!(config.data_dir, Path::new("/etc/keepgate/state"));
    assert_eq!(config.kek_file, Path::new("/etc/keepgate/state/keys/kek"));
    let tls = config.tls.unwrap();
    assert_eq!(
        (tls.cert.as_path(), tls.key.as_path()),
        (Path::new("/etc/keepgate/c.pem"), Path::new("/k.pem"))
    );
}

fn nothing() -> Environment {
    [("HOME", "/nonexistent")].into_iter().collect()
}

#[test]
fn the_file_in_the_data_directory_is_found_and_flags_win() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("keepgate.toml"),
        "listen = \"127.0.0.1:1\"\nadmin_listen = \"127.0.0.1:2\"",
    )
    .unwrap();
    let mut flags = Flags {
        data_dir: Some(dir.path().into()),
        listen: "127.0.0.1:0".parse().ok(),
        ..Flags::default()
    };
    let config = load(&flags, &nothing()).unwrap();
    assert_eq!((config.listen.port(), config.admin_listen.port()), (0, 2));
    assert_eq!(config.file, Some(dir.path().join("keepgate.toml")));
    flags.admin_listen = "0.0.0.0:1".parse().ok();
    assert_eq!(load(&flags, &nothing()).unwrap_err().exit, Exit::Usage);
}

#[test]
fn the_data_directory_of_the_command_line_takes_the_keys_along() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("x.toml");
    fs::write(&file, "data_dir = \"elsewhere\"").unwrap();
    let flags = Flags {
        config: Some(file),
        data_dir: Some("/srv/kg".into()),
        ..Flags::default()
    };
    let config = load(&flags, &nothing()).unwrap();
    assert_eq!(
        (config.data_dir.as_path(), config.kek_file.as_path()),
        (Path::new("/srv/kg"), Path::new("/srv/kg/keys/kek"))
    );
}

#[test]
fn a_configuration_that_is_named_must_be_there() {
    let flags = Flags {
        config: Some("/nonexistent/k.toml".into()),
        data_dir: Some("/d".into()),
        ..Flags::default()
    };
    let said = load(&flags, &nothing()).unwrap_err();
    assert_eq!(said.exit, Exit::Usage);
    assert!(said.to_string().contains("/nonexistent/k.toml"), "{said}");
}
