//! The rows that hold what a root key wrapped. Tenants' keys through the platform's and the tenants' own workers as `kg_app`, seeds of
//! access tokens as `kg_auth`, the installation's key and seeds of logs as `kg_integrator`: each role sees no more than it did.
use keepgate_kernel::{Entity, TenantId, Uuid};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::{PgTx, StoreError};
use sqlx::PgConnection;

use super::{Anew, RootWrapped};
use crate::{KeyContext, SigningPurpose, Wrapped};

fn row(
    context: KeyContext,
    (kek, bytes): (String, Vec<u8>),
    (to, copy): (Option<String>, Option<Vec<u8>>),
) -> RootWrapped {
    RootWrapped {
        context,
        wrapped: Wrapped { kek, bytes },
        copy: to.zip(copy).map(|(kek, bytes)| Wrapped { kek, bytes }),
    }
}

fn copy_of(anew: &Anew) -> (Option<&str>, Option<&[u8]>) {
    let copy = anew.copy.as_ref();
    (copy.map(|copy| &*copy.kek), copy.map(|copy| &*copy.bytes))
}

/// How much a version of a root key wraps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootUse {
    /// `installation`, `tenant-key`, `log-seed`, `token-seed`; `person-key` for those of before tenants' keys wrapped them.
    pub kind: String,
    /// The version, as in [`Wrapped::kek`].
    pub kek: String,
    /// How many.
    pub keys: i64,
    /// How many of them have no copy for the recovery key that was asked about.
    pub uncopied: i64,
}

/// What the root key wraps, in every tenant; for the platform's own worker, and for anybody else there is nothing.
///
/// # Errors
/// [`StoreError`].
pub async fn root_uses(tx: &mut PgTx, recovery_to: Option<&str>) -> Result<Vec<RootUse>, StoreError> {
    let uses = sqlx::query_as!(
        RootUse,
        r#"select kind as "kind!", kek as "kek!", keys as "keys!", uncopied as "uncopied!" from gate.root_uses($1)"#,
        recovery_to
    );
    Ok(uses.fetch_all(tx.conn()).await?)
}

/// A tenant with something to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueTenant {
    /// Which.
    pub tenant: TenantId,
    /// Whether its own worker may enter: nobody enters a suspended one, and the platform's worker does it instead.
    pub active: bool,
    /// How many keys.
    pub keys: i64,
}

/// The tenants whose keys something else wrapped than `kek` (if any is named), or that lack a copy for `recovery_to`; for the platform's
/// own worker, and for anybody else there are none.
///
/// # Errors
/// [`StoreError`].
pub async fn due_tenants(
    tx: &mut PgTx,
    kek: Option<&str>,
    recovery_to: Option<&str>,
) -> Result<Vec<DueTenant>, StoreError> {
    let rows = sqlx::query!(
        r#"select tenant as "tenant!", active as "active!", keys as "keys!" from gate.tenants_to_rewrap($1, $2)"#,
        kek,
        recovery_to
    );
    let due = |tenant, active, keys| DueTenant {
        tenant: TenantId::from_uuid(tenant),
        active,
        keys,
    };
    let rows = rows.fetch_all(tx.conn()).await?;
    Ok(rows
        .into_iter()
        .map(|row| due(row.tenant, row.active, row.keys))
        .collect())
}

/// A version of a tenant's key.
#[derive(Debug, Clone)]
pub struct TenantKey {
    /// Its number within the tenant, from 1.
    pub version: i32,
    /// What lies there.
    pub row: RootWrapped,
}

/// The living keys of `tenant`, for its own worker, or the platform's where it is suspended; for anybody else there are none.
///
/// # Errors
/// [`StoreError`].
pub async fn tenant_keys(tx: &mut PgTx, tenant: TenantId) -> Result<Vec<TenantKey>, StoreError> {
    let rows = sqlx::query!(
        r#"select version as "version!", kek as "kek!", wrapped as "wrapped!", recovery_to, recovery from gate.root_wrapped_keys($1)"#,
        tenant.uuid()
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let context = |version| KeyContext::new("dek", tenant.uuid().as_bytes(), version);
    let keys = rows.into_iter().map(|found| TenantKey {
        version: found.version,
        row: row(
            context(found.version),
            (found.kek, found.wrapped),
            (found.recovery_to, found.recovery),
        ),
    });
    Ok(keys.collect())
}

/// Puts a tenant's keys back, each if it is still what it was. Yields how many were put.
#[derive(Debug)]
pub struct RewrapTenantKeys {
    /// Whose.
    pub tenant: TenantId,
    /// What each was and is to be.
    pub keys: Vec<(TenantKey, Anew)>,
}

impl Command<PgTx> for RewrapTenantKeys {
    type Permission = permissions::KeyRewrapped;
    type Output = u64;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.tenant.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut PgTx) -> Result<u64, StoreError> {
        let mut done = 0;
        for (key, anew) in &self.keys {
            let (to, copy) = copy_of(anew);
            let put = sqlx::query_scalar!(
                r#"select gate.rewrap_data_key($1, $2, $3, $4, $5, $6, $7) as "put!""#,
                self.tenant.uuid(),
                key.version,
                key.row.wrapped.bytes,
                anew.wrapped.kek,
                anew.wrapped.bytes,
                to,
                copy
            );
            done += u64::from(put.fetch_one(tx.conn()).await?);
        }
        Ok(done)
    }
}

/// The seed of a key that signs access tokens.
#[derive(Debug, Clone)]
pub struct TokenSeed {
    /// The key's id.
    pub kid: String,
    /// What lies there.
    pub row: RootWrapped,
}

/// Every seed that is not destroyed, for the platform's own worker as `kg_auth`; for anybody else there are none.
///
/// # Errors
/// [`StoreError`].
pub async fn token_seeds(tx: &mut PgTx) -> Result<Vec<TokenSeed>, StoreError> {
    let rows = sqlx::query!(
        r#"select kid as "kid!", kek as "kek!", sealed as "sealed!", recovery_to, recovery from gate.root_wrapped_seeds()"#
    );
    let rows = rows.fetch_all(tx.conn()).await?;
    let seeds = rows.into_iter().map(|found| TokenSeed {
        row: row(
            KeyContext::new(SigningPurpose::Token.as_str(), found.kid.as_bytes(), 1),
            (found.kek, found.sealed),
            (found.recovery_to, found.recovery),
        ),
        kid: found.kid,
    });
    Ok(seeds.collect())
}

/// Puts the seeds of access tokens back, each if it is still what it was. Yields how many were put.
#[derive(Debug)]
pub struct RewrapTokenSeeds {
    /// What each was and is to be.
    pub seeds: Vec<(TokenSeed, Anew)>,
}

impl Command<PgTx> for RewrapTokenSeeds {
    type Permission = permissions::KeyRewrapped;
    type Output = u64;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("signing-keys")
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut PgTx) -> Result<u64, StoreError> {
        let mut done = 0;
        for (seed, anew) in &self.seeds {
            let (to, copy) = copy_of(anew);
            let put = sqlx::query_scalar!(
                r#"select gate.rewrap_seed($1, $2, $3, $4, $5, $6) as "put!""#,
                seed.kid,
                seed.row.wrapped.bytes,
                anew.wrapped.kek,
                anew.wrapped.bytes,
                to,
                copy
            );
            done += u64::from(put.fetch_one(tx.conn()).await?);
        }
        Ok(done)
    }
}

/// The entry about seeds of logs and the installation's key, which another role puts back.
#[derive(Debug, Clone, Copy)]
pub struct TellRewrapped {
    /// `log-keys` or `installation-key`.
    pub what: &'static str,
}

impl Command<PgTx> for TellRewrapped {
    type Permission = permissions::KeyRewrapped;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection(self.what)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, _tx: &mut PgTx) -> Result<(), StoreError> {
        Ok(())
    }
}

/// The seed of a key that signs a log.
#[derive(Debug, Clone)]
pub struct LogSeed {
    /// The tenant, the purpose and the number: the row's own.
    pub at: (Uuid, String, i32),
    /// What lies there.
    pub row: RootWrapped,
}

/// The next seeds of logs after `after`, at most 200, that something else wrapped than `kek` (if any is named) or that lack a copy for
/// `recovery_to`. As `kg_integrator`.
///
/// # Errors
/// [`StoreError`].
pub async fn log_seeds(
    connection: &mut PgConnection,
    kek: Option<&str>,
    recovery_to: Option<&str>,
    after: Option<&LogSeed>,
) -> Result<Vec<LogSeed>, StoreError> {
    let (tenant, purpose, version) = after.map_or((Uuid::nil(), "", 0), |seed| {
        let (tenant, purpose, version) = &seed.at;
        (*tenant, purpose, *version)
    });
    let rows = sqlx::query!(
        r#"select tenant_id, purpose, version, kek as "kek!", wrapped as "wrapped!", public, recovery_to, recovery from keys.signing_key
           where wrapped is not null and (kek <> $1 or recovery_to is distinct from coalesce($2, recovery_to))
             and (tenant_id, purpose, version) > ($3, $4, $5)
           order by tenant_id, purpose, version limit 200"#,
        kek,
        recovery_to,
        tenant,
        purpose,
        version
    );
    let rows = rows.fetch_all(connection).await?;
    let seeds = rows.into_iter().map(|found| {
        let mut owner = found.tenant_id.as_bytes().to_vec();
        // A key that came later is sealed for its public half too.
        if found.version > 1 {
            owner.extend(found.public.unwrap_or_default());
        }
        LogSeed {
            row: row(
                KeyContext::new(&found.purpose, &owner, 1),
                (found.kek, found.wrapped),
                (found.recovery_to, found.recovery),
            ),
            at: (found.tenant_id, found.purpose, found.version),
        }
    });
    Ok(seeds.collect())
}

/// Puts seeds of logs back, each if it is still what it was. Returns how many were put. As `kg_integrator`.
///
/// # Errors
/// [`StoreError`].
pub async fn put_log_seeds(connection: &mut PgConnection, seeds: &[(LogSeed, Anew)]) -> Result<u64, StoreError> {
    let mut done = 0;
    for (seed, anew) in seeds {
        let (to, copy) = copy_of(anew);
        let (tenant, purpose, version) = &seed.at;
        let put = sqlx::query!(
            "update keys.signing_key set kek = $5, wrapped = $6, recovery_to = coalesce($7, recovery_to), recovery = coalesce($8, recovery)
             where tenant_id = $1 and purpose = $2 and version = $3 and wrapped = $4",
            tenant,
            purpose,
            version,
            seed.row.wrapped.bytes,
            anew.wrapped.kek,
            anew.wrapped.bytes,
            to,
            copy
        );
        done += put.execute(&mut *connection).await?.rows_affected();
    }
    Ok(done)
}

/// The installation's key.
#[derive(Debug, Clone)]
pub struct InstanceRow {
    /// Its id.
    pub id: String,
    /// What lies there.
    pub row: RootWrapped,
}

/// The installation's key as stored; `None` before there is one. As `kg_integrator`.
///
/// # Errors
/// [`StoreError`].
pub async fn instance_row(connection: &mut PgConnection) -> Result<Option<InstanceRow>, StoreError> {
    let found = sqlx::query!("select id, kek, wrapped, recovery_to, recovery from keys.instance_key");
    let found = found.fetch_optional(connection).await?;
    Ok(found.map(|found| InstanceRow {
        row: row(
            KeyContext::new("instance", found.id.as_bytes(), 1),
            (found.kek, found.wrapped),
            (found.recovery_to, found.recovery),
        ),
        id: found.id,
    }))
}

/// Puts the installation's key back if it is still what it was. As `kg_integrator`.
///
/// # Errors
/// [`StoreError`].
pub async fn put_instance(connection: &mut PgConnection, was: &InstanceRow, anew: &Anew) -> Result<bool, StoreError> {
    let (to, copy) = copy_of(anew);
    let put = sqlx::query!(
        "update keys.instance_key set kek = $3, wrapped = $4, recovery_to = coalesce($5, recovery_to), recovery = coalesce($6, recovery)
         where id = $1 and wrapped = $2",
        was.id,
        was.row.wrapped.bytes,
        anew.wrapped.kek,
        anew.wrapped.bytes,
        to,
        copy
    );
    Ok(put.execute(connection).await?.rows_affected() == 1)
}
