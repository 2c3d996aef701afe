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
    AuditLog, Entry, NewEntry, SealedOpening, SubjectKey,
    commitment::{Opening, SOURCE},
    opening::{binding, from_plaintext, plaintext},
};
use keepgate_crypto_keys::{
    CryptoError, DataKey, DataKeys, KeyServiceError, SubjectDek, SubjectOwner, Wrapped, random_secret, subject_version,
};
use keepgate_kernel::{AuditId, TenantId, Timestamp, Uuid};
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{StoreError, Transaction};

use crate::{Gate, VaultError};

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
    /// The version of the tenant's key that wrapped it.
    under: i32,
}

/// An address on its way into the store.
#[derive(Debug)]
pub(crate) struct Sealed {
    pub(crate) opening: SealedOpening,
    /// What to keep when the transaction has committed.
    fresh: Option<((TenantId, Uuid), Kept)>,
}

impl Subjects {
    fn find(&self, whose: (TenantId, Uuid), under: i32, now: Timestamp) -> Option<Kept> {
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = |kept: &&Kept| now < kept.until && kept.under == under;
        keys.get(&whose).filter(fits).cloned()
    }

    /// A key of that tenant came to its end, and with it what it wrapped.
    pub(crate) fn forget(&self, tenant: TenantId) {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.retain(|(of, _), _| *of != tenant);
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

fn make(
    tenants: &DataKey,
    (tenant, subject): (TenantId, Uuid),
    now: Timestamp,
) -> Result<(Kept, SubjectKey), CryptoError> {
    let (id, dek) = (AuditId::new(now).uuid(), SubjectDek::generate()?);
    let owner = SubjectOwner {
        tenant,
        subject,
        key: id,
    };
    let wrapped = tenants.wrap_subject(&dek, &owner)?;
    let life = if subject == tenant.uuid() { STRANGERS } else { LIFE };
    let kept = Kept {
        id,
        dek: Arc::new(dek),
        until: now + life,
        under: tenants.version(),
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
    /// The caller's address, committed to and sealed for `entry`; `None` when the call came over no network. The tenant's key was
    /// opened before: here, within a transaction, nobody is waited for.
    pub(crate) fn seal_source(&self, context: &OpContext, entry: &NewEntry) -> Result<Option<Sealed>, StoreError> {
        // An IPv4 address inside an IPv6 one is written as IPv4.
        let Some(address) = context.source().map(|ip| ip.to_canonical().to_string()) else {
            return Ok(None);
        };
        let tenant = context.tenant();
        let whose = (tenant, subject(context, entry));
        let tenants = self.vault.sealing(tenant)?;
        let (key, fresh) = match self.vault.subjects.find(whose, tenants.version(), context.at()) {
            Some(kept) => (kept, None),
            None => {
                let (kept, row) = make(&tenants, whose, context.at()).map_err(unavailable)?;
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
}

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    /// Opens the tenant's key when `context` has an address to be sealed: before a transaction begins, so that none waits for another.
    pub(crate) async fn ready(&self, context: &OpContext) -> Result<(), StoreError> {
        match context.source() {
            Some(_) => Ok(self.warm(context.tenant()).await?),
            None => Ok(()),
        }
    }

    /// Opens the addresses of `entries`, which their reader was allowed to see. What a root key sealed that is not this
    /// installation's any more stays shut, and what was sealed under a tenant's key that was destroyed.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when an opening was moved or edited, [`StoreError::Unavailable`] while keys can't be opened.
    pub async fn reveal(&self, entries: &mut [Entry]) -> Result<(), StoreError> {
        for entry in entries {
            self.reveal_one(entry).await?;
        }
        Ok(())
    }

    async fn reveal_one(&self, entry: &mut Entry) -> Result<(), StoreError> {
        let Some(stored) = &entry.sealed else { return Ok(()) };
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
        let Some(dek) = self.subject_dek(&owner, &wrapped).await? else {
            tracing::warn!(
                index = entry.index,
                "the address of an entry was sealed under a key that is gone"
            );
            return Ok(());
        };
        let binding = binding(tenant, entry.leaf.id.uuid(), SOURCE, key);
        let opened = dek.open(&binding, &stored.sealed).map_err(|_| broken())?;
        entry.reveal(from_plaintext(&opened).ok_or_else(broken)?)
    }

    /// The key of a person; `None` when what wrapped it is gone.
    pub(crate) async fn subject_dek(
        &self,
        owner: &SubjectOwner,
        wrapped: &Wrapped,
    ) -> Result<Option<SubjectDek>, StoreError> {
        let broken = || StoreError::corrupt("keys.subject_key", "wrapped");
        let Some(version) = subject_version(wrapped) else {
            return match SubjectDek::unwrap(self.vault.root(), owner, wrapped).await {
                Ok(dek) => Ok(Some(dek)),
                Err(KeyServiceError::WrongKey | KeyServiceError::Revoked | KeyServiceError::Unsupported(_)) => Ok(None),
                Err(error) => Err(VaultError::from(error).into()),
            };
        };
        let ring = self.ring_with(owner.tenant, version).await?;
        let tenants = match self.vault.found(&ring, version) {
            Ok(tenants) => tenants,
            Err(VaultError::Gone) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        tenants.unwrap_subject(wrapped, owner).map(Some).map_err(|_| broken())
    }
}
