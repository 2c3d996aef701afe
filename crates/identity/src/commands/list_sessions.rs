//! Live sessions, one's own or a subordinate's.
use keepgate_kernel::{Entity, PrincipalId, SessionId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{SessionRecord, Sessions};

/// Lists live sessions. Of a principal that is not below the caller there are none to be seen.
#[derive(Debug, Clone, Copy)]
pub struct ListSessions {
    /// Whose; `None`: the caller's own.
    pub principal: Option<PrincipalId>,
    /// The last one of the page before.
    pub after: Option<SessionId>,
    /// How many at most.
    pub limit: u32,
}

impl<Tx: Sessions + ?Sized> Command<Tx> for ListSessions {
    type Permission = permissions::SessionList;
    type Output = Vec<SessionRecord>;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.principal
            .map_or_else(|| Entity::collection("sessions"), Entity::from)
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<SessionRecord>, StoreError> {
        tx.sessions_of(self.principal.unwrap_or(proof.by()), self.after, self.limit)
            .await
    }
}
