//! A database with the cast in it, and ways in.
use aws_lc_rs::hmac;
use keepgate_store::{
    postgres::{LOCKDOWN_SQL, ROLES_SQL, Role},
    testing::TestDb,
};
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};

use crate::{
    attack::Who,
    cast::{self, arrange, fill, find, id},
};

/// A refusal.
#[derive(Debug)]
pub struct Refusal {
    pub code: String,
    pub told: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.told)
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        let told = error.as_database_error().map(|error| error.message().to_owned());
        let code = error.as_database_error().and_then(sqlx::error::DatabaseError::code);
        Self {
            code: code.unwrap_or_default().into_owned(),
            told: told.unwrap_or_else(|| error.to_string()),
        }
    }
}

pub type Tried<T> = Result<T, Refusal>;

pub struct Siege {
    pub db: TestDb,
}

/// `disable trigger all` and back, around `sql`: what the walls would refuse to anybody.
fn quietly(sql: &str) -> String {
    format!(
        "create temp table guards on commit drop as select t.tgrelid::regclass::text as tab, t.tgname::text as name, t.tgenabled::text as how
           from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
          where not t.tgisinternal and n.nspname in ('rbac', 'identity', 'keys', 'channels', 'doorway');
         do $$ declare g record; begin for g in select * from guards loop execute format('alter table %s disable trigger %I', g.tab, g.name); end loop; end $$;
         {sql};
         set constraints all immediate;
         do $$ declare g record; begin for g in select * from guards where how <> 'D' loop
           execute format('alter table %s enable %s trigger %I', g.tab, case how when 'A' then 'always' else '' end, g.name); end loop; end $$;"
    )
    .replace("case how when", "case g.how when")
}

impl Siege {
    /// The cast in a fresh database, locked down as an administrator does it where that is possible.
    pub async fn begin(locked_down: bool) -> Self {
        let siege = Self {
            db: TestDb::new().await,
        };
        let mut admin = siege.db.admin().await;
        run(&mut admin, ROLES_SQL).await.unwrap(); // rights on a database are no part of its template
        if locked_down {
            run(&mut admin, LOCKDOWN_SQL).await.unwrap();
        }
        siege.arrange(&arrange()).await;
        siege
    }

    /// Changes the world as nobody else could; `{name}` stands for numbers.
    pub async fn arrange(&self, sql: &str) {
        let mut admin = self.db.admin().await;
        let text = format!("begin; {} commit", quietly(&fill(sql)));
        run(&mut admin, &text)
            .await
            .unwrap_or_else(|error| panic!("arranging: {error}: {sql}"));
    }

    /// What the superuser sees: one text.
    pub async fn ask(&self, sql: &str) -> String {
        let mut admin = self.db.admin().await;
        sqlx::query_scalar::<_, String>(AssertSqlSafe(fill(sql)))
            .fetch_one(&mut admin)
            .await
            .unwrap()
    }

    pub async fn connect(&self, role: Role) -> PgConnection {
        self.db.options(role).connect().await.unwrap()
    }

    /// A connection inside a transaction of `who`.
    pub async fn within(&self, who: Who) -> Tried<PgConnection> {
        self.within_at(who, "read committed").await
    }

    pub async fn within_at(&self, who: Who, isolation: &str) -> Tried<PgConnection> {
        let (role, claims) = match who {
            Who::Nobody => (Some(Role::App), None),
            Who::App(name) => (Some(Role::App), Some(Claims::of(name))),
            Who::Worker(tenant) => (Some(Role::App), Some(Claims::worker(tenant))),
            Who::AuthNobody => (Some(Role::Auth), None),
            Who::Auth(tenant) => (Some(Role::Auth), Some(Claims::worker(tenant))),
            Who::Integrator => (Some(Role::Integrator), None),
            Who::Owner | Who::Superuser => (None, None),
        };
        let mut connection = match role {
            Some(role) => self.connect(role).await,
            None => self.db.admin().await,
        };
        run(&mut connection, &format!("begin isolation level {isolation}")).await?;
        if who == Who::Owner {
            run(&mut connection, "set local role kg_owner").await?;
        }
        if let Some(claims) = claims {
            claims.enter(&mut connection).await?;
        }
        Ok(connection)
    }

    /// Runs `sql` in a transaction of `who` and takes it back; how many rows it saw or touched.
    pub async fn try_sql(&self, who: Who, sql: &str) -> Tried<u64> {
        let mut connection = self.within(who).await?;
        let done = run(&mut connection, &fill(sql)).await;
        let _gone = connection.close().await;
        done
    }

    pub async fn end(self) {
        self.db.drop().await;
    }
}

/// Runs statements by the simple protocol; how many rows they saw or touched.
pub async fn run(connection: &mut PgConnection, sql: &str) -> Tried<u64> {
    Ok(sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await?
        .rows_affected())
}

/// One number or text.
pub async fn one(connection: &mut PgConnection, sql: &str) -> Tried<String> {
    Ok(sqlx::query_scalar::<_, String>(AssertSqlSafe(fill(sql)))
        .fetch_one(connection)
        .await?)
}

/// What the gateway would sign; every field can be wrong.
#[derive(Clone)]
pub struct Claims {
    pub version: &'static str,
    pub kid: &'static str,
    pub subject: String,
    pub kind: &'static str,
    pub credential: String,
    pub tenant: String,
    pub level: i32,
    pub lives_ms: i64,
    pub key: [u8; 32],
    pub backend: Option<i32>,
}

/// Of the test databases only.
const KEY: [u8; 32] = [7; 32];

impl Claims {
    /// Those of a member's session, of `key:` and the tenant of an API key, of `dev:` and that of a device.
    pub fn of(name: &str) -> Self {
        let base = |subject: &str, kind, credential: &str, tenant: &str, level| Self {
            version: "v2",
            kid: "test",
            subject: id(subject).to_string(),
            kind,
            credential: id(credential).to_string(),
            tenant: id(tenant).to_string(),
            level,
            lives_ms: 5_000,
            key: KEY,
            backend: None,
        };
        if let Some(tenant) = name.strip_prefix("key:") {
            return base(&format!("{tenant}svc"), "key", &format!("{tenant}key"), tenant, 3);
        }
        if let Some(tenant) = name.strip_prefix("dev:") {
            return base(&format!("{tenant}dev"), "ses", &format!("s-{tenant}dev"), tenant, 1);
        }
        let member: &cast::Member = find(name);
        base(
            name,
            "ses",
            &format!("s-{name}"),
            member.tenant,
            i32::from(member.level),
        )
    }

    pub fn worker(tenant: &str) -> Self {
        let number = id(tenant).to_string();
        Self {
            subject: number.clone(),
            kind: "sys",
            credential: number.clone(),
            tenant: number,
            level: 0,
            ..Self::of("t5")
        }
    }

    /// The text and its signature, for `backend`.
    pub fn signed(&self, backend: i32, now_ms: i64) -> (String, Vec<u8>) {
        let text = format!(
            "{}|{}|{}|{}|{}|{}|{}|{}|{}",
            self.version,
            self.kid,
            self.subject,
            self.kind,
            self.credential,
            self.tenant,
            self.level,
            now_ms + self.lives_ms,
            self.backend.unwrap_or(backend)
        );
        let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &self.key), text.as_bytes())
            .as_ref()
            .to_vec();
        (text, signature)
    }

    /// Signs for this connection.
    pub async fn signed_for(&self, connection: &mut PgConnection) -> Tried<(String, Vec<u8>)> {
        let (backend, now): (i32, i64) =
            sqlx::query_as("select pg_backend_pid(), (extract(epoch from clock_timestamp()) * 1000)::bigint")
                .fetch_one(connection)
                .await?;
        Ok(self.signed(backend, now))
    }

    pub async fn enter(&self, connection: &mut PgConnection) -> Tried<()> {
        let signed = self.signed_for(connection).await?;
        enter(connection, &signed).await
    }
}

pub async fn enter(connection: &mut PgConnection, (text, signature): &(String, Vec<u8>)) -> Tried<()> {
    sqlx::query("select gate.enter($1, $2)")
        .bind(text)
        .bind(signature)
        .execute(connection)
        .await?;
    Ok(())
}
