//! Taking a sink in hand.
use keepgate_kernel::SinkId;
use keepgate_store::{PgTx, StoreError};

use super::{load, rows::number};
use crate::{
    Entry,
    entry::StoredEntry,
    leaf::leaf_hash,
    sink::{Claim, Sinks},
};

pub(super) async fn claim(tx: &mut PgTx, id: SinkId, seconds: u16) -> Result<Option<Claim>, StoreError> {
    let taken = sqlx::query!(
        "select token, first_index, past_index, dead, origin from gate.claim_sink($1, $2)",
        id.uuid(),
        i32::from(seconds)
    )
    .fetch_one(tx.conn())
    .await?;
    let (Some(token), Some(first), Some(past), Some(dead)) =
        (taken.token, taken.first_index, taken.past_index, taken.dead)
    else {
        return Ok(None);
    };
    let origin = taken.origin.ok_or(StoreError::corrupt("audit.log", "origin"))?;
    let Some(sink) = load(tx, Some(id)).await?.pop() else {
        return Ok(None);
    };
    let secret = tx.sink_secret(id).await?;
    let entries = records(tx, id, token, first, past).await?;
    Ok(Some(Claim {
        sink,
        secret,
        token,
        origin,
        dead,
        first: number(first)?,
        entries,
    }))
}

/// Up to the first one that is gone, or is not what was hashed: nothing is sent as if it were.
async fn records(tx: &mut PgTx, id: SinkId, token: i64, first: i64, past: i64) -> Result<Vec<Entry>, StoreError> {
    let rows = sqlx::query!(
        r#"select idx as "idx!", leaf_hash as "leaf_hash!", leaf from gate.sink_records($1, $2, $3, $4)"#,
        id.uuid(),
        token,
        first,
        past
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map_while(|row| readable(row.idx, row.leaf?, row.leaf_hash))
        .collect())
}

fn readable(index: i64, bytes: Vec<u8>, hash: Vec<u8>) -> Option<Entry> {
    let stored = StoredEntry {
        index: number(index).ok()?,
        leaf_hash: hash.try_into().ok()?,
        bytes,
        source: None,
        sealed: None,
    };
    (leaf_hash(&stored.bytes) == stored.leaf_hash).then(|| stored.try_into().ok())?
}
