//! Factors and recovery codes.
use keepgate_kernel::{FactorId, PrincipalId};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::kind;
use crate::{FactorKind, FactorOnFile, FactorRecord, NewFactor, RecoveryHash};

pub(super) async fn list(tx: &mut PgTx, principal: PrincipalId) -> Result<Vec<FactorRecord>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query!(
        "select id, kind, name, created_at, confirmed_at, last_used_at from identity.factor
          where tenant_id = $1 and principal_id = $2 order by id",
        tenant,
        principal.uuid(),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(FactorRecord {
                id: FactorId::from_uuid(row.id),
                kind: kind(&row.kind)?,
                name: row.name,
                created_at: row.created_at,
                confirmed_at: row.confirmed_at,
                last_used_at: row.last_used_at,
            })
        })
        .collect()
}

pub(super) async fn on_file(
    tx: &mut PgTx,
    principal: PrincipalId,
    kind: FactorKind,
    confirmed: bool,
) -> Result<Vec<FactorOnFile>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query!(
        "select id, material, counter, credential_id from identity.factor
          where tenant_id = $1 and principal_id = $2 and kind = $3 and (confirmed_at is not null) = $4 order by id",
        tenant,
        principal.uuid(),
        kind.as_str(),
        confirmed,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| FactorOnFile {
            factor: FactorId::from_uuid(row.id),
            material: row.material,
            counter: row.counter,
            credential: row.credential_id,
        })
        .collect())
}

pub(super) async fn put(tx: &mut PgTx, new: &NewFactor) -> Result<bool, StoreError> {
    let tenant = tx.context().tenant().uuid();
    if !new.confirmed {
        sqlx::query!(
            "delete from identity.factor where tenant_id = $1 and principal_id = $2 and kind = $3 and confirmed_at is null",
            tenant,
            new.principal.uuid(),
            new.kind.as_str(),
        )
        .execute(tx.conn())
        .await?;
    }
    let done = sqlx::query!(
        "insert into identity.factor (tenant_id, id, principal_id, kind, name, material, counter, credential_id, confirmed_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, case when $9 then now() end) on conflict do nothing",
        tenant,
        new.id.uuid(),
        new.principal.uuid(),
        new.kind.as_str(),
        new.name,
        new.material,
        new.counter,
        new.credential,
        new.confirmed,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn confirm(
    tx: &mut PgTx,
    principal: PrincipalId,
    factor: FactorId,
    step: i64,
) -> Result<bool, StoreError> {
    let tenant = tx.context().tenant().uuid();
    sqlx::query!(
        "delete from identity.factor where tenant_id = $1 and principal_id = $2 and kind = 'totp' and confirmed_at is not null and id <> $3",
        tenant,
        principal.uuid(),
        factor.uuid(),
    )
    .execute(tx.conn())
    .await?;
    let done = sqlx::query!(
        "update identity.factor set confirmed_at = now(), last_used_at = now(), counter = $4
          where tenant_id = $1 and principal_id = $2 and id = $3 and kind = 'totp' and confirmed_at is null",
        tenant,
        principal.uuid(),
        factor.uuid(),
        step,
    )
    .execute(tx.conn())
    .await?;
    Ok(done.rows_affected() == 1)
}

pub(super) async fn put_codes(tx: &mut PgTx, principal: PrincipalId, codes: &[RecoveryHash]) -> Result<(), StoreError> {
    let tenant = tx.context().tenant().uuid();
    let hashes: Vec<Vec<u8>> = codes.iter().map(|code| code.as_bytes().to_vec()).collect();
    sqlx::query!(
        "delete from identity.recovery_code where tenant_id = $1 and principal_id = $2",
        tenant,
        principal.uuid(),
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "insert into identity.recovery_code (tenant_id, principal_id, code_hash) select $1, $2, unnest($3::bytea[])",
        tenant,
        principal.uuid(),
        &hashes,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
