//! Finding the entries of a page: by index, and never more than a page's worth of work.
use std::ops::Range;

use chrono::TimeDelta;
use keepgate_kernel::{Action, Entity, Outcome, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::read::{signed, unsigned};
use crate::{EntryQuery, archive::Archives, query::WINDOW};

/// How many entries that meet one condition a page looks at for those that meet the others as well.
const CANDIDATES: i64 = 2_048;
/// How many entries a page looks at when no index helps.
const SCAN: u64 = 8_192;
/// How far an entry may stand behind a later one: a verifier refuses a log with more.
const DISORDER: TimeDelta = TimeDelta::minutes(5);

/// The condition whose index is followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lead {
    Actor,
    Action,
    Entity,
    Outcome,
    /// None: every entry is looked at.
    Order,
}

/// What a page will hold.
pub(super) struct Found {
    /// The entries, in order, no more than the query's limit.
    pub(super) indices: Vec<i64>,
    /// Where the look ended if they are fewer.
    pub(super) looked: u64,
    /// From here on nothing can match.
    pub(super) end: u64,
    /// Entries below may be in archives only.
    pub(super) min_index: u64,
}

/// Looks for the entries of a page in `window`.
pub(super) async fn find(tx: &mut PgTx, query: &EntryQuery, window: Range<u64>) -> Result<Found, StoreError> {
    let min_index = tx.min_index().await?;
    let window = in_time(tx, query, window).await?;
    let end = window.end;
    let plain = query.actor.is_none()
        && query.action.is_none()
        && query.entity.is_none()
        && query.outcome.is_none()
        && query.q.is_none();
    let (indices, looked) = if window.is_empty() {
        (Vec::new(), end)
    } else if plain {
        let part = window.start..end.min(window.start.saturating_add(WINDOW));
        (by_order(tx, query, &part, min_index).await?, part.end)
    } else {
        let (lead, part) = sparsest(tx, query, window).await?;
        (following(tx, query, &part, lead).await?, part.end)
    };
    Ok(Found {
        indices,
        looked,
        end,
        min_index,
    })
}

/// The part of `window` in which entries between the query's times can stand.
async fn in_time(tx: &mut PgTx, query: &EntryQuery, window: Range<u64>) -> Result<Range<u64>, StoreError> {
    if (query.from.is_none() && query.to.is_none()) || window.is_empty() {
        return Ok(window);
    }
    let from = query.from.and_then(|from: Timestamp| from.checked_sub_signed(DISORDER));
    let to = query.to.and_then(|to: Timestamp| to.checked_add_signed(DISORDER));
    let row = sqlx::query!(
        r#"select case when $3::timestamptz is null then 0 else audit.place_of($1, $2, $3) end as "first!",
             case when $4::timestamptz is null then $2 else audit.place_of($1, $2, $4) end as "last!""#,
        tenant(tx),
        signed(window.end),
        from,
        to
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(window.start.max(unsigned(row.first)?)..window.end.min(unsigned(row.last)?))
}

/// Entries without a condition but their time: every index must be there, but of archived ones those that still are.
async fn by_order(
    tx: &mut PgTx,
    query: &EntryQuery,
    window: &Range<u64>,
    min_index: u64,
) -> Result<Vec<i64>, StoreError> {
    let found = sqlx::query_scalar!(
        r#"select x.idx as "idx!" from (
             (select idx from audit.search where tenant_id = $1 and idx >= $2 and idx < least($3::bigint, $7::bigint)
               and ($4::timestamptz is null or recorded_at >= $4) and ($5::timestamptz is null or recorded_at < $5) order by idx limit $6)
             union all
             (select idx from audit.leaf where tenant_id = $1 and idx >= greatest($2::bigint, $7::bigint) and idx < $3
               and ($4::timestamptz is null or recorded_at >= $4) and ($5::timestamptz is null or recorded_at < $5) order by idx limit $6)) x
           order by x.idx limit $6"#,
        tenant(tx),
        signed(window.start),
        signed(window.end),
        query.from,
        query.to,
        i64::from(query.limit),
        signed(min_index)
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(found)
}

/// The condition that fewest entries from here on meet, and how far a page that follows it gets. Looked up rather than
/// estimated: statistics don't know that somebody left years ago.
async fn sparsest(tx: &mut PgTx, query: &EntryQuery, window: Range<u64>) -> Result<(Lead, Range<u64>), StoreError> {
    let row = sqlx::query!(
        r#"select
             case when $4::uuid is null then -1 else coalesce((select s.idx from audit.search s
               where s.tenant_id = $1 and s.actor_id = $4 and s.idx >= $2 and s.idx < $3 order by s.idx offset $8 limit 1), $3) end as "actor!",
             case when $5::text is null then -1 else coalesce((select s.idx from audit.search s
               where s.tenant_id = $1 and s.action = $5 and s.idx >= $2 and s.idx < $3 order by s.idx offset $8 limit 1), $3) end as "action!",
             case when $6::text is null then -1 else coalesce((select s.idx from audit.search s
               where s.tenant_id = $1 and s.entity = $6 and s.idx >= $2 and s.idx < $3 order by s.idx offset $8 limit 1), $3) end as "entity!",
             case when coalesce($7::text, 'done') = 'done' then -1 else coalesce((select s.idx from audit.search s
               where s.tenant_id = $1 and s.outcome = $7 and s.outcome <> 'done' and s.idx >= $2 and s.idx < $3
               order by s.idx offset $8 limit 1), $3) end as "outcome!""#,
        tenant(tx),
        signed(window.start),
        signed(window.end),
        actor(query),
        query.action.map(Action::as_str),
        query.entity.as_ref().map(Entity::as_str),
        query.outcome.map(Outcome::as_str),
        CANDIDATES
    )
    .fetch_one(tx.conn())
    .await?;
    let all = window.end.min(window.start.saturating_add(SCAN));
    let ends = [
        (Lead::Order, signed(all)),
        (Lead::Outcome, row.outcome),
        (Lead::Action, row.action),
        (Lead::Actor, row.actor),
        (Lead::Entity, row.entity),
    ];
    let (lead, end) = ends.into_iter().max_by_key(|(_, end)| *end).unwrap_or((Lead::Order, 0));
    Ok((lead, window.start..unsigned(end)?))
}

/// One search for each lead. The fence keeps the planner from following another index than the one that is bounded.
macro_rules! search {
    ($tx:ident, $query:ident, $window:ident, $lead:tt) => {
        sqlx::query_scalar!(
            "select s.idx from (select * from audit.search where tenant_id = $1 and idx >= $2 and idx < $3 and " + $lead + " order by idx offset 0) s
             where ($4::uuid is null or (s.actor_id = $4 and s.actor_type = $5)) and ($6::text is null or s.action = $6)
               and ($7::text is null or s.entity = $7) and ($8::text is null or s.outcome = $8)
               and ($9::text is null or strpos(s.action, $9) > 0 or strpos(s.entity, $9) > 0 or strpos(s.reason, $9) > 0)
               and ($10::timestamptz is null or s.recorded_at >= $10) and ($11::timestamptz is null or s.recorded_at < $11)
             order by s.idx limit $12",
            tenant($tx),
            signed($window.start),
            signed($window.end),
            actor($query),
            $query.actor.map(|actor| actor.kind().as_str()),
            $query.action.map(Action::as_str),
            $query.entity.as_ref().map(Entity::as_str),
            $query.outcome.map(Outcome::as_str),
            $query.q.as_deref(),
            $query.from,
            $query.to,
            i64::from($query.limit)
        )
        .fetch_all($tx.conn())
        .await?
    };
}

async fn following(tx: &mut PgTx, query: &EntryQuery, window: &Range<u64>, lead: Lead) -> Result<Vec<i64>, StoreError> {
    Ok(match lead {
        Lead::Actor => search!(tx, query, window, "actor_id = $4"),
        Lead::Action => search!(tx, query, window, "action = $6"),
        Lead::Entity => search!(tx, query, window, "entity = $7"),
        Lead::Outcome => search!(tx, query, window, "outcome = $8 and outcome <> 'done'"),
        Lead::Order => search!(tx, query, window, "true"),
    })
}

fn tenant(tx: &PgTx) -> Uuid {
    tx.context().tenant().uuid()
}

fn actor(query: &EntryQuery) -> Option<Uuid> {
    query.actor.map(|actor| actor.uuid())
}
