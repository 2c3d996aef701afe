//! One log in one pass.
use keepgate_kernel::TenantId;
use keepgate_merkle::hash::Hash;
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::{
    Integrator,
    pending::Pending,
    rows::{Head, put_head, put_leaves, put_tiles, tree},
};
use crate::{
    LogFault,
    integrate::{Signed, sign},
    leaf::leaf_hash,
};

/// Why a log was not extended: for reasons of its own, or because the whole pass failed.
pub(super) enum Stop {
    Log(LogFault),
    Pass(StoreError),
}

impl<E: Into<LogFault>> From<E> for Stop {
    fn from(fault: E) -> Self {
        Self::Log(fault.into())
    }
}

impl Integrator {
    /// Numbers `entries`, all of `tenant`, and signs the new size. Writes to the database only once everything has been
    /// computed and checked.
    pub(super) async fn extend(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        entries: &[&Pending],
    ) -> Result<Signed, Stop> {
        let head = Head::load(conn, tenant, &self.host).await.map_err(Stop::Pass)?;
        let (frontier, last) = head.edge()?;
        self.fence.check(tenant, Signed::of(&frontier), last)?;
        let signer = self
            .signer
            .signer_for(tenant, &head.origin)
            .await
            .map_err(LogFault::Signer)?;
        let mut tree = tree(conn, tenant, frontier).await.map_err(Stop::Pass)??;
        let mut full = Vec::new();
        for entry in entries {
            tree.push(checked_hash(entry)?, &mut full);
        }
        let state = Signed::of(&tree.frontier);
        let note = sign(&head.origin, state, &signer)?;
        put_leaves(conn, tenant, head.size, entries).await.map_err(Stop::Pass)?;
        put_tiles(conn, tenant, &full).await.map_err(Stop::Pass)?;
        put_head(conn, tenant, head.size, &tree.frontier, &note)
            .await
            .map_err(Stop::Pass)?;
        Ok(state)
    }
}

/// The hash of the entry's leaf, which must be the one stored beside it.
fn checked_hash(entry: &Pending) -> Result<Hash, LogFault> {
    let computed = leaf_hash(&entry.leaf);
    if entry.leaf_hash == computed {
        Ok(Hash::from_bytes(computed))
    } else {
        Err(LogFault::EntryChanged(entry.id))
    }
}
