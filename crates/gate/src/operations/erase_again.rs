//! Erasing somebody again whom an older database has brought back.
use keepgate_audit::{AuditLog, Erasures, NewErasure};
use keepgate_kernel::{AuditId, Entity, ErasureId, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::{StoreError, Transaction};

use super::erase_subject::told;

/// Erases a person whose erasure is on record outside the database, but not in it: the database is older than the erasure.
/// The consent of two people was used up then. Yields whether there was anything to do.
#[derive(Debug, Clone)]
pub struct EraseAgain {
    /// Its id.
    pub id: ErasureId,
    /// Who.
    pub subject: PrincipalId,
}

impl<Tx: Transaction + AuditLog + Erasures + ?Sized> Command<Tx> for EraseAgain {
    type Permission = permissions::AuditErased;
    type Output = bool;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<bool, StoreError> {
        let new = NewErasure {
            id: self.id,
            subject: self.subject,
            reason: String::new(),
            entry: AuditId::new(tx.context().at()),
        };
        let done = tx.erase_again(new.id, new.subject, new.entry).await?;
        if done {
            tx.append(&told(&new)).await?;
        }
        Ok(done)
    }
}
