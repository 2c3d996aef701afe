//! Writing down how a try ended.
use keepgate_kernel::Uuid;
use keepgate_store::{PgTx, StoreError};

use super::tenant;
use crate::{
    postgres::read::signed,
    sink::{Claim, Settled, Settlement, SinkState},
};

pub(super) async fn settle(tx: &mut PgTx, claim: &Claim, settlement: &Settlement) -> Result<bool, StoreError> {
    let (tenant, id) = (tenant(tx), claim.sink.id.uuid());
    if !held(tx, tenant, id, claim.token).await? {
        return Ok(false);
    }
    match &settlement.settled {
        Settled::Taken { past } => taken(tx, claim, *past, settlement.turned).await?,
        Settled::Narrower { end } => {
            let narrower = sqlx::query!(
                "update audit.sink set batch_end = $3, lease_until = null, next_at = clock_timestamp() where tenant_id = $1 and id = $2",
                tenant,
                id,
                signed(*end)
            );
            narrower.execute(tx.conn()).await?;
        }
        Settled::Dead { reason } => dead(tx, claim, reason).await?,
        Settled::Again { at, reason } => {
            let again = sqlx::query!(
                "update audit.sink set failures = failures + 1, reason = $3, next_at = $4, lease_until = null where tenant_id = $1 and id = $2",
                tenant,
                id,
                reason,
                at
            );
            again.execute(tx.conn()).await?;
            if settlement.turned == Some(SinkState::Failing) {
                let turned = sqlx::query!(
                    "update audit.sink set state = 'failing' where tenant_id = $1 and id = $2",
                    tenant,
                    id
                );
                turned.execute(tx.conn()).await?;
            }
        }
    }
    Ok(true)
}

/// Whether the claim still holds; nobody else changes that before this transaction ends.
async fn held(tx: &mut PgTx, tenant: Uuid, id: Uuid, token: i64) -> Result<bool, StoreError> {
    let held = sqlx::query_scalar!(
        r#"select true as "held!" from audit.sink where tenant_id = $1 and id = $2 and lease_token = $3 and lease_until is not null for update"#,
        tenant,
        id,
        token
    );
    Ok(held.fetch_optional(tx.conn()).await?.is_some())
}

async fn taken(tx: &mut PgTx, claim: &Claim, past: u64, turned: Option<SinkState>) -> Result<(), StoreError> {
    let (tenant, id) = (tenant(tx), claim.sink.id.uuid());
    if turned == Some(SinkState::Active) {
        let back = sqlx::query!(
            "update audit.sink set state = 'active' where tenant_id = $1 and id = $2",
            tenant,
            id
        );
        back.execute(tx.conn()).await?;
    }
    sqlx::query!(
        "update audit.sink set next_index = case when $4 then next_index else $3 end, batch_end = case when $4 then batch_end end,
           failures = 0, rejected = 0, reason = null, delivered_at = clock_timestamp(), next_at = clock_timestamp(), lease_until = null
         where tenant_id = $1 and id = $2",
        tenant,
        id,
        signed(past),
        claim.dead
    )
    .execute(tx.conn())
    .await?;
    if claim.dead {
        let gone = sqlx::query!(
            "delete from audit.sink_dead where tenant_id = $1 and sink_id = $2 and first_index = $3",
            tenant,
            id,
            signed(claim.first)
        );
        gone.execute(tx.conn()).await?;
    }
    Ok(())
}

async fn dead(tx: &mut PgTx, claim: &Claim, reason: &str) -> Result<(), StoreError> {
    let (tenant, id, first) = (tenant(tx), claim.sink.id.uuid(), signed(claim.first));
    sqlx::query!(
        "insert into audit.sink_dead (tenant_id, sink_id, first_index, last_index, reason, at) values ($1, $2, $3, $3, $4, clock_timestamp())
         on conflict (tenant_id, sink_id, first_index) do update set reason = excluded.reason, at = excluded.at, retry = false",
        tenant,
        id,
        first,
        reason
    )
    .execute(tx.conn())
    .await?;
    sqlx::query!(
        "update audit.sink set next_index = case when $4 then next_index else $3::bigint + 1 end, batch_end = case when $4 then batch_end end,
           rejected = case when $4 then rejected else rejected + 1 end, next_at = clock_timestamp(), lease_until = null
         where tenant_id = $1 and id = $2",
        tenant,
        id,
        first,
        claim.dead
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
