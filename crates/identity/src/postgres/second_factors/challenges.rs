//! Challenges.
use keepgate_kernel::{PrincipalId, SessionId};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::super::principal_id;
use crate::{Bucket, ChallengeHash, ChallengeRecord, NewChallenge, Purpose, TRIES};

pub(super) async fn add(tx: &mut PgTx, new: &NewChallenge) -> Result<(), StoreError> {
    let tenant = tx.context().tenant().uuid();
    sqlx::query!(
        "delete from identity.mfa_challenge where tenant_id = $1 and principal_id = $2 and (used_at is not null or expires_at <= now())",
        tenant,
        new.principal.uuid(),
    )
    .execute(tx.conn())
    .await?;
    let done = sqlx::query!(
        "insert into identity.mfa_challenge (tenant_id, hash, principal_id, epoch, session_id, bucket, purpose, state, expires_at)
         select p.tenant_id, $3, p.id, p.epoch, $4, $5, $6, $7, now() + interval '5 minutes'
           from rbac.principal p where p.tenant_id = $1 and p.id = $2 and p.status = 'active'",
        tenant,
        new.principal.uuid(),
        new.hash.as_bytes(),
        new.session.uuid(),
        new.bucket.as_ref().map(|bucket| bucket.as_bytes().as_slice()),
        new.purpose.as_str(),
        new.state,
    )
    .execute(tx.conn())
    .await?;
    if done.rows_affected() == 1 {
        Ok(())
    } else {
        Err(StoreError::Forbidden)
    }
}

pub(super) async fn end(tx: &mut PgTx, principal: PrincipalId) -> Result<(), StoreError> {
    let tenant = tx.context().tenant().uuid();
    sqlx::query!(
        "delete from identity.mfa_challenge where tenant_id = $1 and principal_id = $2",
        tenant,
        principal.uuid(),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn attempt(tx: &mut PgTx, hash: &ChallengeHash) -> Result<Option<ChallengeRecord>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    // The row lock makes attempts at the same time one after another.
    let row = sqlx::query!(
        r#"update identity.mfa_challenge c set tries = c.tries + 1 from rbac.principal p
            where c.tenant_id = $1 and c.hash = $2 and c.used_at is null and c.expires_at > now() and c.tries < $3
              and p.tenant_id = c.tenant_id and p.id = c.principal_id and p.status = 'active' and p.epoch = c.epoch
           returning p.id, p.kind, c.session_id, c.bucket, c.purpose, c.state"#,
        tenant,
        hash.as_bytes(),
        TRIES,
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |column| StoreError::corrupt("identity.mfa_challenge", column);
    let principal: PrincipalId = principal_id(&row.kind, row.id)?;
    let bucket = row
        .bucket
        .map(|bytes| Bucket::from_bytes(&bytes).ok_or_else(|| corrupt("bucket")))
        .transpose()?;
    Ok(Some(ChallengeRecord {
        principal,
        session: SessionId::from_uuid(row.session_id),
        bucket,
        purpose: Purpose::parse(&row.purpose).ok_or_else(|| corrupt("purpose"))?,
        state: row.state,
    }))
}
