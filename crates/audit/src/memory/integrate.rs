//! Numbering in memory.
use std::collections::BTreeMap;

use keepgate_kernel::TenantId;
use keepgate_merkle::{hash::Hash, tree::Frontier};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::{RedBlackTreeMapSync, VectorSync};

use super::{
    meta,
    table::{Audit, Log, Row},
};
use crate::{
    Leaf, LogFault, LogHost, LogSigner, PassReport, SignedCheckpoint, SignedHead,
    clock::{OVERLAP, Order, TimeStep},
    integrate::{sign, state_of},
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
    let at = u64::try_from(tx.context().at().timestamp()).unwrap_or(0);
    let mut fresh = Vec::new();
    for (tenant, rows) in pending {
        let log = logs.get(&tenant).cloned().unwrap_or_else(|| new_log(host, tenant));
        match grow(log, tenant, &rows, signer, at).await {
            Ok((mut log, state)) => {
                let first = state.size - rows.len() as u64;
                report.steps.extend(steps(&mut log.order, tenant, first, &rows)?);
                fresh.push((tenant, log.origin.clone(), state));
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
    report.holding = report.held.len();
    if report.checkpoints > 0 {
        let before = tx.read::<Audit>().and_then(|audit| audit.meta.as_ref());
        let meta = match meta::grow(before, host, signer, &fresh, at).await {
            Ok(meta) => meta,
            Err(fault) => {
                report.meta_fault = Some(fault);
                before.cloned()
            }
        };
        report.meta = meta.as_ref().map(|meta| meta.frontier.size());
        let rows = tx.write_unaudited::<Audit>();
        rows.entries = waiting;
        rows.logs = logs;
        rows.meta = meta;
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
        order: Order::default(),
    }
}

fn steps(order: &mut Order, tenant: TenantId, first: u64, rows: &[Row]) -> Result<Vec<TimeStep>, StoreError> {
    let mut found = Vec::new();
    for (index, row) in (first..).zip(rows) {
        let leaf = Leaf::parse(&row.leaf).map_err(|_| StoreError::corrupt("audit.entry", "leaf"))?;
        if let Some(back) = order.next(leaf.recorded_at, OVERLAP) {
            found.push(TimeStep { tenant, index, back });
        }
    }
    Ok(found)
}

async fn grow(
    mut log: Log,
    tenant: TenantId,
    rows: &[Row],
    signer: &dyn LogSigner,
    at: u64,
) -> Result<(Log, SignedHead), LogFault> {
    let keys = signer.keys_for(tenant, &log.origin).await.map_err(LogFault::Signer)?;
    for row in rows {
        let hash = Hash::from_bytes(row.leaf_hash);
        log.frontier.push(hash);
        log.hashes.push_back_mut(hash);
        log.rows.push_back_mut(row.clone());
    }
    let state = state_of(&log.frontier);
    let note = sign(&log.origin, state, &keys, at)?;
    log.checkpoints
        .insert_mut(state.size, SignedCheckpoint { size: state.size, note });
    Ok((log, state))
}
