//! Keys of logs in PostgreSQL: their states for people, their seeds for the integrator's role.
use async_trait::async_trait;
use keepgate_kernel::{TenantId, Timestamp};
use keepgate_store::{PgTx, StoreError};
use sqlx::PgConnection;

use super::{LogKeyRing, LogKeyState, LogKeyTurn, LogKind, NewLogKey};
use crate::{CryptoError, KeyService, KeyServiceError, SigningPurpose, SigningSeed, Wrapped};

#[async_trait]
impl LogKeyRing for PgTx {
    async fn log_keys(&mut self) -> Result<Vec<LogKeyState>, StoreError> {
        let rows = sqlx::query!(
            r#"select origin, meta as "meta!", version as "version!", public, created_at as "created_at!", signs_until, destroyed_at
               from gate.log_keys()"#
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(LogKeyState {
                    log: if row.meta { LogKind::Meta } else { LogKind::Own },
                    origin: row.origin,
                    version: row.version,
                    public: row.public.map(half).transpose()?,
                    created_at: row.created_at,
                    signs_until: row.signs_until,
                    destroyed_at: row.destroyed_at,
                })
            })
            .collect()
    }

    async fn rotate_log_key(
        &mut self,
        log: LogKind,
        fresh: &NewLogKey,
        emergency: bool,
    ) -> Result<LogKeyTurn, StoreError> {
        let turn = sqlx::query_scalar!(
            r#"select gate.rotate_log_key($1, $2, $3, $4, $5) as "turn!""#,
            log == LogKind::Meta,
            fresh.wrapped.kek,
            fresh.wrapped.bytes,
            &fresh.public[..],
            emergency
        )
        .fetch_one(self.conn())
        .await?;
        match turn.as_str() {
            "turned" => Ok(LogKeyTurn::Turned),
            "overlap" => Ok(LogKeyTurn::Overlap),
            "none" => Ok(LogKeyTurn::None),
            _ => Err(StoreError::corrupt("keys.signing_key", "version")),
        }
    }
}

fn half(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    bytes
        .try_into()
        .map_err(|_| StoreError::corrupt("keys.signing_key", "public"))
}

/// A key whose seed is open.
#[derive(Debug)]
pub struct OpenLogKey {
    /// Its number, from 1.
    pub version: i32,
    /// The seed.
    pub seed: SigningSeed,
    /// Until when it signs; `None` for the newest one.
    pub signs_until: Option<Timestamp>,
}

/// What signs a log at this moment, the newest key first: the first call of a log makes its first key. `purpose` says whether it is
/// `tenant`'s own log or the log of logs. `connection` is logged in as the integrator.
///
/// # Errors
/// [`StoreError`]; [`StoreError::Corrupt`] when a stored key does not open under `root`, or is not the one of its public half.
pub async fn log_signing_keys(
    connection: &mut PgConnection,
    root: &dyn KeyService,
    tenant: TenantId,
    purpose: SigningPurpose,
) -> Result<Vec<OpenLogKey>, StoreError> {
    let keys = stored(connection, root, tenant, purpose).await?;
    if !keys.is_empty() {
        return Ok(keys);
    }
    let owner = tenant.uuid();
    let fresh = SigningSeed::generate(purpose).map_err(library)?;
    let public = fresh.public().map_err(library)?;
    let wrapped = fresh.wrap(root, owner.as_bytes()).await.map_err(unopened)?;
    sqlx::query!(
        "insert into keys.signing_key (tenant_id, purpose, version, kek, wrapped, public) values ($1, $2, 1, $3, $4, $5) on conflict do nothing",
        owner,
        purpose.as_str(),
        wrapped.kek,
        wrapped.bytes,
        &public[..]
    )
    .execute(&mut *connection)
    .await?;
    let keys = stored(connection, root, tenant, purpose).await?;
    if keys.is_empty() {
        return Err(StoreError::corrupt("keys.signing_key", "wrapped"));
    }
    Ok(keys)
}

async fn stored(
    connection: &mut PgConnection,
    root: &dyn KeyService,
    tenant: TenantId,
    purpose: SigningPurpose,
) -> Result<Vec<OpenLogKey>, StoreError> {
    let rows = sqlx::query!(
        r#"select version, kek as "kek!", wrapped as "wrapped!", public, signs_until from keys.signing_key
           where tenant_id = $1 and purpose = $2 and wrapped is not null and (signs_until is null or signs_until > clock_timestamp())
           order by version desc"#,
        tenant.uuid(),
        purpose.as_str()
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut keys = Vec::new();
    for row in rows {
        let known = row.public.map(half).transpose()?;
        let mut owner = tenant.uuid().as_bytes().to_vec();
        // A key that came later is sealed for its public half too: no row can take another's place.
        if row.version > 1 {
            owner.extend(known.ok_or(StoreError::corrupt("keys.signing_key", "public"))?);
        }
        let wrapped = Wrapped {
            kek: row.kek,
            bytes: row.wrapped,
        };
        let seed = SigningSeed::unwrap(root, purpose, &owner, &wrapped)
            .await
            .map_err(unopened)?;
        let public = seed.public().map_err(library)?;
        match known {
            Some(known) if known != public => return Err(StoreError::corrupt("keys.signing_key", "public")),
            Some(_) => {}
            None => {
                sqlx::query!(
                    "update keys.signing_key set public = $4 where tenant_id = $1 and purpose = $2 and version = $3 and public is null",
                    tenant.uuid(),
                    purpose.as_str(),
                    row.version,
                    &public[..]
                )
                .execute(&mut *connection)
                .await?;
            }
        }
        keys.push(OpenLogKey {
            version: row.version,
            seed,
            signs_until: row.signs_until,
        });
    }
    Ok(keys)
}

/// Changes whenever a key begins or ceases to sign: what was opened before is then to be opened again.
///
/// # Errors
/// [`StoreError`].
pub async fn log_key_generation(connection: &mut PgConnection) -> Result<(i64, i64), StoreError> {
    let row = sqlx::query!(
        r#"select count(*) as "rotated!", count(*) filter (where signs_until > clock_timestamp()) as "overlapping!"
           from keys.signing_key where signs_until is not null"#
    )
    .fetch_one(connection)
    .await?;
    Ok((row.rotated, row.overlapping))
}

/// Destroys the seeds of keys that have signed for the last time. Returns how many.
///
/// # Errors
/// [`StoreError`].
pub async fn destroy_ended_log_keys(connection: &mut PgConnection) -> Result<u64, StoreError> {
    let done = sqlx::query!(
        "update keys.signing_key set kek = null, wrapped = null, destroyed_at = clock_timestamp()
         where signs_until <= clock_timestamp() and wrapped is not null and public is not null"
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

fn library(error: CryptoError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

fn unopened(error: KeyServiceError) -> StoreError {
    match error {
        KeyServiceError::WrongKey => StoreError::corrupt("keys.signing_key", "wrapped"),
        other => StoreError::Unavailable(Box::new(other)),
    }
}
