//! Appending in memory.
use async_trait::async_trait;
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::table::{Audit, Row};
use crate::{
    AuditLog, Leaf, NewEntry, Receipt, TimeQuality,
    append::source_text,
    commitment::{Opening, SOURCE},
    leaf::leaf_hash,
};

#[async_trait]
impl AuditLog for MemTx {
    /// The time is the context's: a memory store has no clock of its own.
    async fn append(&mut self, entry: &NewEntry) -> Result<Receipt, StoreError> {
        entry.check()?;
        let source = source_text(self.context()).map(|value| Opening {
            salt: rand::random(),
            value,
        });
        let leaf = leaf_of(entry, self.context(), source.as_ref());
        let bytes = leaf.to_bytes();
        let row = Row {
            tenant: leaf.tenant,
            leaf_hash: leaf_hash(&bytes),
            leaf: bytes.into(),
            source,
        };
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

pub(super) fn leaf_of(entry: &NewEntry, context: &OpContext, source: Option<&Opening>) -> Leaf {
    let own = context.principal().id;
    let actor = match context.principal().standing {
        Standing::System => entry.actor.unwrap_or(own),
        Standing::Level(_) => own,
    };
    Leaf {
        action: entry.action.as_str().to_owned(),
        actor,
        entity: entry.entity.as_str().to_owned(),
        id: entry.id,
        outcome: entry.outcome,
        reason: entry.reason.clone(),
        recorded_at: context.at(),
        request: context.request(),
        source_c: source.map(|opening| opening.commitment(SOURCE)),
        tenant: context.tenant(),
        time_quality: TimeQuality::Unattested,
    }
}
