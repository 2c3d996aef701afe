//! What the rules of rust.yaml must find (`ruleid`) and leave alone (`ok`). Not compiled.
fn found(name: &str, pool: &PgPool, secret: &SecretString, other: &str) {
    // ruleid: sql-put-together
    sqlx::query(&format!("select * from t where n = '{name}'")).execute(pool);
    // ok: sql-put-together
    sqlx::query("select * from t where n = $1").bind(name).execute(pool);

    // ruleid: statements-unprepared
    sqlx::raw_sql("select 1; select 2").execute(pool);
    // ok: statements-unprepared
    sqlx::query!("select 1").execute(pool);

    // ruleid: context-by-hand
    let context = OpContext::authenticated(principal, credential, None, None, request, at);
    // ok: context-by-hand
    let context = OpContext::system(tenant, request, at);

    // ruleid: certificate-unchecked
    let client = builder.danger_accept_invalid_certs(true).build();
    // ok: certificate-unchecked
    let client = builder.https_only(true).build();

    // ruleid: client-without-guard
    let client = reqwest::Client::new();
    // ok: client-without-guard
    let client = guarded_client();

    // ruleid: secret-in-a-log
    tracing::warn!(secret = secret.expose_secret(), "not accepted");
    // ok: secret-in-a-log
    tracing::warn!(id = %id, "not accepted");

    // ruleid: secrets-compared-early-out
    let same = secret.expose_secret() == other;
    // ok: secrets-compared-early-out
    let same = secret.expose_secret().as_bytes().ct_eq(other.as_bytes());

    // ruleid: database-unverified
    let url = "postgres://db.example.org/keepgate?sslmode=require";
    // ok: database-unverified
    let url = "postgres://db.example.org/keepgate?sslmode=verify-full";

    // ruleid: weak-randomness
    let code: u64 = rand::random();
    // ok: weak-randomness
    let code = random::bytes::<32>()?;

    // ruleid: another-role
    sqlx::query("set local role kg_owner").execute(pool);
    // ok: another-role
    sqlx::query("select current_user").execute(pool);

    // ruleid: weak-digest
    let sum = md5::compute(name);
    // ok: weak-digest
    let sum = digest::digest(&digest::SHA256, name.as_bytes());
}

struct Settings {
    // ruleid: secret-as-text
    password: String,
    // ok: secret-as-text
    client_secret: Option<SecretString>,
}
