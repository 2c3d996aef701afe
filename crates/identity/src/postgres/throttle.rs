//! Counters in `identity.throttle`: read under a lock, moved by the rules of [`crate::throttle`], written back.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::demand_worker;
use crate::{
    Admission, Attempt, Bucket, Counter, Guard, Miss, Places, Throttle,
    throttle::numbers::{RECOVERY, UNTRUSTED},
};

struct Row {
    bucket: Vec<u8>,
    failures: i32,
    level: f64,
    strikes: i32,
    blocked_until: Timestamp,
    updated_at: Timestamp,
    seen: Vec<u8>,
}

impl Row {
    fn counter(self) -> Result<(Bucket, Counter), StoreError> {
        let corrupt = |column| StoreError::corrupt("identity.throttle", column);
        let bucket = Bucket::from_bytes(&self.bucket).ok_or_else(|| corrupt("bucket"))?;
        let counter = Counter {
            failures: self.failures.try_into().map_err(|_| corrupt("failures"))?,
            level: self.level,
            strikes: self.strikes.try_into().map_err(|_| corrupt("strikes"))?,
            blocked_until: self.blocked_until,
            updated_at: self.updated_at,
            seen: self.seen,
        };
        Ok((bucket, counter))
    }
}

/// The counters of `buckets`, made where there are none, locked until the end of the transaction. Sorted, so that no two
/// transactions wait for each other.
async fn locked(tx: &mut PgTx, buckets: &[Bucket]) -> Result<Vec<(Bucket, Counter)>, StoreError> {
    let mut names: Vec<Vec<u8>> = buckets.iter().map(|bucket| bucket.as_bytes().to_vec()).collect();
    names.sort_unstable();
    let at = tx.context().at();
    sqlx::query!(
        "insert into identity.throttle (bucket, failures, blocked_until, updated_at)
         select b, 0, $2, $2 from unnest($1::bytea[]) b order by b on conflict (bucket) do nothing",
        &names,
        at,
    )
    .execute(tx.conn())
    .await?;
    let rows = sqlx::query_as!(
        Row,
        "select bucket, failures, level, strikes, blocked_until, updated_at, seen from identity.throttle
          where bucket = any($1) order by bucket for update",
        &names,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(Row::counter).collect()
}

async fn keep(tx: &mut PgTx, bucket: &Bucket, counter: &Counter) -> Result<(), StoreError> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    sqlx::query!(
        "update identity.throttle set failures = $2, level = $3, strikes = $4, blocked_until = $5, updated_at = $6, seen = $7
          where bucket = $1",
        bucket.as_bytes(),
        number(counter.failures),
        counter.level,
        number(counter.strikes),
        counter.blocked_until,
        counter.updated_at,
        counter.seen,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// The longest block of a place. Every attempt asks this, so that none takes longer for having no place to ask about.
async fn block(tx: &mut PgTx, places: Option<&Places>) -> Result<Option<(Duration, Guard)>, StoreError> {
    let at = tx.context().at();
    let places = places.map(Places::all);
    let names: Vec<Vec<u8>> = places
        .iter()
        .flatten()
        .map(|(bucket, _)| bucket.as_bytes().to_vec())
        .collect();
    let blocked = sqlx::query!(
        "select bucket, blocked_until from identity.throttle where bucket = any($1) and blocked_until > $2
          order by blocked_until desc limit 1",
        &names,
        at,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(blocked.map(|block| {
        let guard = places
            .iter()
            .flatten()
            .find(|(bucket, _)| bucket.as_bytes()[..] == block.bucket)
            .map_or(Guard::Address, |(_, guard)| *guard);
        ((block.blocked_until - at).to_std().unwrap_or_default(), guard)
    }))
}

#[async_trait]
impl Throttle for PgTx {
    async fn admit(&mut self, attempt: &Attempt) -> Result<Admission, StoreError> {
        demand_worker(self)?;
        let at = self.context().at();
        if let Some((left, guard)) = block(self, attempt.places.as_ref()).await? {
            return Ok(Admission::Locked(left, guard));
        }
        let Some((bucket, mut counter)) = locked(self, &[attempt.account]).await?.into_iter().next() else {
            return Err(StoreError::corrupt("identity.throttle", "bucket"));
        };
        let admission = attempt.ask(&mut counter, at);
        if admission == Admission::Admitted {
            keep(self, &bucket, &counter).await?;
        }
        Ok(admission)
    }

    async fn blocked(&mut self, places: &Places) -> Result<Option<(Duration, Guard)>, StoreError> {
        demand_worker(self)?;
        block(self, Some(places)).await
    }

    async fn missed(&mut self, miss: &Miss) -> Result<Vec<(Bucket, Timestamp)>, StoreError> {
        demand_worker(self)?;
        let (at, buckets) = (self.context().at(), Places::all(&miss.places).map(|(bucket, _)| bucket));
        let mut blocks = Vec::new();
        for (bucket, mut counter) in locked(self, &buckets).await? {
            miss.count(bucket, &mut counter, at);
            if counter.blocked(at).is_some() {
                blocks.push((bucket, counter.blocked_until));
            }
            keep(self, &bucket, &counter).await?;
        }
        Ok(blocks)
    }

    async fn forgive(&mut self, bucket: &Bucket) -> Result<(), StoreError> {
        demand_worker(self)?;
        sqlx::query!("delete from identity.throttle where bucket = $1", bucket.as_bytes())
            .execute(self.conn())
            .await?;
        Ok(())
    }

    async fn admit_recovery(&mut self, bucket: &Bucket) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let at = self.context().at();
        let Some((bucket, mut counter)) = locked(self, &[*bucket]).await?.into_iter().next() else {
            return Err(StoreError::corrupt("identity.throttle", "bucket"));
        };
        if counter.blocked(at).is_some() {
            return Ok(false);
        }
        counter.leak(&RECOVERY, at);
        keep(self, &bucket, &counter).await?;
        Ok(true)
    }

    async fn sweep_throttle(&mut self, idle: Duration) -> Result<u64, StoreError> {
        demand_worker(self)?;
        let at = self.context().at();
        let done = sqlx::query!(
            "delete from identity.throttle where blocked_until <= $1
                and (failures = 0 and updated_at < $1 - make_interval(secs => $2)
                  or failures <= $3 and updated_at < $1 - interval '365 days')",
            at,
            idle.as_secs_f64(),
            i32::try_from(UNTRUSTED.free).unwrap_or(0),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected())
    }
}
