//! Seals anew what is under older versions of a tenant's key, at a bounded rate, while everything else goes on.
//!
//! A walk goes through one kind of values along their primary key: it counts, seals anew what it found, and counts again, until nothing
//! is left. Where it stands is in the database, under a lease with a fencing token: several instances share the kinds, none does another's
//! work again, and `kill -9` loses at most the batch that was not committed. What somebody opens meanwhile goes before all walks.
mod in_use;

use std::time::Duration;

use keepgate_crypto_keys::{Replacement, ResealValues, Walk, WalkPhase, Walked};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;
use tokio::sync::watch;

use crate::{Failure, Service, VaultError};

/// How often somebody looks whether a key was rotated.
const LOOK: Duration = Duration::from_secs(2);
/// How long a walk in hand is nobody else's.
const LEASE_SECONDS: u16 = 30;
/// After so many steps it is another tenant's turn.
const TURN: u32 = 50;
/// The most values in one batch, so that none waits long for one of its rows.
const BATCH: u32 = 200;
/// Rows counted at a time.
const ROWS: u16 = 4000;
/// How many rows are looked at for the price of one that is sealed anew.
const LOOKS: u32 = 20;
/// Tenants taken up in one round.
const TENANTS: u16 = 16;

/// How fast, and from when on nobody seals under a former key.
#[derive(Debug, Clone, Copy)]
pub struct Resealing {
    /// Values a second, at most, of this instance.
    pub per_second: u32,
    /// How long a request may take that began to seal before a rotation.
    pub longest_request: Duration,
}

/// Why a walk rests.
#[derive(Debug, thiserror::Error)]
enum Rest {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Vault(#[from] VaultError),
}

struct Resealer {
    gate: Service,
    pace: Resealing,
    stop: watch::Receiver<bool>,
}

/// Seals anew until `stop` turns true. A database or key service that is away is waited for.
pub async fn reseal(gate: Service, platform: TenantId, pace: Resealing, stop: watch::Receiver<bool>) {
    let mut worker = Resealer { gate, pace, stop };
    while !worker.stops() {
        worker.in_use().await;
        match worker.tenants(platform).await {
            Ok(tenants) => {
                for tenant in tenants {
                    worker.serve(tenant).await;
                }
            }
            Err(error) => tracing::warn!(error = %error, "tenants with values under older keys can't be looked for"),
        }
        worker.pause(LOOK).await;
    }
}

impl Resealer {
    fn stops(&self) -> bool {
        *self.stop.borrow()
    }

    async fn pause(&mut self, time: Duration) {
        tokio::select! {
            () = tokio::time::sleep(time) => {}
            _ = self.stop.changed() => {}
        }
    }

    fn worker_in(&self, tenant: TenantId) -> OpContext {
        let now = self.gate.clock().now();
        OpContext::system(tenant, RequestId::new(now), now)
    }

    #[expect(clippy::cast_precision_loss, reason = "a gauge is a float")]
    async fn tenants(&self, platform: TenantId) -> Result<Vec<TenantId>, StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(platform)).await?;
        let (left, shut) = tx.sealed_left().await?;
        metrics::gauge!("keepgate_values_under_older_keys").set(left as f64);
        metrics::gauge!("keepgate_values_unreadable").set(shut as f64);
        tx.tenants_to_reseal(TENANTS).await
    }

    /// Walks on in `tenant`, for one turn.
    async fn serve(&mut self, tenant: TenantId) {
        let mut steps = 0;
        while steps < TURN && !self.stops() {
            let walk = match self.claim(tenant).await {
                Ok(Some(walk)) => walk,
                Ok(None) | Err(StoreError::Revoked) => return, // a suspended tenant's values wait
                Err(error) => return tracing::warn!(%tenant, error = %error, "a walk can't be taken up"),
            };
            match self.walk(tenant, walk, &mut steps).await {
                Ok(()) | Err(Rest::Store(StoreError::Revoked)) => {}
                Err(error) => {
                    return tracing::warn!(%tenant, error = %error, "values are left under older keys for now");
                }
            }
        }
    }

    /// Goes on until the phase is over, the walk is somebody else's, or the turn is.
    async fn walk(&mut self, tenant: TenantId, mut walk: Walk, steps: &mut u32) -> Result<(), Rest> {
        // An instance looks at the keys every ten seconds: the walk may know of a newer one.
        if !self.gate.seals_under(tenant, walk.version).await? {
            self.gate.reload_keys();
            if !self.gate.seals_under(tenant, walk.version).await? {
                return Ok(());
            }
        }
        while !self.stops() {
            self.in_use().await;
            *steps += 1;
            // At the end of a turn it is let go.
            let lease = if *steps < TURN { LEASE_SECONDS } else { 1 };
            let (cost, goes_on) = match walk.phase {
                WalkPhase::Count => (u32::from(ROWS) / LOOKS, self.count(tenant, &walk, lease).await?),
                WalkPhase::Seal => self.batch(tenant, &mut walk, lease).await?,
            };
            if !goes_on || *steps >= TURN {
                return Ok(());
            }
            self.pause(Duration::from_secs(1) * cost / self.pace.per_second.max(1))
                .await;
        }
        Ok(())
    }

    /// Seals the next values anew. What that cost, and whether there may be more.
    async fn batch(&self, tenant: TenantId, walk: &mut Walk, lease: u16) -> Result<(u32, bool), Rest> {
        let limit = u16::try_from(self.pace.per_second.clamp(1, BATCH)).unwrap_or(1);
        let mut rows = {
            let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
            tx.sealed_next(walk.kind, walk.after.as_deref(), limit).await?
        };
        // One entry tells of one version.
        let from = rows.iter().find(|row| row.value.is_some()).map_or(0, |row| row.version);
        if let Some(other) = rows.iter().position(|row| row.value.is_some() && row.version != from) {
            rows.truncate(other);
        }
        let after = rows.last().map(|row| row.name.clone());
        let looked = u32::try_from(rows.len()).unwrap_or(u32::MAX) / LOOKS;
        let (mut values, mut shut) = (Vec::new(), 0);
        for row in rows {
            let Some(old) = &row.value else { continue };
            match self.gate.seal_anew(tenant, walk.kind, &row, walk.version).await? {
                Some(new) => values.push(Replacement {
                    old: old.clone(),
                    name: row.name,
                    new,
                }),
                None => shut += 1,
            }
        }
        let cost = u32::try_from(values.len()).unwrap_or(u32::MAX) + shut + looked + 1;
        if shut > 0 {
            let kind = walk.kind.as_str();
            tracing::error!(%tenant, kind, version = from, shut, "sealed values can't be opened; their key is kept");
        }
        let held = match after {
            Some(after) if !values.is_empty() => {
                let batch = ResealValues::new(walk.clone(), from, after.clone(), values, shut, lease);
                walk.after = Some(after);
                self.commit(tenant, walk, &batch).await?
            }
            after => {
                walk.after = after.clone();
                let walked = Walked {
                    after,
                    from,
                    moved: 0,
                    shut,
                };
                self.note(tenant, walk, &walked, lease).await?
            }
        };
        Ok((cost, held && walk.after.is_some()))
    }

    async fn commit(&self, tenant: TenantId, walk: &Walk, batch: &ResealValues) -> Result<bool, Rest> {
        match self.gate.perform(&self.worker_in(tenant), batch).await {
            Ok(done) => {
                metrics::counter!("keepgate_values_resealed", "kind" => walk.kind.as_str())
                    .increment(u64::from(done.output));
                Ok(true)
            }
            Err(Failure::Store(error)) => Err(error.into()),
            Err(failure) => {
                tracing::warn!(%tenant, kind = walk.kind.as_str(), error = %failure, "a batch was not sealed anew");
                Ok(false)
            }
        }
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "a lease is no operation of anybody, so there is no entry to write"
    )]
    async fn claim(&self, tenant: TenantId) -> Result<Option<Walk>, StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
        let walk = tx.claim_reseal(LEASE_SECONDS).await?;
        tx.commit().await?;
        Ok(walk)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "nothing but numbers and a place are written down"
    )]
    async fn count(&self, tenant: TenantId, walk: &Walk, lease: u16) -> Result<bool, StoreError> {
        let settle = crate::vault::RELOADED + self.pace.longest_request;
        let settle = u16::try_from(settle.as_secs()).unwrap_or(u16::MAX);
        let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
        let more = tx.count_sealed(walk, ROWS, lease, settle).await?;
        tx.commit().await?;
        Ok(more.unwrap_or(false))
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "nothing but numbers and a place are written down"
    )]
    async fn note(&self, tenant: TenantId, walk: &Walk, walked: &Walked, lease: u16) -> Result<bool, StoreError> {
        let mut tx = self.gate.store().begin(&self.worker_in(tenant)).await?;
        let held = tx.sealed_walked(walk, walked, lease).await?;
        tx.commit().await?;
        Ok(held)
    }
}
