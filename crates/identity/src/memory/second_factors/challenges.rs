//! Challenges in memory.
use keepgate_kernel::{PrincipalId, TenantId, Timestamp};
use keepgate_store::{MemTx, StoreError};

use super::super::{
    caller::active,
    rows::{ChallengeRow, ChallengeRows},
};
use crate::{CHALLENGE_LIFE, ChallengeHash, ChallengeRecord, NewChallenge, TRIES};

pub(super) fn forget(tx: &mut MemTx, pick: impl Fn(TenantId, &ChallengeRow) -> bool) {
    let rows = tx.write_unaudited::<ChallengeRows>();
    let picked: Vec<_> = rows
        .iter()
        .filter(|((home, _), row)| pick(*home, row))
        .map(|(key, _)| *key)
        .collect();
    for key in &picked {
        rows.remove_mut(key);
    }
}

pub(super) fn add(tx: &mut MemTx, tenant: TenantId, at: Timestamp, new: &NewChallenge) -> Result<(), StoreError> {
    let epoch = active(tx, tenant, new.principal.uuid())
        .ok_or(StoreError::Forbidden)?
        .epoch;
    forget(tx, |home, row| {
        home == tenant && row.record.principal == new.principal && (row.used || row.expires_at <= at)
    });
    let record = ChallengeRecord {
        principal: new.principal,
        session: new.session,
        bucket: new.bucket,
        purpose: new.purpose,
        state: new.state.clone(),
    };
    let row = ChallengeRow {
        record,
        epoch,
        tries: 0,
        expires_at: at + CHALLENGE_LIFE,
        used: false,
    };
    tx.write_unaudited::<ChallengeRows>()
        .insert_mut((tenant, new.hash), row);
    Ok(())
}

/// Ends every one of a principal.
pub(in super::super) fn end(tx: &mut MemTx, tenant: TenantId, principal: PrincipalId) {
    forget(tx, |home, row| home == tenant && row.record.principal == principal);
}

/// Not answered, not past its end, and its principal's sessions have not been ended since.
pub(super) fn is_alive(tx: &MemTx, tenant: TenantId, at: Timestamp, hash: &ChallengeHash) -> bool {
    let row = tx.read::<ChallengeRows>().and_then(|rows| rows.get(&(tenant, *hash)));
    row.is_some_and(|row| {
        let epoch = active(tx, tenant, row.record.principal.uuid()).map(|row| row.epoch);
        !row.used && row.expires_at > at && epoch == Some(row.epoch)
    })
}

pub(super) fn attempt(
    tx: &mut MemTx,
    tenant: TenantId,
    at: Timestamp,
    hash: &ChallengeHash,
) -> Option<ChallengeRecord> {
    if !is_alive(tx, tenant, at, hash) {
        return None;
    }
    let row = tx.write_unaudited::<ChallengeRows>().get_mut(&(tenant, *hash))?;
    if row.tries >= TRIES {
        return None;
    }
    row.tries += 1;
    Some(row.record.clone())
}
