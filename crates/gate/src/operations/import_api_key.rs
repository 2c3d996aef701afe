//! A key that another system made, and whose holder goes on using it.
use keepgate_identity::{ApiKeys, BcryptHash, ImportedKeys, Lookup, NewImportedKey, Principals};
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_rbac::{Roles, Units};
use keepgate_store::{StoreError, Transaction};

use super::{ApiKeyIssued, IssueApiKey, IssueApiKeyError};

/// Issues a key that is presented by a text from another system too, until it is rotated: a service moves over before its
/// programs do. Who has the text needs nothing from here; the new key is for when they change it.
#[derive(Debug, Clone)]
pub struct ImportApiKey {
    /// The key as any other.
    pub issue: IssueApiKey,
    /// How the other text begins.
    pub lookup: Lookup,
    /// Its hash.
    pub bcrypt: BcryptHash,
}

/// Why nothing was imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportApiKeyError {
    /// Another imported key begins like that, or this one like another.
    #[error("an imported key of this installation begins like that already")]
    LookupTaken,
    /// No key like that is issued.
    #[error(transparent)]
    Issue(#[from] IssueApiKeyError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ImportApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::LookupTaken => ErrorKind::Refused("lookup-taken"),
            Self::Issue(error) => error.kind(),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for ImportApiKey
where
    Tx: Transaction + Principals + ApiKeys + ImportedKeys + Roles + Units + ?Sized,
{
    type Permission = permissions::ApiKeyIssue;
    type Output = ApiKeyIssued;
    type Error = ImportApiKeyError;

    fn entity(&self) -> Entity {
        self.issue.key.id().into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ApiKeyIssued, ImportApiKeyError> {
        let issued = self.issue.run(proof, tx).await?;
        if !tx.is_lookup_free(&self.lookup).await? {
            return Err(ImportApiKeyError::LookupTaken);
        }
        let imported = NewImportedKey {
            key: issued.id,
            lookup: self.lookup.clone(),
            bcrypt: self.bcrypt.clone(),
        };
        tx.add_imported_key(&imported).await?;
        Ok(issued)
    }
}
