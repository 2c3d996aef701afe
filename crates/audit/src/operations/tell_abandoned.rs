//! Operation: record that a signed state of a log was given up.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, permissions::IntegrityAlarm};
use keepgate_store::StoreError;

use crate::{Abandoned, integrate::tenant_of};

/// Leaves an entry that says which signed size the log goes on without. The entry is all there is to it.
#[derive(Debug, Clone)]
pub struct TellAbandoned {
    given: Abandoned,
}

impl TellAbandoned {
    /// About `given`.
    #[must_use]
    pub const fn new(given: Abandoned) -> Self {
        Self { given }
    }

    /// Whose log it is; `None` for the log of logs.
    #[must_use]
    pub fn tenant(&self) -> Option<TenantId> {
        tenant_of(&self.given.origin)
    }
}

impl<Tx: Send + ?Sized> Command<Tx> for TellAbandoned {
    type Permission = IntegrityAlarm;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        let log = if self.tenant().is_some() { "own" } else { "meta" };
        Entity::named("log-head-abandoned", &format!("{log}-{}", self.given.head.size))
    }

    async fn run(&self, _proof: &Authorized<IntegrityAlarm>, _tx: &mut Tx) -> Result<(), StoreError> {
        Ok(())
    }
}
