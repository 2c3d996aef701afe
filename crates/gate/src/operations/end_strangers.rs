//! Destroying the keys of callers nobody knows, once they are old.
use keepgate_audit::{AuditLog, Erasures};
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::{StoreError, Transaction};

/// Destroys the keys under which addresses of callers nobody knows were sealed so many days ago or earlier, with what they sealed.
/// Its entry is what tells it. Yields how many addresses are gone.
#[derive(Debug, Clone, Copy)]
pub struct EndStrangers {
    /// The age, in whole days of UTC: a week at least.
    pub days: u16,
}

impl<Tx: Transaction + AuditLog + Erasures + ?Sized> Command<Tx> for EndStrangers {
    type Permission = permissions::AuditErased;
    type Output = u64;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::named("strangers", &format!("{}-days", self.days))
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<u64, StoreError> {
        tx.end_strangers(self.days).await
    }
}
