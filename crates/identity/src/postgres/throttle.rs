//! Counters in `identity.throttle`.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError};

use super::demand_worker;
use crate::{Admission, Bucket, Throttle, throttle::SILENCE};

#[async_trait]
impl Throttle for PgTx {
    async fn admit(&mut self, bucket: &Bucket) -> Result<Admission, StoreError> {
        demand_worker(self)?;
        // The row lock makes attempts at the same time one after another; `clock_timestamp` because waiting takes time.
        let counted = sqlx::query!(
            "insert into identity.throttle as t (bucket, failures, blocked_until) values ($1, 1, clock_timestamp())
             on conflict (bucket) do update
               set failures = t.failures + 1,
                   blocked_until = clock_timestamp() + make_interval(secs => ($2::int[])[least(t.failures + 1, cardinality($2::int[]))]),
                   updated_at = clock_timestamp()
               where t.blocked_until <= clock_timestamp()",
            bucket.as_bytes(),
            &SILENCE[..],
        )
        .execute(self.conn())
        .await?;
        if counted.rows_affected() == 1 {
            return Ok(Admission::Admitted);
        }
        let seconds = sqlx::query_scalar!(
            r#"select extract(epoch from blocked_until - clock_timestamp())::float8 as "seconds!" from identity.throttle where bucket = $1"#,
            bucket.as_bytes(),
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(Admission::Locked(Duration::from_secs_f64(
            seconds.unwrap_or(0.0).max(0.0),
        )))
    }

    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError> {
        demand_worker(self)?;
        sqlx::query!("delete from identity.throttle where bucket = $1", bucket.as_bytes())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError> {
        demand_worker(self)?;
        let done = sqlx::query!(
            "delete from identity.throttle where updated_at < now() - make_interval(secs => $1) and blocked_until <= now()",
            idle.as_secs_f64(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }
}
