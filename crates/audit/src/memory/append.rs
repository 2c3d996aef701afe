//! Appending in memory.
use async_trait::async_trait;
use keepgate_kernel::Uuid;
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::table::{Audit, Row};
use crate::{
    AuditLog, Leaf, LeafVersion, NewEntry, Receipt, SealedOpening, SubjectKey, TOGETHER, TimeQuality, Told,
    commitment::SOURCE, leaf::leaf_hash,
};

#[async_trait]
impl AuditLog for MemTx {
    /// The time is the context's: a memory store has no clock of its own.
    async fn append_with(&mut self, entry: &NewEntry, source: Option<&SealedOpening>) -> Result<Receipt, StoreError> {
        entry.check(self.context().occurred_at())?;
        let leaf = leaf_of(entry, self.context(), source.map(|source| source.commitment));
        Ok(put(self, leaf, entry, source))
    }

    async fn append_all(&mut self, told: &[Told]) -> Result<Vec<Receipt>, StoreError> {
        if !matches!(self.context().principal().standing, Standing::System) || told.len() > TOGETHER {
            return Err(StoreError::Forbidden);
        }
        told.iter().try_for_each(Told::check)?;
        let one = |told: &Told| {
            let source = told.source.as_ref();
            let leaf = Leaf {
                request: told.request,
                occurred_at: told.occurred_at,
                ..leaf_of(&told.entry, self.context(), source.map(|source| source.commitment))
            };
            put(self, leaf, &told.entry, source)
        };
        Ok(told.iter().map(one).collect())
    }
}

fn put(tx: &mut MemTx, mut leaf: Leaf, entry: &NewEntry, source: Option<&SealedOpening>) -> Receipt {
    leaf.time_quality = super::clock::quality(tx);
    let bytes = leaf.to_bytes();
    let row = Row {
        tenant: leaf.tenant,
        leaf_hash: leaf_hash(&bytes),
        leaf: bytes.into(),
        key: source.map(|source| source.key),
    };
    if let Some(source) = source {
        keep(tx, leaf.actor.uuid(), entry, source);
    }
    let receipt = Receipt {
        entry: leaf.id,
        recorded_at: leaf.recorded_at,
        leaf_hash: row.leaf_hash,
    };
    tx.write_unaudited::<Audit>().entries.push_back_mut(row);
    tx.mark_audited();
    receipt
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
    let (tenant, made) = (tx.context().tenant(), tx.context().at());
    let rows = tx.write_unaudited::<Audit>();
    if let Some(fresh) = &source.fresh {
        let key = SubjectKey {
            id: source.key,
            subject: actor,
            ..fresh.clone()
        };
        rows.keys.insert_mut((tenant, source.key), (key, made));
    }
    if rows
        .keys
        .get(&(tenant, source.key))
        .is_some_and(|(key, _)| key.subject == actor)
    {
        rows.openings
            .insert_mut((tenant, source.key, entry.id.uuid()), source.sealed.clone());
    }
}
