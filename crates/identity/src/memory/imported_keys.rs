//! Imported texts in memory.
use async_trait::async_trait;
use keepgate_kernel::KeyId;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::Caller,
    rows::{ImportedRow, KeyRow, KeyRows},
};
use crate::{BcryptHash, ImportedKeys, ImportedOnFile, Lookup, NewImportedKey, Phc, Verifier};

fn is_free(tx: &MemTx, lookup: &Lookup) -> bool {
    let clash = |row: &KeyRow| {
        let other = row.imported.as_ref().map(|imported| imported.lookup.as_str());
        other.is_some_and(|other| other.starts_with(lookup.as_str()) || lookup.as_str().starts_with(other))
    };
    !tx.read::<KeyRows>().is_some_and(|rows| rows.values().any(clash))
}

#[async_trait]
impl ImportedKeys for MemTx {
    async fn is_lookup_free(&mut self, lookup: &Lookup) -> Result<bool, StoreError> {
        Ok(Caller::of(self).within(4, 5).is_some() && is_free(self, lookup))
    }

    async fn add_imported_key(&mut self, new: &NewImportedKey) -> Result<(), StoreError> {
        let tenant = Caller::of(self).within(4, 5).ok_or(StoreError::Forbidden)?;
        Caller::demand_fresh(self)?;
        if !is_free(self, &new.lookup) {
            return Err(StoreError::Conflict);
        }
        let caller = Caller::of(self).subject;
        let row = self.write::<KeyRows>().get_mut(&(tenant, new.key));
        let row = row
            .filter(|row| row.record.owner.uuid() == caller)
            .ok_or(StoreError::Forbidden)?;
        row.imported = Some(ImportedRow {
            lookup: new.lookup.clone(),
            verifier: Verifier::Bcrypt(new.bcrypt.clone()),
            until: None,
        });
        Ok(())
    }

    async fn imported_on_file(&mut self, key: KeyId) -> Result<Option<ImportedOnFile>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let Some(rows) = self.read::<KeyRows>() else {
            return Ok(None);
        };
        let row = rows.get(&(tenant, key)).and_then(|row| row.imported.as_ref());
        Ok(row.map(|row| ImportedOnFile {
            verifier: row.verifier.clone(),
            until: row.until,
        }))
    }

    async fn rehash_imported_key(&mut self, key: KeyId, from: &BcryptHash, phc: &Phc) -> Result<bool, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let rows = self.write_unaudited::<KeyRows>();
        let row = rows.get_mut(&(tenant, key)).and_then(|row| row.imported.as_mut());
        let Some(row) = row.filter(|row| row.verifier == Verifier::Bcrypt(from.clone())) else {
            return Ok(false);
        };
        row.verifier = Verifier::Argon2id(phc.clone());
        Ok(true)
    }
}
