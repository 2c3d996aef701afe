//! Values in use: what was opened under an older key is sealed anew first, ahead of the walks.
use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

use keepgate_crypto_keys::{Place, SealedKind};
use keepgate_kernel::{TenantId, Uuid};

/// The most that are remembered; the walks come by the others.
const MOST: usize = 10_000;

/// Rows whose value this instance has just opened under an older key. No values: they are read again when their turn comes.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<HashSet<(TenantId, SealedKind, Uuid)>>);

/// The kind of what is bound to `place`, where its row is called by that number.
fn kind(place: &Place) -> Option<SealedKind> {
    match (place.table, place.column) {
        ("channels.message", "payload") => Some(SealedKind::Payload),
        ("channels.message", "text") => Some(SealedKind::Text),
        ("channels.message", "note") => Some(SealedKind::Note),
        ("channels.webhook", "secret") => Some(SealedKind::WebhookSecret),
        ("identity.factor", "material") => Some(SealedKind::TotpSeed),
        ("audit.sink_secret", "sealed") => Some(SealedKind::SinkSecret),
        ("identity.mail", "sealed") => Some(SealedKind::Mail),
        _ => None,
    }
}

impl Touched {
    pub(crate) fn note(&self, place: &Place) {
        let Some(kind) = kind(place) else { return };
        let mut rows = self.rows();
        if rows.len() < MOST {
            rows.insert((place.tenant, kind, place.row));
        }
    }

    /// What was noted since the last time, by tenant and kind, in the order of the rows.
    pub(crate) fn take(&self) -> BTreeMap<TenantId, Vec<(SealedKind, Uuid)>> {
        let mut taken: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (tenant, kind, row) in self.rows().drain() {
            taken.entry(tenant).or_default().push((kind, row));
        }
        taken
    }

    fn rows(&self) -> MutexGuard<'_, HashSet<(TenantId, SealedKind, Uuid)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use keepgate_crypto_keys::Purpose;

    use super::*;

    fn at(table: &'static str, column: &'static str, row: u128) -> Place {
        Place {
            tenant: TenantId::from_uuid(Uuid::from_u128(7)),
            purpose: Purpose::Payload,
            table,
            column,
            row: Uuid::from_u128(row),
        }
    }

    #[test]
    fn a_row_is_noted_once_and_taken_once_and_there_is_an_end_to_it() {
        let touched = Touched::default();
        touched.note(&at("channels.message", "payload", 1));
        touched.note(&at("channels.message", "payload", 1));
        touched.note(&at("doorway.idempotency", "answer", 1)); // its row is not called so
        assert_eq!(touched.take().into_values().flatten().count(), 1);
        assert!(touched.take().is_empty());
        for row in 0..20_000 {
            touched.note(&at("channels.message", "text", row));
        }
        assert_eq!(touched.take().into_values().flatten().count(), MOST);
    }
}
