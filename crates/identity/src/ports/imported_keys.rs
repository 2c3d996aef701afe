//! Texts of keys that another system made.
use async_trait::async_trait;
use keepgate_kernel::KeyId;
use keepgate_store::StoreError;

use crate::{BcryptHash, ImportedOnFile, Lookup, NewImportedKey, Phc};

/// Imported texts of the caller's tenant. Levels 4 and 5 import them, workers verify them.
#[async_trait]
pub trait ImportedKeys: Send {
    /// Whether `lookup` is nobody's, nor the beginning of another's, nor begins with another's, in the whole installation. `false`
    /// below level 4.
    async fn is_lookup_free(&mut self, lookup: &Lookup) -> Result<bool, StoreError>;

    /// Lets a key of the tenant be presented by an imported text too. `Forbidden` below level 4 and for keys of others;
    /// `Conflict` when the lookup is not free.
    async fn add_imported_key(&mut self, new: &NewImportedKey) -> Result<(), StoreError>;

    /// What an imported text of the key is compared with. Workers only; `Forbidden` for everybody else.
    async fn imported_on_file(&mut self, key: KeyId) -> Result<Option<ImportedOnFile>, StoreError>;

    /// Replaces the bcrypt hash by `phc`, once. Bookkeeping: needs no audit entry. Workers only, `Forbidden` for
    /// everybody else; `false` when `from` is not what is on file.
    async fn rehash_imported_key(&mut self, key: KeyId, from: &BcryptHash, phc: &Phc) -> Result<bool, StoreError>;
}
