//! Addresses in the audit log: sealed under a key of the person before the entry is appended, opened for whoever may read it.
//!
//! A key is made where it is first needed, without asking the store: its row travels with the entry that uses it, so
//! sealing costs no round trip and no lock. That several instances, or several transactions at once, make one each for
//! the same person is no harm; an erasure destroys them all.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::TimeDelta;
use keepgate_audit::{
    Entry, NewEntry, SealedOpening, SubjectKey,
    commitment::{Opening, SOURCE},
    opening::{binding, from_plaintext, plaintext},
};
use keepgate_crypto_keys::{CryptoError, Kek, SubjectDek, SubjectOwner, Wrapped, random_secret};
use keepgate_kernel::{AuditId, TenantId, Timestamp, Uuid};
use keepgate_policy::{OpContext, Standing};
use keepgate_store::StoreError;

use crate::Gate;

/// How long an instance seals under one key of a person.
const LIFE: TimeDelta = TimeDelta::days(30);
/// The same for callers nobody knows: their keys are destroyed by age, a day at a time.
const STRANGERS: TimeDelta = TimeDelta::days(1);
/// The most keys kept in memory; past that they are made anew.
const KEPT: usize = 20_000;

/// Keys that are in the store, by tenant and person.
#[derive(Debug, Default)]
pub(crate) struct Subjects {
    keys: Mutex<HashMap<(TenantId, Uuid), Kept>>,
}

#[derive(Debug, Clone)]
struct Kept {
    id: Uuid,
    dek: Arc<SubjectDek>,
    until: Timestamp,
}

/// An address on its way into the store.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) opening: SealedOpening,
    /// What to keep when the transaction has committed.
    fresh: Option<((TenantId, Uuid), Kept)>,
}

impl Subjects {
    fn find(&self, whose: (TenantId, Uuid), now: Timestamp) -> Option<Kept> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.get(&whose).filter(|kept| now < kept.until).cloned()
    }

    fn keep(&self, whose: (TenantId, Uuid), key: Kept) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= KEPT {
            keys.clear();
        }
        keys.insert(whose, key);
    }
}

/// Whose address it is: the actor's, as the store decides who that is.
fn subject(context: &OpContext, entry: &NewEntry) -> Uuid {
    let own = context.principal().id;
    let actor = match context.principal().standing {
        Standing::System => entry.actor.unwrap_or(own),
        Standing::Level(_) => own,
    };
    actor.uuid()
}

fn unavailable(error: CryptoError) -> StoreError {
    StoreError::Unavailable(Box::new(error))
}

fn make(kek: &Kek, (tenant, subject): (TenantId, Uuid), now: Timestamp) -> Result<(Kept, SubjectKey), CryptoError> {
    let (id, dek) = (AuditId::new(now).uuid(), SubjectDek::generate()?);
    let owner = SubjectOwner {
        tenant,
        subject,
        key: id,
    };
    let wrapped = kek.wrap_subject(&dek, &owner)?;
    let life = if subject == tenant.uuid() { STRANGERS } else { LIFE };
    let kept = Kept {
        id,
        dek: Arc::new(dek),
        until: now + life,
    };
    let row = SubjectKey {
        id,
        subject,
        kek: wrapped.kek,
        wrapped: wrapped.bytes,
    };
    Ok((kept, row))
}

impl<T: ?Sized> Gate<T> {
    /// The caller's address, committed to and sealed for `entry`; `None` when the call came over no network.
    pub(crate) fn seal_source(&self, context: &OpContext, entry: &NewEntry) -> Result<Option<Sealed>, StoreError> {
        // An IPv4 address inside an IPv6 one is written as IPv4.
        let Some(address) = context.source().map(|ip| ip.to_canonical().to_string()) else {
            return Ok(None);
        };
        let tenant = context.tenant();
        let whose = (tenant, subject(context, entry));
        let (key, fresh) = match self.vault.subjects.find(whose, context.at()) {
            Some(kept) => (kept, None),
            None => {
                let (kept, row) = make(self.vault.kek(), whose, context.at()).map_err(unavailable)?;
                (kept, Some(row))
            }
        };
        let opening = Opening {
            salt: *random_secret().map_err(unavailable)?,
            value: address,
        };
        let binding = binding(tenant, entry.id.uuid(), SOURCE, key.id);
        let sealed = key.dek.seal(&binding, &plaintext(&opening)).map_err(unavailable)?;
        Ok(Some(Sealed {
            opening: SealedOpening {
                commitment: opening.commitment(SOURCE),
                key: key.id,
                sealed,
                fresh: fresh.clone(),
            },
            fresh: fresh.map(|_| (whose, key)),
        }))
    }

    /// Keeps what has just been committed, so that the next entry needs no new key.
    pub(crate) fn stored(&self, source: Option<Sealed>) {
        if let Some((whose, key)) = source.and_then(|source| source.fresh) {
            self.vault.subjects.keep(whose, key);
        }
    }

    /// Opens the addresses of `entries`, which their reader was allowed to see. What another key file has sealed stays shut.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an opening was moved or edited.
    pub fn reveal(&self, entries: &mut [Entry]) -> Result<(), StoreError> {
        entries.iter_mut().try_for_each(|entry| self.reveal_one(entry))
    }

    fn reveal_one(&self, entry: &mut Entry) -> Result<(), StoreError> {
        let Some(stored) = &entry.sealed else { return Ok(()) };
        if stored.key.kek != self.vault.kek().id() {
            tracing::warn!(
                index = entry.index,
                "the address of an entry was sealed under another key file"
            );
            return Ok(());
        }
        let broken = || StoreError::corrupt("audit.sealed_opening", "sealed");
        let (tenant, key) = (entry.leaf.tenant, stored.key.id);
        let owner = SubjectOwner {
            tenant,
            subject: stored.key.subject,
            key,
        };
        let wrapped = Wrapped {
            kek: stored.key.kek.clone(),
            bytes: stored.key.wrapped.clone(),
        };
        let dek = self
            .vault
            .kek()
            .unwrap_subject(&wrapped, &owner)
            .map_err(|_| broken())?;
        let binding = binding(tenant, entry.leaf.id.uuid(), SOURCE, key);
        let opened = dek.open(&binding, &stored.sealed).map_err(|_| broken())?;
        entry.reveal(from_plaintext(&opened).ok_or_else(broken)?)
    }
}
