//! Ending an API key because its text was found where it should not be.
use keepgate_kernel::{Entity, KeyId, PrincipalId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{ApiKeys, MailNotice, Mails};

/// Revokes a key whose whole text somebody has shown, and tells its owner by mail. Runs in the tenant of the key, on behalf of nobody known: who can show the
/// text could use it as well.
#[derive(Debug, Clone, Copy)]
pub struct ReportLeak {
    /// Which.
    pub id: KeyId,
    /// Who owns it.
    pub owner: PrincipalId,
}

/// Why it was not revoked.
#[derive(Debug, thiserror::Error)]
pub enum ReportLeakError {
    /// It has been revoked before.
    #[error("the API key is revoked already")]
    Revoked,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ReportLeakError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Revoked => ErrorKind::Refused("api-key-revoked"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: ApiKeys + Mails + ?Sized> Command<Tx> for ReportLeak {
    type Permission = permissions::ApiKeyLeak;
    type Output = ();
    type Error = ReportLeakError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), ReportLeakError> {
        if tx.revoke_leaked_key(self.id).await? {
            Ok(tx.notify(self.owner, MailNotice::ApiKeyLeaked).await?)
        } else {
            Err(ReportLeakError::Revoked)
        }
    }
}
