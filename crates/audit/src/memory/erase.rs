//! Erasing in memory. That the user was deleted is the sibling's row: the operation looks at it.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{AuditId, ErasureId, PrincipalId, TenantId, Timestamp, Uuid};
use keepgate_policy::{Consent, Matter, Standing, TwoPersonAction};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{
    approved::{desk, owner, spend},
    hold::{holds, holds_all},
    table::Audit,
};
use crate::{Erased, ErasedAt, Erasure, Erasures, Leaf, NewErasure, SubjectKey};

/// By tenant and number, with the entry that says it.
#[derive(Debug, Clone, Default)]
pub(super) struct ErasureRows(RedBlackTreeMapSync<(TenantId, ErasureId), (Erasure, AuditId)>);

fn worker(tx: &MemTx) -> Option<TenantId> {
    (tx.context().principal().standing == Standing::System).then(|| tx.context().tenant())
}

/// The index of an entry, once it has one.
fn index_of(tx: &MemTx, tenant: TenantId, entry: AuditId) -> Option<u64> {
    let log = tx.read::<Audit>()?.logs.get(&tenant)?;
    let place = log
        .rows
        .iter()
        .position(|row| Leaf::parse(&row.leaf).is_ok_and(|leaf| leaf.id == entry))?;
    u64::try_from(place).ok()
}

/// When a person of `tenant` was first erased.
pub(super) fn erased_at(tx: &MemTx, tenant: TenantId, subject: PrincipalId) -> Option<ErasedAt> {
    let ErasureRows(rows) = tx.read()?;
    let (first, entry) = rows
        .iter()
        .filter(|((home, _), (erasure, _))| *home == tenant && erasure.subject == subject)
        .map(|(_, row)| row)
        .next()?;
    Some(ErasedAt {
        at: first.erased_at,
        index: index_of(tx, tenant, *entry),
    })
}

/// Destroys the keys of a person and deletes what they seal.
fn wipe(tx: &mut MemTx, tenant: TenantId, subject: PrincipalId) -> u64 {
    let keys = tx.write::<Audit>().keys.iter();
    let keys = keys.filter(|((home, _), (key, _))| *home == tenant && key.subject == subject.uuid());
    let keys: Vec<_> = keys.map(|(at, _)| *at).collect();
    destroy(tx, &keys)
}

/// The keys of callers nobody knows that were made `days` days of UTC ago, a week at least, and are not held.
fn strangers(tx: &MemTx, days: u16) -> Vec<(TenantId, Uuid)> {
    let today = tx
        .context()
        .at()
        .date_naive()
        .and_time(chrono::NaiveTime::MIN)
        .and_utc();
    let before = today - TimeDelta::days(days.max(7).into());
    let Some(rows) = tx.read::<Audit>() else {
        return Vec::new();
    };
    let due = |(whose, (key, made)): &(&(TenantId, Uuid), &(SubjectKey, Timestamp))| {
        key.subject == whose.0.uuid() && *made < before && !holds_all(tx, whose.0, *made, *made + TimeDelta::days(2))
    };
    rows.keys.iter().filter(due).map(|(at, _)| *at).collect()
}

fn destroy(tx: &mut MemTx, keys: &[(TenantId, Uuid)]) -> u64 {
    let rows = tx.write::<Audit>();
    let openings: Vec<_> = rows
        .openings
        .keys()
        .filter(|(home, key, _)| keys.contains(&(*home, *key)))
        .copied()
        .collect();
    for key in keys {
        rows.keys.remove_mut(key);
    }
    for opening in &openings {
        rows.openings.remove_mut(opening);
    }
    u64::try_from(openings.len()).unwrap_or(u64::MAX)
}

fn record(tx: &mut MemTx, tenant: TenantId, new: &NewErasure, erased_by: Option<PrincipalId>) {
    let erasure = Erasure {
        id: new.id,
        subject: new.subject,
        reason: new.reason.clone(),
        erased_by,
        erased_at: tx.context().at(),
        index: None,
        openings: wipe(tx, tenant, new.subject),
    };
    tx.write::<ErasureRows>()
        .0
        .insert_mut((tenant, new.id), (erasure, new.entry));
}

#[async_trait]
impl Erasures for MemTx {
    async fn erase(&mut self, consent: &Consent, new: &NewErasure) -> Result<Erased, StoreError> {
        let tenant = owner(self)?;
        if !matches!(consent.matter(), Matter::EraseSubject { subject } if *subject == new.subject) {
            return Err(StoreError::Forbidden);
        }
        if holds(self, tenant, new.subject) {
            return Ok(Erased::Held);
        }
        spend(self, consent, TwoPersonAction::EraseSubject)?;
        let by = self.context().principal().id;
        record(self, tenant, new, Some(by));
        Ok(Erased::Done)
    }

    async fn erase_again(&mut self, id: ErasureId, subject: PrincipalId, entry: AuditId) -> Result<bool, StoreError> {
        let tenant = worker(self).ok_or(StoreError::Forbidden)?;
        if erased_at(self, tenant, subject).is_some() {
            return Ok(false);
        }
        let new = NewErasure {
            id,
            subject,
            reason: "erased before this database was restored".to_owned(),
            entry,
        };
        record(self, tenant, &new, None);
        Ok(true)
    }

    async fn erasure(&mut self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        let (Some(tenant), Some(ErasureRows(rows))) = (desk(self), self.read::<ErasureRows>()) else {
            return Ok(None);
        };
        Ok(rows.get(&(tenant, id)).map(|(erasure, entry)| Erasure {
            index: index_of(self, tenant, *entry),
            ..erasure.clone()
        }))
    }

    async fn erasures(&mut self, after: Option<ErasureId>, limit: u32) -> Result<Vec<Erasure>, StoreError> {
        let (Some(tenant), Some(ErasureRows(rows))) = (desk(self), self.read::<ErasureRows>()) else {
            return Ok(Vec::new());
        };
        let page = rows
            .iter()
            .filter(|((home, id), _)| *home == tenant && after.is_none_or(|after| *id > after));
        Ok(page
            .take(limit as usize)
            .map(|(_, (erasure, entry))| Erasure {
                index: index_of(self, tenant, *entry),
                ..erasure.clone()
            })
            .collect())
    }

    async fn erased_subjects(&mut self) -> Result<Vec<(PrincipalId, Timestamp)>, StoreError> {
        let (Some(tenant), Some(ErasureRows(rows))) = (worker(self), self.read::<ErasureRows>()) else {
            return Ok(Vec::new());
        };
        let mine = rows.iter().filter(|((home, _), _)| *home == tenant);
        Ok(mine
            .map(|(_, (erasure, _))| (erasure.subject, erasure.erased_at))
            .collect())
    }

    /// Every worker is the platform's here: the memory store knows no kinds of tenants.
    async fn tenants_with_erasures(&mut self) -> Result<Vec<TenantId>, StoreError> {
        let (Some(_), Some(ErasureRows(rows))) = (worker(self), self.read::<ErasureRows>()) else {
            return Ok(Vec::new());
        };
        let mut tenants: Vec<_> = rows.keys().map(|(tenant, _)| *tenant).collect();
        tenants.dedup();
        Ok(tenants)
    }

    /// As for [`Erasures::tenants_with_erasures`].
    async fn tenants_with_strangers(&mut self, days: u16) -> Result<Vec<TenantId>, StoreError> {
        if worker(self).is_none() {
            return Ok(Vec::new());
        }
        let mut tenants: Vec<_> = strangers(self, days).into_iter().map(|(tenant, _)| tenant).collect();
        tenants.dedup();
        Ok(tenants)
    }

    async fn end_strangers(&mut self, days: u16) -> Result<u64, StoreError> {
        let home = worker(self).ok_or(StoreError::Forbidden)?;
        let mut due = strangers(self, days);
        due.retain(|(tenant, _)| *tenant == home);
        Ok(destroy(self, &due))
    }
}
