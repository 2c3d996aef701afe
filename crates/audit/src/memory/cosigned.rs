//! What witnesses said, in memory.
use std::any::Any;

use async_trait::async_trait;
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::Hash,
    note::{Note, NoteSignature},
    proof::consistency_proof,
    tree::MemoryTree,
};
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{MemStore, MemTx, StoreError, Transaction};
use rpds::{RedBlackTreeMapSync, RedBlackTreeSetSync};

use super::table::Audit;
use crate::{
    SignedCheckpoint,
    witness::{Alarm, AlarmKind, CosignedLogs, LogCheckpoint, META_LOG, WitnessAlarms, cosigner_of, same},
};

/// The latest line of each cosigner.
type Lines = RedBlackTreeMapSync<String, NoteSignature>;

/// Words of witnesses, by log and size: a log in memory has one root at each.
#[derive(Debug, Clone, Default)]
struct Told {
    lines: RedBlackTreeMapSync<(TenantId, u64), Lines>,
    witnessed: RedBlackTreeSetSync<(TenantId, u64)>,
}

/// Evidence, apart: its rows need an entry.
#[derive(Debug, Clone, Default)]
struct Alarms(RedBlackTreeMapSync<(TenantId, (String, AlarmKind, u64)), Alarm>);

/// `signed` with its cosignatures.
pub(super) fn cosigned(tx: &MemTx, tenant: TenantId, signed: &SignedCheckpoint) -> SignedCheckpoint {
    let lines = tx
        .read::<Told>()
        .and_then(|told| told.lines.get(&(tenant, signed.size)));
    let lines: String = lines
        .into_iter()
        .flat_map(|lines| lines.values())
        .map(ToString::to_string)
        .collect();
    SignedCheckpoint {
        size: signed.size,
        note: format!("{}{lines}", signed.note),
    }
}

/// The largest size that met the quorum.
pub(super) fn witnessed(tx: &MemTx, tenant: TenantId) -> Option<u64> {
    let told = tx.read::<Told>()?;
    let sizes = told.witnessed.iter().filter(|(of, _)| *of == tenant);
    sizes.map(|(_, size)| *size).max()
}

pub(super) fn open(store: &MemStore, tenant: TenantId) -> Result<MemTx, StoreError> {
    let at = Timestamp::UNIX_EPOCH;
    store.begin(&OpContext::system(tenant, RequestId::new(at), at))
}

/// Until nobody else was faster.
#[expect(clippy::disallowed_methods, reason = "like the integrator: no operation of anybody")]
pub(super) async fn write<T: Any + Clone + Default + Send + Sync>(
    store: &MemStore,
    tenant: TenantId,
    change: impl Fn(&mut T) + Send,
) -> Result<(), StoreError> {
    loop {
        let mut tx = open(store, tenant)?;
        change(tx.write_unaudited());
        match Box::new(tx).commit().await {
            Err(StoreError::Conflict) => {}
            ended => return ended,
        }
    }
}

/// The latest checkpoint of a log that is not empty.
pub(super) fn checkpoint_of(
    tenant: TenantId,
    origin: &str,
    checkpoints: &RedBlackTreeMapSync<u64, SignedCheckpoint>,
) -> Result<Option<LogCheckpoint>, StoreError> {
    let Some((size, signed)) = checkpoints.last().filter(|(size, _)| **size > 0) else {
        return Ok(None);
    };
    let corrupt = || StoreError::corrupt("audit.checkpoint", "note");
    let note: Note = signed.note.parse().map_err(|_| corrupt())?;
    let checkpoint: Checkpoint = note.text().parse().map_err(|_| corrupt())?;
    Ok(Some(LogCheckpoint {
        tenant,
        origin: origin.to_owned(),
        size: *size,
        root: checkpoint.root,
        note,
    }))
}

#[async_trait]
impl CosignedLogs for MemStore {
    async fn latest(&self, origins: &[String]) -> Result<Vec<LogCheckpoint>, StoreError> {
        let tx = open(self, TenantId::new(Timestamp::UNIX_EPOCH))?;
        let logs = tx.read::<Audit>().map(|audit| audit.logs.clone()).unwrap_or_default();
        let mut found = Vec::new();
        for (tenant, log) in logs.iter().filter(|(_, log)| origins.contains(&log.origin)) {
            found.extend(checkpoint_of(*tenant, &log.origin, &log.checkpoints)?);
        }
        found.sort_by(|one, other| one.origin.cmp(&other.origin));
        if let Some(meta) = tx.read::<Audit>().and_then(|audit| audit.meta.as_ref()) {
            found.extend(checkpoint_of(META_LOG, &meta.origin, &meta.checkpoints)?);
        }
        Ok(found)
    }

    async fn consistency(&self, tenant: TenantId, first: u64, second: u64) -> Result<Option<Vec<Hash>>, StoreError> {
        let tx = open(self, tenant)?;
        let audit = tx.read::<Audit>();
        let hashes = if tenant == META_LOG {
            audit.and_then(|audit| Some(&audit.meta.as_ref()?.hashes))
        } else {
            audit.and_then(|audit| Some(&audit.logs.get(&tenant)?.hashes))
        };
        let Some(hashes) = hashes else { return Ok(None) };
        let tree: MemoryTree = hashes.iter().copied().collect();
        if first == 0 || first > second || second > hashes.len() as u64 {
            return Ok(None);
        }
        let broken = |_| StoreError::corrupt("audit.tile", "hashes");
        consistency_proof(first, second, &tree).map(Some).map_err(broken)
    }

    async fn cosigned_size(&self, tenant: TenantId, cosigner: &str) -> Result<u64, StoreError> {
        let tx = open(self, tenant)?;
        let Some(told) = tx.read::<Told>() else { return Ok(0) };
        let by = told
            .lines
            .iter()
            .filter(|((of, _), lines)| *of == tenant && lines.contains_key(cosigner));
        Ok(by.map(|((_, size), _)| *size).max().unwrap_or(0))
    }

    async fn cosignatures(&self, of: &LogCheckpoint) -> Result<Vec<NoteSignature>, StoreError> {
        let tx = open(self, of.tenant)?;
        let lines = tx.read::<Told>().and_then(|told| told.lines.get(&(of.tenant, of.size)));
        Ok(lines.into_iter().flat_map(|lines| lines.values()).cloned().collect())
    }

    async fn put_cosignatures(&self, of: &LogCheckpoint, lines: &[NoteSignature]) -> Result<(), StoreError> {
        let place = (of.tenant, of.size);
        write(self, of.tenant, |told: &mut Told| {
            let mut kept = told.lines.get(&place).cloned().unwrap_or_default();
            for line in lines {
                kept.insert_mut(cosigner_of(line), line.clone());
            }
            told.lines.insert_mut(place, kept);
        })
        .await
    }

    async fn put_witnessed(&self, of: &LogCheckpoint) -> Result<(), StoreError> {
        let place = (of.tenant, of.size);
        write(self, of.tenant, |told: &mut Told| told.witnessed.insert_mut(place)).await
    }

    async fn is_told(&self, tenant: TenantId, alarm: &Alarm) -> Result<bool, StoreError> {
        let tx = open(self, tenant)?;
        Ok(tx
            .read::<Alarms>()
            .is_some_and(|alarms| alarms.0.contains_key(&(tenant, same(alarm)))))
    }
}

#[async_trait]
impl WitnessAlarms for MemTx {
    async fn put_witness_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError> {
        let caller = self.context().principal();
        if caller.standing != Standing::System {
            return Err(StoreError::Forbidden);
        }
        let place = (caller.tenant, same(alarm));
        let rows = self.write::<Alarms>();
        if !rows.0.contains_key(&place) {
            rows.0.insert_mut(place, alarm.clone());
        }
        Ok(())
    }
}
