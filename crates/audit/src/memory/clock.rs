//! Attestations in memory, where the clock is the context's.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{Timestamp, Uuid};
use keepgate_policy::Standing;
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use crate::{
    TimeQuality,
    clock::{Attestation, ClockLedger},
};

#[derive(Debug, Clone, Default)]
struct Clocks(RedBlackTreeMapSync<Uuid, (Timestamp, TimeQuality)>);

/// What an entry of this transaction says about its time.
pub(super) fn quality(tx: &MemTx) -> TimeQuality {
    let now = tx.context().at();
    let words = tx.read::<Clocks>().into_iter().flat_map(|clocks| clocks.0.values());
    words
        .filter(|(at, _)| *at > now - TimeDelta::minutes(3) && *at <= now + TimeDelta::seconds(5))
        .map(|(_, quality)| *quality)
        .min_by_key(|quality| match quality {
            TimeQuality::Synced => 1,
            TimeQuality::Holdover => 2,
            TimeQuality::Unsynchronised | TimeQuality::Unattested => 3,
        })
        .unwrap_or(TimeQuality::Unattested)
}

#[async_trait]
impl ClockLedger for MemTx {
    async fn clock_probe(&mut self) -> Result<(Timestamp, Option<Timestamp>), StoreError> {
        let clocks = self.read::<Clocks>();
        let latest = clocks.and_then(|clocks| clocks.0.values().map(|(at, _)| *at).max());
        Ok((self.context().at(), latest))
    }

    async fn attest(&mut self, attestation: &Attestation) -> Result<(), StoreError> {
        if self.context().principal().standing != Standing::System {
            return Err(StoreError::Forbidden);
        }
        let word = (self.context().at(), attestation.quality);
        self.write::<Clocks>().0.insert_mut(attestation.node, word);
        Ok(())
    }
}
