//! Several entries in one statement.
use keepgate_kernel::{AuditId, Timestamp, Uuid};
use keepgate_store::StoreError;

use crate::{Receipt, Told};

/// What the database answers for one.
pub(super) struct Stored {
    pub(super) recorded_at: Timestamp,
    pub(super) leaf_hash: Vec<u8>,
}

impl Stored {
    pub(super) fn receipt(self, entry: AuditId) -> Result<Receipt, StoreError> {
        let leaf_hash = self.leaf_hash.try_into();
        Ok(Receipt {
            entry,
            recorded_at: self.recorded_at,
            leaf_hash: leaf_hash.map_err(|_| StoreError::corrupt("audit.entry", "leaf_hash"))?,
        })
    }
}

/// Entries as columns, one array each.
#[derive(Default)]
pub(super) struct Columns<'t> {
    pub(super) id: Vec<Uuid>,
    pub(super) action: Vec<&'t str>,
    pub(super) entity: Vec<&'t str>,
    pub(super) outcome: Vec<&'t str>,
    pub(super) reason: Vec<Option<&'t str>>,
    pub(super) request: Vec<Uuid>,
    pub(super) commitment: Vec<Option<&'t [u8]>>,
    pub(super) actor_type: Vec<Option<&'t str>>,
    pub(super) actor: Vec<Option<Uuid>>,
    pub(super) occurred: Vec<Option<Timestamp>>,
    pub(super) key: Vec<Option<Uuid>>,
    pub(super) sealed: Vec<Option<&'t [u8]>>,
    pub(super) kek: Vec<Option<&'t str>>,
    pub(super) wrapped: Vec<Option<&'t [u8]>>,
}

impl<'t> Columns<'t> {
    pub(super) fn of(told: &'t [Told]) -> Self {
        let mut all = Self::default();
        for told in told {
            all.add(told);
        }
        all
    }

    fn add(&mut self, told: &'t Told) {
        let (entry, source) = (&told.entry, told.source.as_ref());
        let fresh = source.and_then(|source| source.fresh.as_ref());
        self.id.push(entry.id.uuid());
        self.action.push(entry.action.as_str());
        self.entity.push(entry.entity.as_str());
        self.outcome.push(entry.outcome.as_str());
        self.reason.push(entry.reason.as_deref());
        self.request.push(told.request.uuid());
        self.commitment.push(source.map(|source| &source.commitment[..]));
        self.actor_type.push(entry.actor.map(|actor| actor.kind().as_str()));
        self.actor.push(entry.actor.map(|actor| actor.uuid()));
        self.occurred.push(told.occurred_at);
        self.key.push(source.map(|source| source.key));
        self.sealed.push(source.map(|source| &source.sealed[..]));
        self.kek.push(fresh.map(|key| key.kek.as_str()));
        self.wrapped.push(fresh.map(|key| &key.wrapped[..]));
    }
}

/// The answers, in the order of `told`.
pub(super) fn receipts(told: &[Told], rows: Vec<Stored>) -> Result<Vec<Receipt>, StoreError> {
    let receipts = told.iter().zip(rows);
    receipts.map(|(told, row)| row.receipt(told.entry.id)).collect()
}
