//! One log in one pass: numbering.
use keepgate_kernel::TenantId;
use keepgate_merkle::hash::Hash;
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::{
    Integrator,
    pending::Pending,
    rows::{Head, put_head, put_leaves, tree},
};
use crate::{
    LogFault, SignedHead,
    integrate::{check_head, state_of},
    leaf::leaf_hash,
    postgres::tiles::Shelf,
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

/// Whether a log has just begun: its first leaves are signed at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Begun(pub(super) bool);

/// The index of the first of the entries that were numbered.
pub(super) type First = i64;

impl Integrator {
    /// Numbers `entries`, all of `tenant`. Writes to the database only once everything has been computed and checked.
    pub(super) async fn extend(
        &self,
        conn: &mut PgConnection,
        tenant: TenantId,
        entries: &[&Pending],
    ) -> Result<(Begun, First), Stop> {
        let head = Head::load(conn, tenant, &self.host).await.map_err(Stop::Pass)?;
        let (frontier, last) = head.edge()?;
        let before = state_of(&frontier);
        check_head(before, last)?;
        if last.is_none() {
            // What can't be signed at once is not begun.
            let keys = self.signer.keys_for(tenant, &head.origin).await;
            keys.map_err(LogFault::Signer)?;
        }
        let known = self.known(&head.origin);
        let mut tree = tree(conn, Shelf::Tenant(tenant.uuid()), frontier)
            .await
            .map_err(Stop::Pass)??;
        let mut full = Vec::new();
        let mut passed = known.is_none_or(|known| known.size <= before.size);
        for entry in entries {
            tree.push(checked_hash(entry)?, &mut full);
            passed |= known == Some(state_of(&tree.frontier));
        }
        must_be(known, before, passed)?;
        put_leaves(conn, tenant, head.size, entries).await.map_err(Stop::Pass)?;
        Shelf::Tenant(tenant.uuid())
            .put_tiles(conn, &full)
            .await
            .map_err(Stop::Pass)?;
        put_head(conn, tenant, head.size, &tree.frontier)
            .await
            .map_err(Stop::Pass)?;
        Ok((Begun(last.is_none()), head.size))
    }

    /// What was signed here last of the log `origin`.
    pub(super) fn known(&self, origin: &str) -> Option<SignedHead> {
        self.fence.as_ref().and_then(|fence| fence.known(origin))
    }
}

/// A log shorter than what was signed here may only go on through exactly that state: the process ended after it had signed and
/// before it committed. Anything else was taken back.
fn must_be(known: Option<SignedHead>, before: SignedHead, passed: bool) -> Result<(), LogFault> {
    match known {
        Some(known) if known.size == before.size && known.root != before.root => Err(LogFault::Forked(known.size)),
        Some(known) if !passed => Err(LogFault::Shrank {
            signed: known.size,
            size: before.size,
        }),
        _ => Ok(()),
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
