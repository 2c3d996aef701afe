//! Second factors in memory.
pub(super) mod challenges;

use async_trait::async_trait;
use keepgate_kernel::{FactorId, PrincipalId, TenantId, Timestamp, Uuid};
use keepgate_policy::ReachProof;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active, level},
    rows::{ChallengeRows, EnrolmentRows, FactorRow, FactorRows, MfaLevelRows, PasswordRows, RecoveryRows},
};
use crate::{
    ChallengeHash, ChallengeRecord, FactorKind, FactorOnFile, FactorRecord, MfaStanding, NewChallenge, NewFactor,
    RecoveryHash, SecondFactors,
};

/// The worker's tenant and present.
fn worker(tx: &MemTx) -> Result<(TenantId, Timestamp), StoreError> {
    let caller = Caller::of(tx);
    let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
    Ok((tenant, caller.at))
}

fn of(tx: &MemTx, tenant: TenantId, principal: PrincipalId) -> Vec<FactorRow> {
    let Some(rows) = tx.read::<FactorRows>() else {
        return Vec::new();
    };
    rows.iter()
        .filter(|((home, _), row)| *home == tenant && row.principal == principal)
        .map(|(_, row)| row.clone())
        .collect()
}

fn on_file(row: FactorRow) -> FactorOnFile {
    FactorOnFile {
        factor: row.record.id,
        material: row.material,
        counter: row.counter,
        credential: row.credential,
    }
}

/// The factor of that kind and id, to be changed, if `fits`.
fn change(
    tx: &mut MemTx,
    (principal, factor, kind): (PrincipalId, FactorId, FactorKind),
    fits: impl Fn(&FactorRow) -> bool,
    change: impl FnOnce(&mut FactorRow, Timestamp),
) -> Result<bool, StoreError> {
    let (tenant, at) = worker(tx)?;
    let found = tx.read::<FactorRows>().and_then(|rows| rows.get(&(tenant, factor)));
    if !found.is_some_and(|row| row.principal == principal && row.record.kind == kind && fits(row)) {
        return Ok(false);
    }
    if let Some(row) = tx.write::<FactorRows>().get_mut(&(tenant, factor)) {
        change(row, at);
    }
    Ok(true)
}

fn remove(tx: &mut MemTx, tenant: TenantId, ids: &[FactorId]) {
    for id in ids {
        tx.write::<FactorRows>().remove_mut(&(tenant, *id));
    }
}

fn forget_codes(tx: &mut MemTx, tenant: TenantId, principal: PrincipalId) {
    let rows = tx.write::<RecoveryRows>();
    let old: Vec<_> = rows
        .keys()
        .filter(|(home, holder, _)| *home == tenant && *holder == principal.uuid())
        .copied()
        .collect();
    for key in &old {
        rows.remove_mut(key);
    }
}

/// Whether anything confirmed stands beside the password.
pub(super) fn has_factor(tx: &MemTx, tenant: TenantId, principal: Uuid) -> bool {
    tx.read::<FactorRows>().is_some_and(|rows| {
        let mut mine = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.principal.uuid() == principal);
        mine.any(|(_, row)| row.record.confirmed_at.is_some())
    })
}

fn has_short_password(tx: &MemTx, tenant: TenantId, principal: Uuid) -> bool {
    let verifier = tx
        .read::<PasswordRows>()
        .and_then(|rows| rows.get(&(tenant, principal)));
    verifier.is_some_and(crate::Phc::is_short)
}

/// Everything a principal could prove a second time with; a password too short to be left alone goes too.
pub(super) fn clear(tx: &mut MemTx, tenant: TenantId, principal: PrincipalId) -> u64 {
    let ids: Vec<FactorId> = of(tx, tenant, principal).iter().map(|row| row.record.id).collect();
    remove(tx, tenant, &ids);
    if has_short_password(tx, tenant, principal.uuid()) {
        tx.write::<PasswordRows>().remove_mut(&(tenant, principal.uuid()));
    }
    forget_codes(tx, tenant, principal);
    challenges::forget(tx, |home, row| home == tenant && row.record.principal == principal);
    ids.len() as u64
}

#[async_trait]
impl SecondFactors for MemTx {
    async fn mfa_standing(&mut self, principal: PrincipalId) -> Result<Option<MfaStanding>, StoreError> {
        let (tenant, _) = worker(self)?;
        let Some((row, (level, _))) = active(self, tenant, principal.uuid()).zip(level(self, tenant, principal.uuid()))
        else {
            return Ok(None);
        };
        let used = self.read::<EnrolmentRows>().and_then(|rows| {
            let mine = rows
                .iter()
                .filter(|((home, _), row)| *home == tenant && row.principal == principal);
            mine.filter_map(|(_, row)| row.used_at).min()
        });
        let codes = self.read::<RecoveryRows>().map_or(0, |rows| {
            let mine = rows
                .iter()
                .filter(|((home, holder, _), used)| *home == tenant && *holder == principal.uuid() && !**used);
            mine.count()
        });
        let policy = self.read::<MfaLevelRows>().and_then(|rows| rows.get(&tenant)).copied();
        Ok(Some(MfaStanding {
            email: row.email.clone(),
            level,
            enrolled_at: used.unwrap_or(row.created_at),
            required_from: policy.unwrap_or_default(),
            factors: of(self, tenant, principal)
                .iter()
                .filter(|row| row.record.confirmed_at.is_some())
                .map(|row| row.record.kind)
                .collect(),
            recovery_codes: u32::try_from(codes).unwrap_or(u32::MAX),
        }))
    }

    async fn factors(&mut self, principal: PrincipalId) -> Result<Vec<FactorRecord>, StoreError> {
        let (tenant, _) = worker(self)?;
        Ok(of(self, tenant, principal).into_iter().map(|row| row.record).collect())
    }

    async fn factors_on_file(
        &mut self,
        principal: PrincipalId,
        kind: FactorKind,
    ) -> Result<Vec<FactorOnFile>, StoreError> {
        let (tenant, _) = worker(self)?;
        let rows = of(self, tenant, principal).into_iter();
        Ok(rows
            .filter(|row| row.record.kind == kind && row.record.confirmed_at.is_some())
            .map(on_file)
            .collect())
    }

    async fn pending_totp(&mut self, principal: PrincipalId) -> Result<Option<FactorOnFile>, StoreError> {
        let (tenant, _) = worker(self)?;
        let rows = of(self, tenant, principal).into_iter();
        Ok(rows
            .filter(|row| row.record.confirmed_at.is_none())
            .map(on_file)
            .next_back())
    }

    async fn put_factor(&mut self, new: &NewFactor) -> Result<bool, StoreError> {
        let (tenant, at) = worker(self)?;
        let rows = of(self, tenant, new.principal);
        let known = self
            .read::<FactorRows>()
            .is_some_and(|rows| new.credential.is_some() && rows.values().any(|row| row.credential == new.credential));
        if known {
            return Ok(false);
        }
        if !new.confirmed {
            let pending = rows.iter().filter(|row| row.record.confirmed_at.is_none());
            let ids: Vec<FactorId> = pending.map(|row| row.record.id).collect();
            remove(self, tenant, &ids);
        }
        let record = FactorRecord {
            id: new.id,
            kind: new.kind,
            name: new.name.clone(),
            created_at: at,
            confirmed_at: new.confirmed.then_some(at),
            last_used_at: None,
        };
        let row = FactorRow {
            principal: new.principal,
            record,
            material: new.material.clone(),
            counter: new.counter,
            credential: new.credential.clone(),
        };
        self.write::<FactorRows>().insert_mut((tenant, new.id), row);
        Ok(true)
    }

    async fn confirm_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError> {
        let (tenant, _) = worker(self)?;
        let key = (principal, factor, FactorKind::Totp);
        let pending = |row: &FactorRow| row.record.confirmed_at.is_none();
        let confirmed = change(self, key, pending, |row, at| {
            row.counter = step;
            row.record.confirmed_at = Some(at);
            row.record.last_used_at = Some(at);
        })?;
        if confirmed {
            let rows = of(self, tenant, principal);
            let old = rows
                .iter()
                .filter(|row| row.record.kind == FactorKind::Totp && row.record.id != factor);
            let ids: Vec<FactorId> = old.map(|row| row.record.id).collect();
            remove(self, tenant, &ids);
        }
        Ok(confirmed)
    }

    async fn use_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError> {
        let key = (principal, factor, FactorKind::Totp);
        let unused = |row: &FactorRow| row.record.confirmed_at.is_some() && row.counter < step;
        change(self, key, unused, |row, at| {
            row.counter = step;
            row.record.last_used_at = Some(at);
        })
    }

    async fn use_passkey(
        &mut self,
        principal: PrincipalId,
        factor: FactorId,
        counter: i64,
    ) -> Result<bool, StoreError> {
        let key = (principal, factor, FactorKind::Passkey);
        let grew = |row: &FactorRow| row.counter < counter || (row.counter == 0 && counter == 0);
        change(self, key, grew, |row, at| {
            row.counter = counter;
            row.record.last_used_at = Some(at);
        })
    }

    async fn remove_factor(&mut self, principal: PrincipalId, factor: FactorId) -> Result<bool, StoreError> {
        let (tenant, _) = worker(self)?;
        let mine = of(self, tenant, principal).iter().any(|row| row.record.id == factor);
        if mine {
            remove(self, tenant, &[factor]);
            let who = principal.uuid();
            if has_short_password(self, tenant, who) && !has_factor(self, tenant, who) {
                return Err(StoreError::Forbidden);
            }
        }
        Ok(mine)
    }

    async fn put_recovery_codes(&mut self, principal: PrincipalId, codes: &[RecoveryHash]) -> Result<(), StoreError> {
        let (tenant, _) = worker(self)?;
        forget_codes(self, tenant, principal);
        let rows = self.write::<RecoveryRows>();
        for code in codes {
            rows.insert_mut((tenant, principal.uuid(), *code), false);
        }
        Ok(())
    }

    async fn use_recovery_code(&mut self, principal: PrincipalId, code: &RecoveryHash) -> Result<bool, StoreError> {
        let (tenant, _) = worker(self)?;
        let key = (tenant, principal.uuid(), *code);
        if self.read::<RecoveryRows>().and_then(|rows| rows.get(&key)) != Some(&false) {
            return Ok(false);
        }
        self.write::<RecoveryRows>().insert_mut(key, true);
        Ok(true)
    }

    async fn reset_factors(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let (caller, target) = (Caller::of(self), proof.target().principal);
        let below =
            level(self, caller.tenant, target.uuid()).is_some_and(|(level, _)| Some(level.number()) < caller.level);
        if !caller.is_at_least(4) || !below {
            return Err(StoreError::Forbidden);
        }
        Caller::demand_fresh(self)?;
        Ok(clear(self, caller.tenant, target))
    }

    async fn add_challenge(&mut self, new: &NewChallenge) -> Result<(), StoreError> {
        let (tenant, at) = worker(self)?;
        challenges::add(self, tenant, at, new)
    }

    async fn try_challenge(&mut self, hash: &ChallengeHash) -> Result<Option<ChallengeRecord>, StoreError> {
        let (tenant, at) = worker(self)?;
        Ok(challenges::attempt(self, tenant, at, hash))
    }

    async fn end_challenges(&mut self, principal: PrincipalId) -> Result<(), StoreError> {
        let (tenant, _) = worker(self)?;
        challenges::end(self, tenant, principal);
        Ok(())
    }

    async fn use_challenge(&mut self, hash: &ChallengeHash) -> Result<bool, StoreError> {
        let (tenant, at) = worker(self)?;
        if !challenges::is_alive(self, tenant, at, hash) {
            return Ok(false);
        }
        if let Some(row) = self.write_unaudited::<ChallengeRows>().get_mut(&(tenant, *hash)) {
            row.used = true;
        }
        Ok(true)
    }
}
