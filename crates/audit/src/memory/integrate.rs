//! Numbering in memory.
use std::collections::BTreeMap;

use keepgate_kernel::TenantId;
use keepgate_merkle::{hash::Hash, tree::Frontier};
use keepgate_store::{MemTx, StoreError};
use rpds::{RedBlackTreeMapSync, VectorSync};

use super::table::{Audit, Log, Row};
use crate::{
    LogFault, LogHost, LogSigner, PassReport, SignedCheckpoint,
    integrate::{Signed, sign},
};

/// Numbers every committed entry of every tenant and signs a checkpoint for each log that grew. `tx` is a worker's
/// transaction of its own; the caller commits it.
///
/// # Errors
/// None of its own. A log without a signer is held back: it and all its entries wait for the next pass.
pub async fn integrate(tx: &mut MemTx, host: &LogHost, signer: &dyn LogSigner) -> Result<PassReport, StoreError> {
    let mut report = PassReport::default();
    let Some(audit) = tx.read::<Audit>() else {
        return Ok(report);
    };
    let mut pending: BTreeMap<TenantId, Vec<Row>> = BTreeMap::new();
    for row in audit.entries.iter() {
        pending.entry(row.tenant).or_default().push(row.clone());
    }
    let mut logs = audit.logs.clone();
    let mut waiting = VectorSync::new_sync();
    for (tenant, rows) in pending {
        let log = logs.get(&tenant).cloned().unwrap_or_else(|| new_log(host, tenant));
        match grow(log, tenant, &rows, signer).await {
            Ok(log) => {
                report.numbered += rows.len();
                report.checkpoints += 1;
                logs.insert_mut(tenant, log);
            }
            Err(fault) => {
                report.held.push((tenant, fault));
                rows.into_iter().for_each(|row| waiting.push_back_mut(row));
            }
        }
    }
    if report.checkpoints > 0 {
        let rows = tx.write_unaudited::<Audit>();
        rows.entries = waiting;
        rows.logs = logs;
    }
    Ok(report)
}

fn new_log(host: &LogHost, tenant: TenantId) -> Log {
    Log {
        origin: host.origin(tenant),
        rows: VectorSync::new_sync(),
        hashes: VectorSync::new_sync(),
        frontier: Frontier::default(),
        checkpoints: RedBlackTreeMapSync::new_sync(),
    }
}

async fn grow(mut log: Log, tenant: TenantId, rows: &[Row], signer: &dyn LogSigner) -> Result<Log, LogFault> {
    let signer = signer.signer_for(tenant, &log.origin).await.map_err(LogFault::Signer)?;
    for row in rows {
        let hash = Hash::from_bytes(row.leaf_hash);
        log.frontier.push(hash);
        log.hashes.push_back_mut(hash);
        log.rows.push_back_mut(row.clone());
    }
    let state = Signed::of(&log.frontier);
    let note = sign(&log.origin, state, &signer)?;
    log.checkpoints
        .insert_mut(state.size, SignedCheckpoint { size: state.size, note });
    Ok(log)
}
