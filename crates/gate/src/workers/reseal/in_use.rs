//! What is in use goes first.
use std::{collections::BTreeMap, time::Duration};

use keepgate_crypto_keys::{Replacement, ResealValues, SealedKind};
use keepgate_kernel::{TenantId, Uuid};
use keepgate_store::StoreError;

use super::{BATCH, Resealer, Rest};
use crate::Failure;

impl Resealer {
    /// Seals anew what this instance has opened under older keys since the last time. What fails is left to the walks.
    pub(super) async fn in_use(&mut self) {
        for (tenant, rows) in self.gate.vault.touched.take() {
            match self.seal_touched(tenant, rows).await {
                Ok(()) | Err(Rest::Store(StoreError::Revoked)) => {}
                Err(error) => {
                    tracing::warn!(%tenant, error = %error, "values in use are left under older keys for now");
                }
            }
        }
    }

    async fn seal_touched(&mut self, tenant: TenantId, rows: Vec<(SealedKind, Uuid)>) -> Result<(), Rest> {
        let version = self.gate.newest(tenant).await?;
        for some in rows.chunks(self.pace.per_second.clamp(1, BATCH) as usize) {
            if self.stops() {
                return Ok(());
            }
            for ((word, from), values) in self.sealed_anew(tenant, some, version).await? {
                let Some(kind) = SealedKind::parse(word) else { continue };
                let count = u32::try_from(values.len()).unwrap_or(u32::MAX);
                let batch = ResealValues::touched(kind, version, from, values);
                match self.gate.perform(&self.worker_in(tenant), &batch).await {
                    Ok(done) => {
                        metrics::counter!("keepgate_values_resealed", "kind" => word).increment(u64::from(done.output));
                    }
                    Err(Failure::Store(error)) => return Err(error.into()),
                    Err(failure) => {
                        tracing::warn!(%tenant, kind = word, error = %failure, "values in use were not sealed anew")
                    }
                }
                self.pause(Duration::from_secs(1) * count / self.pace.per_second.max(1))
                    .await;
            }
        }
        Ok(())
    }

    /// What is still under an older key of `rows`, sealed anew, by kind and former version.
    async fn sealed_anew(
        &self,
        tenant: TenantId,
        rows: &[(SealedKind, Uuid)],
        version: i32,
    ) -> Result<BTreeMap<(&'static str, i32), Vec<Replacement>>, Rest> {
        let mut found = BTreeMap::<_, Vec<_>>::new();
        for (kind, row) in rows {
            // The first after the one before it: the row, if it is there.
            let before = Uuid::from_u128(row.as_u128().saturating_sub(1)).to_string();
            let next = {
                let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
                tx.sealed_next(*kind, Some(&before), 1).await?
            };
            let Some(sealed) = next.into_iter().next().filter(|next| next.name == row.to_string()) else {
                continue;
            };
            let Some(old) = sealed.value.clone() else { continue };
            if let Some(new) = self.gate.seal_anew(tenant, *kind, &sealed, version).await? {
                let values = found.entry((kind.as_str(), sealed.version)).or_default();
                values.push(Replacement {
                    name: sealed.name,
                    old,
                    new,
                });
            }
        }
        Ok(found)
    }
}
