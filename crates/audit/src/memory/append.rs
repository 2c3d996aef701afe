//! Appending in memory.
use async_trait::async_trait;
use keepgate_kernel::Uuid;
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::table::{Audit, Row};
use crate::{
    AuditLog, Leaf, LeafVersion, NewEntry, Receipt, SealedOpening, SubjectKey, TimeQuality, commitment::SOURCE,
    leaf::leaf_hash,
};

#[async_trait]
impl AuditLog for MemTx {
    /// The time is the context's: a memory store has no clock of its own.
    async fn append_with(&mut self, entry: &NewEntry, source: Option<&SealedOpening>) -> Result<Receipt, StoreError> {
        entry.check(self.context().occurred_at())?;
        let mut leaf = leaf_of(entry, self.context(), source.map(|source| source.commitment));
        leaf.time_quality = super::clock::quality(self);
        let bytes = leaf.to_bytes();
        let row = Row {
            tenant: leaf.tenant,
            leaf_hash: leaf_hash(&bytes),
            leaf: bytes.into(),
            key: source.map(|source| source.key),
        };
        if let Some(source) = source {
            keep(self, leaf.actor.uuid(), entry, source);
        }
        let receipt = Receipt {
            entry: leaf.id,
            recorded_at: leaf.recorded_at,
            leaf_hash: row.leaf_hash,
        };
        self.write_unaudited::<Audit>().entries.push_back_mut(row);
        self.mark_audited();
        Ok(receipt)
    }
}

pub(super) fn leaf_of(entry: &NewEntry, context: &OpContext, source: Option<[u8; 32]>) -> Leaf {
    let own = context.principal().id;
    let actor = match context.principal().standing {
        Standing::System => entry.actor.unwrap_or(own),
        Standing::Level(_) => own,
    };
    Leaf {
        version: LeafVersion::V2,
        commitments: source.map(|c| (SOURCE.to_owned(), c)).into_iter().collect(),
        occurred_at: context.occurred_at(),
        action: entry.action.as_str().to_owned(),
        actor,
        entity: entry.entity.as_str().to_owned(),
        id: entry.id,
        outcome: entry.outcome,
        reason: entry.reason.clone(),
        recorded_at: context.at(),
        request: context.request(),
        tenant: context.tenant(),
        time_quality: TimeQuality::Unattested,
    }
}

/// Keeps an opening, and its key if that is new, unless the key is gone or another's.
fn keep(tx: &mut MemTx, actor: Uuid, entry: &NewEntry, source: &SealedOpening) {
    let tenant = tx.context().tenant();
    let rows = tx.write_unaudited::<Audit>();
    if let Some(fresh) = &source.fresh {
        let key = SubjectKey {
            id: source.key,
            subject: actor,
            ..fresh.clone()
        };
        rows.keys.insert_mut((tenant, source.key), key);
    }
    if rows
        .keys
        .get(&(tenant, source.key))
        .is_some_and(|key| key.subject == actor)
    {
        rows.openings
            .insert_mut((tenant, source.key, entry.id.uuid()), source.sealed.clone());
    }
}
