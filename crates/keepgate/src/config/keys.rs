//! The table of keys: everything the configuration may hold.
use super::{
    key::{AnyKey, Key},
    types::{
        Address, ContainerLink, Database, FilePath, FileSecret, Integer, Link, LoopbackAddress, Networks, OneOf,
        Secret, SomeOf, Switch, Text,
    },
};

macro_rules! keys { ($($name:ident: $kind:ty = $path:literal, $of:expr, $default:literal, $what:literal;)*) => {
    $(pub const $name: &Key<$kind> = &Key { path: $path, of: $of, default: $default, what: $what };)*

    /// Every key, in the order of the documentation.
    pub const ALL: &[&dyn AnyKey] = &[$($name,)*];
} }

keys! {
    LISTEN: Address = "listen", Address, "\"127.0.0.1:8443\"", "where HTTPS is served; port 0 picks a free one";
    ADMIN_LISTEN: LoopbackAddress = "admin_listen", LoopbackAddress, "\"127.0.0.1:9443\"", "where `/metrics`, `/livez` and `/readyz` are served, plain and without log-in";
    PUBLIC_URL: Link = "public_url", Link, "(the address of `listen`)", "how others reach this gateway";
    DATA_DIR: FilePath = "data_dir", FilePath, "(`/var/lib/keepgate` for root, else `$XDG_DATA_HOME/keepgate`)", "where this instance keeps its database, keys and certificates";
    DATABASE_URL: Database = "database_url", Database, "(a private PostgreSQL in `data_dir`)", "the PostgreSQL to use, logged in as `kg_app`";
    AUTH_URL: Database = "auth_url", Database, "", "the same database as `kg_auth`, for log-ins; needed with `database_url`";
    INTEGRATOR_URL: Database = "integrator_url", Database, "", "the same database as `kg_integrator`; needed with `database_url`";
    MIGRATE_URL: Database = "migrate_url", Database, "", "the same database as `kg_migrator`, for `keepgate migrate` and `keepgate admin bootstrap`";
    KEK_FILE: FilePath = "kek_file", FilePath, "(`keys/kek` in `data_dir`)", "the key-encryption key: 32 random bytes, mode 0600; made on the first run";
    KEYS_SERVICE: OneOf = "keys.service", OneOf(&["file", "openbao", "aws", "gcp"]), "\"file\"", "where the root key is: in `kek_file`, or in a key service that never hands it out";
    KEYS_NAME: Text = "keys.name", Text, "", "the root key's name there: `MOUNT/KEY` (transit), a KMS key's ARN, id or alias, or `projects/P/locations/L/keyRings/R/cryptoKeys/K`";
    KEYS_RECOVERY: FilePath = "keys.recovery_key", FilePath, "", "the public half of an offline recovery key, made by `keepgate keys recovery-key`; whatever the root key wraps has a copy for it";
    KEYS_CACHE: Integer = "keys.cache_minutes", Integer { min: 1, max: 1440 }, "15", "how long an opened tenant's key is remembered: an outage of the key service is survived for so long, a revocation there is felt so late";
    KEYS_RESEAL: Integer = "keys.reseal_per_second", Integer { min: 1, max: 100_000 }, "500", "how many values an instance seals anew in a second after the rotation of a tenant's key";
    BAO_URL: Link = "openbao.url", Link, "", "OpenBao or Vault, without `/v1`";
    BAO_CA: FilePath = "openbao.ca_file", FilePath, "", "certificates to trust instead of the public ones, PEM";
    BAO_NAMESPACE: Text = "openbao.namespace", Text, "", "the namespace, where there are any";
    BAO_AUTH: OneOf = "openbao.auth", OneOf(&["token", "approle", "jwt", "kubernetes"]), "\"approle\"", "how to log in";
    BAO_MOUNT: Text = "openbao.mount", Text, "(the word of `openbao.auth`)", "where that way of logging in is mounted";
    BAO_ROLE: Text = "openbao.role", Text, "", "the role's id with approle, its name with jwt and kubernetes";
    BAO_TOKEN: FileSecret = "openbao.token", FileSecret, "", "the token, which somebody else renews; read anew when it is needed";
    BAO_SECRET_ID: FileSecret = "openbao.secret_id", FileSecret, "", "the secret id of the role, with approle";
    BAO_JWT: FileSecret = "openbao.jwt", FileSecret, "", "the platform's signed token, with jwt and kubernetes";
    AWS_REGION: Text = "aws.region", Text, "", "the region of KMS and Secrets Manager";
    AWS_IDENTITY: OneOf = "aws.identity", OneOf(&["instance", "container", "web-identity", "access-key"]), "\"instance\"", "who we are there: the role of the machine (IMDSv2), of the container, one taken on by a platform's token, or a user's access key";
    AWS_IDENTITY_URL: ContainerLink = "aws.identity_url", ContainerLink, "", "with container, what the platform calls `AWS_CONTAINER_CREDENTIALS_FULL_URI`";
    AWS_ROLE: Text = "aws.role_arn", Text, "", "with web-identity, the role to take on";
    AWS_TOKEN: FileSecret = "aws.token", FileSecret, "", "with web-identity and container, the file with the platform's token";
    AWS_KEY_ID: Text = "aws.access_key_id", Text, "", "with access-key, its id";
    AWS_SECRET_KEY: FileSecret = "aws.secret_access_key", FileSecret, "", "with access-key, the key";
    AWS_KMS_URL: Link = "aws.kms_url", Link, "(AWS's own)", "another address of KMS, such as an endpoint of your own network";
    AWS_SECRETS_URL: Link = "aws.secrets_url", Link, "(AWS's own)", "another address of Secrets Manager";
    AWS_STS_URL: Link = "aws.sts_url", Link, "(AWS's own)", "another address of the token service";
    AWS_CA: FilePath = "aws.ca_file", FilePath, "", "certificates to trust instead of the public ones, PEM";
    GCP_ACCOUNT: Text = "gcp.account", Text, "\"default\"", "the service account, as the metadata server calls it; there is no other way to be let in";
    GCP_KMS_URL: Link = "gcp.kms_url", Link, "(Google's own)", "another address of Cloud KMS";
    GCP_SECRETS_URL: Link = "gcp.secrets_url", Link, "(Google's own)", "another address of Secret Manager, such as a regional one";
    GCP_METADATA_URL: Link = "gcp.metadata_url", Link, "(Google's own)", "another address of the metadata server, on loopback";
    GCP_CA: FilePath = "gcp.ca_file", FilePath, "", "certificates to trust instead of the public ones, PEM";
    SERVICES_TIMEOUT: Integer = "services.timeout_ms", Integer { min: 100, max: 30_000 }, "5000", "how long one call of `[openbao]`, `[aws]` or `[gcp]` may take";
    SERVICES_POLL: Integer = "services.poll_seconds", Integer { min: 1, max: 3600 }, "30", "how often secrets there are looked at for a newer version, give or take a fifth";
    TLS_CERT: FilePath = "tls.cert_file", FilePath, "(a development certificate)", "the certificate chain, PEM, leaf first";
    TLS_KEY: FilePath = "tls.key_file", FilePath, "", "its private key, PEM, mode 0600; needed with `tls.cert_file`";
    LOG_LEVEL: OneOf = "log.level", OneOf(&["error", "warn", "info", "debug", "trace"]), "\"info\"", "the least severe lines that are logged";
    LOG_FORMAT: OneOf = "log.format", OneOf(&["auto", "json", "text"]), "\"auto\"", "the log's form; auto is text on a terminal and JSON otherwise";
    BODY_BYTES: Integer = "limits.body_bytes", Integer { min: 1024, max: 67_108_864 }, "2097152", "the largest request body";
    REQUEST_TIMEOUT: Integer = "limits.request_timeout_seconds", Integer { min: 1, max: 300 }, "30", "how long a request may take; streams and exports excepted";
    HEADER_TIMEOUT: Integer = "limits.header_timeout_seconds", Integer { min: 1, max: 60 }, "10", "how long a client may take to send its headers";
    REQUESTS: Integer = "limits.requests_per_minute", Integer { min: 1, max: 10_000_000 }, "600000", "requests a minute of one principal, over all its sessions and keys; above it 429";
    ANONYMOUS: Integer = "limits.anonymous_per_minute", Integer { min: 1, max: 10_000_000 }, "600", "requests a minute of one address (IPv6: one /64) without a credential known to be good";
    TRUSTED_PROXIES: Integer = "limits.trusted_proxies", Integer { min: 0, max: 8 }, "0", "how many proxies of your own stand in front; so many entries of `X-Forwarded-For`, from the right, are believed";
    AUDIT_ORIGIN: Text = "audit.origin", Text, "(the host of `public_url`, else `localhost`)", "the host part of the audit logs' names; kept for the life of a log";
    WITNESS_POLICY: FilePath = "audit.witness_policy", FilePath, "", "the witnesses of the audit logs (C2SP tlog-policy): which logs, who is asked (lines with a URL), how many are enough; without it nobody is asked";
    WITNESS_TIMEOUT: Integer = "audit.witness_timeout_ms", Integer { min: 50, max: 30_000 }, "1000", "how long a witness may take to answer";
    WITNESS_CA: FilePath = "audit.witness_ca_file", FilePath, "", "certificates to trust for witnesses beside the public ones, PEM";
    TSA_URL: Link = "audit.tsa_url", Link, "", "the time-stamping authority (RFC 3161) that stamps the log of logs each hour; without it nobody does";
    TSA_CA: FilePath = "audit.tsa_ca_file", FilePath, "", "the roots that its certificate must lead to, PEM; needed with `audit.tsa_url`";
    TSA_POLICY: Text = "audit.tsa_policy", Text, "", "the policy (object identifier, such as 1.2.3.4.1) to ask for and to insist on; without it any";
    AUDIT_CHECKPOINT: Integer = "audit.checkpoint_ms", Integer { min: 50, max: 60_000 }, "1000", "how often logs that grew are signed; what is younger is not shown yet";
    AUDIT_ML_DSA: Switch = "audit.ml_dsa", Switch, "false", "sign checkpoints a second time with ML-DSA-44, which a quantum computer can't forge";
    AUDIT_ARCHIVE: FilePath = "audit.archive_dir", FilePath, "(nothing is archived or removed)", "an existing directory, better on another machine's disk, to which old months of the audit logs are archived before they are removed here";
    ARCHIVE_URL: Link = "audit.archive_url", Link, "", "instead of a directory, a bucket of an S3-compatible store and a prefix in it, such as `https://s3.example/logs/keepgate`";
    ARCHIVE_REGION: Text = "audit.archive_region", Text, "\"us-east-1\"", "the store's region";
    ARCHIVE_ACCESS_KEY: Text = "audit.archive_access_key", Text, "", "the id of the key that lets us in there";
    ARCHIVE_SECRET_KEY: Secret = "audit.archive_secret_key", Secret, "", "the key, a [reference](#secrets)";
    ARCHIVE_CA: FilePath = "audit.archive_ca_file", FilePath, "", "certificates to trust for the store instead of the public ones, PEM";
    AUDIT_RETENTION: Integer = "audit.retention_months", Integer { min: 60, max: 1200 }, "61", "how many whole months of the audit logs are kept before they may be archived and removed";
    AUDIT_STRANGERS: Integer = "audit.stranger_days", Integer { min: 7, max: 400 }, "30", "how many days the addresses of callers nobody knows, such as failed log-ins, can be read; then their key is destroyed";
    PG_BIN_DIR: FilePath = "postgres.bin_dir", FilePath, "(looked for)", "the directory with `postgres` and `initdb` of the private PostgreSQL";
    PG_CONNECTIONS: Integer = "postgres.max_connections", Integer { min: 20, max: 1000 }, "100", "connections the private PostgreSQL accepts";
    PG_POOL: Integer = "postgres.pool", Integer { min: 2, max: 200 }, "20", "connections the service opens as `kg_app`";
    SSO_LOOPBACK: Switch = "sso.allow_loopback", Switch, "false", "let identity providers be on this machine; for tests";
    SSO_INTERNAL: Networks = "sso.internal_networks", Networks, "[]", "private networks in which identity providers may be, such as `10.20.0.0/16`; https all the same";
    SINKS_LOOPBACK: Switch = "sinks.allow_loopback", Switch, "false", "let audit logs be sent on to this machine";
    SINKS_INTERNAL: Networks = "sinks.internal_networks", Networks, "[]", "private networks in which receivers of audit logs may be, such as `10.20.0.0/16`; TLS all the same";
    WEBHOOKS_LOOPBACK: Switch = "webhooks.allow_loopback", Switch, "false", "let webhooks go to this machine; for tests";
    MAIL_HOST: Text = "mail.host", Text, "", "the mail server for notices and reset codes, as its certificate names it; without it none are sent";
    MAIL_PORT: Integer = "mail.port", Integer { min: 1, max: 65535 }, "(465, or 587 with starttls)", "its port";
    MAIL_SECURITY: OneOf = "mail.security", OneOf(&["implicit", "starttls", "none"]), "\"implicit\"", "TLS from the first byte, or STARTTLS demanded; none on loopback only";
    MAIL_CA: FilePath = "mail.ca_file", FilePath, "", "certificates to trust beside the public ones, PEM";
    MAIL_USER: Text = "mail.username", Text, "", "whom to log in as";
    MAIL_PASSWORD: Secret = "mail.password", Secret, "", "the password, a [reference](#secrets)";
    MAIL_FROM: Text = "mail.from", Text, "", "the sender, such as `Keepgate <keepgate@example.org>`; needed with `mail.host`";
    PROVIDER_NAME: Text = "providers.name", Text, "", "what routes and reports call it; each name once";
    PROVIDER_KIND: OneOf = "providers.kind", OneOf(&["twilio"]), "", "which API it speaks";
    PROVIDER_CHANNELS: SomeOf = "providers.channels", SomeOf(&["sms", "voice"]), "", "what it carries";
    PROVIDER_BASE_URL: Link = "providers.base_url", Link, "\"https://api.twilio.com\"", "its host; plain http only on loopback, for a stand-in";
    PROVIDER_ACCOUNT: Text = "providers.account_sid", Text, "", "the account, `AC…`";
    PROVIDER_TOKEN: Secret = "providers.auth_token", Secret, "", "its token, a [reference](#secrets)";
    PROVIDER_FROM: Text = "providers.from", Text, "", "the sender: a number such as +15005550006, or for SMS a messaging service (`MG…`) or a name";
    PROVIDER_CALLBACK: Link = "providers.callback_base", Link, "(`public_url`)", "where it reports back to";
}
