//! The log of logs: each checkpoint that says something new is a leaf.
use keepgate_kernel::Uuid;
use keepgate_merkle::{hash::leaf_hash, tree::Frontier};
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::{
    Integrator,
    extend::Stop,
    round::Ready,
    rows::{edge, tree},
};
use crate::{
    LogFault, Next, SignedHead,
    integrate::{Fence, FullTile, body, check_head, sign, state_of, tenant_of},
    postgres::{read::signed, tiles::Shelf},
};

/// The next state of the log of logs, in memory.
pub(super) struct MetaReady {
    /// What is signed, with what its new leaves say.
    pub(super) next: Next,
    /// What stands before them.
    pub(super) before: SignedHead,
    frontier: Frontier,
    full: Vec<FullTile>,
    note: String,
}

struct Stored {
    origin: String,
    size: i64,
    frontier: Vec<Vec<u8>>,
    last: Option<(i64, Vec<u8>)>,
}

impl Integrator {
    /// Its next checkpoint, with a leaf for each of `ready` that says something new; `None` where there is no such log.
    pub(super) async fn meta_ready(
        &self,
        conn: &mut PgConnection,
        ready: &[Ready],
        again: bool,
        at: u64,
    ) -> Result<Option<MetaReady>, Stop> {
        let stored = load(conn).await.map_err(Stop::Pass)?;
        let origin = stored
            .as_ref()
            .map_or_else(|| self.host.meta_origin(), |stored| stored.origin.clone());
        let keys = self.signer.meta_keys(&origin).await.map_err(LogFault::Signer)?;
        let Some(keys) = keys else { return Ok(None) };
        let stored = match stored {
            Some(stored) => stored,
            None => create(conn, origin).await.map_err(Stop::Pass)?,
        };
        let (frontier, last) = edge(stored.size, &stored.frontier, stored.last.as_ref())?;
        let before = state_of(&frontier);
        check_head(before, last)?;
        let known = self.known(&stored.origin);
        let on_its_way = match self.fence.as_ref().and_then(Fence::next) {
            // Signed, and nothing was published since: it is appended again as it was.
            Some(next) if known.map_or(0, |known| known.size) == before.size => next.leaves.as_slice(),
            _ => &[],
        };
        let leaves = next_leaves(on_its_way, ready);
        let mut tree = tree(conn, Shelf::Meta, frontier).await.map_err(Stop::Pass)??;
        let mut full = Vec::new();
        for (origin, leaf) in &leaves {
            tree.push(leaf_hash(body(origin, *leaf).as_bytes()), &mut full);
        }
        let state = state_of(&tree.frontier);
        if state.size == 0 || (leaves.is_empty() && !again) {
            return Ok(None);
        }
        // Every new leaf is in memory here: what stood before must contain what was signed, the rest grew out of it.
        for old in known.into_iter().chain(last) {
            let grown = Shelf::Meta.growth(conn, old, before).await;
            grown.map_err(Stop::Pass)??;
        }
        let note = sign(&stored.origin, state, &keys, at)?;
        Ok(Some(MetaReady {
            next: Next {
                origin: stored.origin,
                head: state,
                leaves,
            },
            before,
            frontier: tree.frontier,
            full,
            note,
        }))
    }
}

/// Those that were signed and not published, if there are any, then the fresh checkpoints.
fn next_leaves(on_its_way: &[(String, SignedHead)], ready: &[Ready]) -> Vec<(String, SignedHead)> {
    let mut leaves = on_its_way.to_vec();
    for checkpoint in ready.iter().filter(|checkpoint| checkpoint.fresh) {
        let leaf = (checkpoint.origin.clone(), checkpoint.state);
        if !leaves.contains(&leaf) {
            leaves.push(leaf);
        }
    }
    leaves
}

impl MetaReady {
    /// Writes leaves, tiles, edge and checkpoint, provided the log still has the size it had.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when another integrator was faster.
    pub(super) async fn put(&self, conn: &mut PgConnection) -> Result<(), StoreError> {
        let corrupt = || StoreError::corrupt("audit.log", "origin");
        let (mut hashes, mut tenants) = (Vec::new(), Vec::<Uuid>::new());
        let (mut sizes, mut roots) = (Vec::new(), Vec::new());
        for (origin, leaf) in &self.next.leaves {
            hashes.push(leaf_hash(body(origin, *leaf).as_bytes()).as_bytes().to_vec());
            tenants.push(tenant_of(origin).ok_or_else(corrupt)?.uuid());
            sizes.push(signed(leaf.size));
            roots.push(leaf.root.as_bytes().to_vec());
        }
        sqlx::query!(
            "with n as (select $1 + ord - 1 as idx, hash, tenant, size, root
               from unnest($2::bytea[], $3::uuid[], $4::bigint[], $5::bytea[]) with ordinality as u (hash, tenant, size, root, ord)),
             l as (insert into audit.meta_leaf (idx, leaf_hash) select idx, hash from n)
             insert into audit.meta_entry (idx, tenant_id, size, root) select idx, tenant, size, root from n",
            signed(self.before.size),
            &hashes,
            &tenants,
            &sizes,
            &roots
        )
        .execute(&mut *conn)
        .await?;
        Shelf::Meta.put_tiles(conn, &self.full).await?;
        let edge: Vec<Vec<u8>> = self
            .frontier
            .edge()
            .iter()
            .map(|hash| hash.as_bytes().to_vec())
            .collect();
        let set = sqlx::query!(
            "update audit.meta_head set size = $2, frontier = $3 where size = $1",
            signed(self.before.size),
            signed(self.next.head.size),
            &edge
        )
        .execute(&mut *conn)
        .await?;
        if set.rows_affected() != 1 {
            return Err(StoreError::Conflict);
        }
        sqlx::query!(
            "insert into audit.meta_checkpoint (size, root, note) values ($1, $2, $3)",
            signed(self.next.head.size),
            self.next.head.root.as_bytes(),
            self.note
        )
        .execute(conn)
        .await?;
        Ok(())
    }
}

async fn load(conn: &mut PgConnection) -> Result<Option<Stored>, StoreError> {
    let row = sqlx::query!(
        r#"select l.origin, h.size, h.frontier, c.size as "signed?", c.root as "root?"
           from audit.meta_log l cross join audit.meta_head h
           left join lateral (select k.size, k.root from audit.meta_checkpoint k order by k.size desc, k.created_at desc limit 1) c on true"#
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Stored {
        origin: row.origin,
        size: row.size,
        frontier: row.frontier,
        last: row.signed.zip(row.root),
    }))
}

async fn create(conn: &mut PgConnection, origin: String) -> Result<Stored, StoreError> {
    sqlx::query!(
        "with log as (insert into audit.meta_log (origin) values ($1) returning one)
         insert into audit.meta_head (one) select one from log",
        origin
    )
    .execute(conn)
    .await?;
    Ok(Stored {
        origin,
        size: 0,
        frontier: Vec::new(),
        last: None,
    })
}
