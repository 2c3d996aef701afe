//! Sinks, behind row-level security. Claims go through `gate.claim_sink` and `gate.sink_records`: a worker reads of the log what
//! it holds a sink for, and nothing else.
mod claim;
mod rows;
mod settle;

use async_trait::async_trait;
use keepgate_kernel::{SinkId, TenantId, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use self::rows::{Row, number, target_json};
use super::read::signed;
use crate::sink::{Claim, DeadLetter, NewSink, SealedSecret, Settlement, Sink, SinkConfig, SinkLag, Sinks};

fn tenant(tx: &PgTx) -> Uuid {
    tx.context().tenant().uuid()
}

fn delay(config: &SinkConfig) -> i32 {
    i32::try_from(config.max_delay_seconds).unwrap_or(i32::MAX)
}

fn batch(config: &SinkConfig) -> i16 {
    i16::try_from(config.batch_size).unwrap_or(i16::MAX)
}

async fn load(tx: &mut PgTx, id: Option<SinkId>) -> Result<Vec<Sink>, StoreError> {
    let rows = sqlx::query_as!(
        Row,
        r#"select s.id, s.name, s.format, s.target, s.batch_size, s.max_delay_seconds, s.paused, s.created_at, s.next_index, s.state, s.reason,
             s.failures, s.rejected, s.next_at, s.delivered_at,
             (select count(*) from audit.sink_dead d where d.tenant_id = s.tenant_id and d.sink_id = s.id) as "dead_letters!"
           from audit.sink s where s.tenant_id = $1 and ($2::uuid is null or s.id = $2) order by s.id limit 1000"#,
        tenant(tx),
        id.map(SinkId::uuid),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Sink::try_from).collect()
}

async fn named(tx: &mut PgTx, name: &str, but: Option<SinkId>) -> Result<bool, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select exists (select from audit.sink where tenant_id = $1 and name = $2 and id is distinct from $3) as "found!""#,
        tenant(tx),
        name,
        but.map(SinkId::uuid),
    );
    Ok(found.fetch_one(tx.conn()).await?)
}

#[async_trait]
impl Sinks for PgTx {
    async fn add_sink(&mut self, new: &NewSink) -> Result<bool, StoreError> {
        let NewSink {
            id,
            config,
            from,
            secret,
        } = new;
        let done = sqlx::query!(
            "insert into audit.sink (tenant_id, id, name, format, target, batch_size, max_delay_seconds, created_at, next_index)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict (tenant_id, name) do nothing",
            tenant(self),
            id.uuid(),
            config.name,
            config.format.as_str(),
            target_json(config)?,
            batch(config),
            delay(config),
            self.context().at(),
            signed(*from),
        )
        .execute(self.conn())
        .await?;
        if done.rows_affected() != 1 {
            return Ok(false);
        }
        if let Some(secret) = secret {
            self.put_sink_secret(*id, Some(secret)).await?;
        }
        Ok(true)
    }

    async fn sink(&mut self, id: SinkId) -> Result<Option<Sink>, StoreError> {
        Ok(load(self, Some(id)).await?.pop())
    }

    async fn sinks(&mut self) -> Result<Vec<Sink>, StoreError> {
        load(self, None).await
    }

    async fn change_sink(&mut self, id: SinkId, config: &SinkConfig, paused: bool) -> Result<bool, StoreError> {
        if named(self, &config.name, Some(id)).await? {
            return Ok(false);
        }
        let done = sqlx::query!(
            "update audit.sink set name = $3, format = $4, target = $5, batch_size = $6, max_delay_seconds = $7, paused = $8,
               batch_end = null, failures = 0, rejected = 0, next_at = clock_timestamp(), lease_token = lease_token + 1, lease_until = null
             where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid(),
            config.name,
            config.format.as_str(),
            target_json(config)?,
            batch(config),
            delay(config),
            paused,
        )
        .execute(self.conn())
        .await?;
        if done.rows_affected() == 1 {
            Ok(true)
        } else {
            Err(StoreError::Forbidden)
        }
    }

    async fn put_sink_secret(&mut self, id: SinkId, secret: Option<&SealedSecret>) -> Result<(), StoreError> {
        let tenant = tenant(self);
        match secret {
            Some(secret) => {
                sqlx::query!(
                    "insert into audit.sink_secret (tenant_id, sink_id, sealed) values ($1, $2, $3)
                     on conflict (tenant_id, sink_id) do update set sealed = excluded.sealed",
                    tenant,
                    id.uuid(),
                    secret.as_bytes(),
                )
                .execute(self.conn())
                .await?
            }
            None => {
                let gone = sqlx::query!(
                    "delete from audit.sink_secret where tenant_id = $1 and sink_id = $2",
                    tenant,
                    id.uuid()
                );
                gone.execute(self.conn()).await?
            }
        };
        Ok(())
    }

    async fn sink_secret(&mut self, id: SinkId) -> Result<Option<SealedSecret>, StoreError> {
        let tenant = tenant(self);
        let sealed = sqlx::query_scalar!(
            "select sealed from audit.sink_secret where tenant_id = $1 and sink_id = $2",
            tenant,
            id.uuid()
        );
        Ok(sealed.fetch_optional(self.conn()).await?.map(SealedSecret::new))
    }

    async fn remove_sink(&mut self, id: SinkId) -> Result<bool, StoreError> {
        let tenant = tenant(self);
        let done = sqlx::query!(
            "delete from audit.sink where tenant_id = $1 and id = $2",
            tenant,
            id.uuid()
        );
        Ok(done.execute(self.conn()).await?.rows_affected() == 1)
    }

    async fn rewind_sink(&mut self, id: SinkId, from: u64) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "update audit.sink set next_index = $3, batch_end = null, failures = 0, rejected = 0, next_at = clock_timestamp(),
               lease_token = lease_token + 1, lease_until = null
             where tenant_id = $1 and id = $2",
            tenant(self),
            id.uuid(),
            signed(from),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn dead_letters(
        &mut self,
        id: SinkId,
        after: Option<u64>,
        limit: u16,
    ) -> Result<Vec<DeadLetter>, StoreError> {
        let rows = sqlx::query!(
            "select first_index, last_index, reason, at, retry from audit.sink_dead
             where tenant_id = $1 and sink_id = $2 and ($3::bigint is null or first_index > $3) order by first_index limit $4",
            tenant(self),
            id.uuid(),
            after.map(signed),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(DeadLetter {
                    first: number(row.first_index)?,
                    last: number(row.last_index)?,
                    reason: row.reason,
                    at: row.at,
                    retry: row.retry,
                })
            })
            .collect()
    }

    async fn retry_dead_letters(&mut self, id: SinkId) -> Result<u64, StoreError> {
        let tenant = tenant(self);
        let done = sqlx::query!(
            "update audit.sink_dead set retry = true where tenant_id = $1 and sink_id = $2",
            tenant,
            id.uuid()
        );
        Ok(done.execute(self.conn()).await?.rows_affected())
    }

    async fn due_sinks(&mut self, limit: u16) -> Result<Vec<(TenantId, SinkId)>, StoreError> {
        let rows = sqlx::query!(
            r#"select tenant_id as "tenant_id!", sink_id as "sink_id!" from gate.due_sinks($1)"#,
            i32::from(limit)
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| (TenantId::from_uuid(row.tenant_id), SinkId::from_uuid(row.sink_id)))
            .collect())
    }

    async fn sink_lags(&mut self) -> Result<Vec<SinkLag>, StoreError> {
        let rows = sqlx::query!(
            r#"select sink_id as "id!", state = 'failing' as "failing!", paused as "paused!", behind as "behind!", oldest from gate.sink_lags()"#
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(SinkLag {
                    id: SinkId::from_uuid(row.id),
                    failing: row.failing,
                    paused: row.paused,
                    behind: number(row.behind)?,
                    oldest: row.oldest,
                })
            })
            .collect()
    }

    async fn claim_sink(&mut self, id: SinkId, seconds: u16) -> Result<Option<Claim>, StoreError> {
        claim::claim(self, id, seconds).await
    }

    async fn settle_sink(&mut self, claim: &Claim, settlement: &Settlement) -> Result<bool, StoreError> {
        settle::settle(self, claim, settlement).await
    }
}
