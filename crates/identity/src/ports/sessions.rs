//! Sessions.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, SessionId};
use keepgate_store::StoreError;

use crate::{LoggedIn, NewSession, SessionRecord};

/// Sessions of the caller's tenant. Everybody sees and revokes their own, levels from 4 up also those of lower levels, workers
/// all.
#[async_trait]
pub trait Sessions: Send {
    /// Opens a session with the principal's live level and unit. Workers only, and only for an active principal that holds a
    /// level: `Forbidden` otherwise, and when there is a session with that id, dead or alive.
    async fn open_session(&mut self, new: &NewSession) -> Result<LoggedIn, StoreError>;

    /// A session that has not been revoked, if the caller may see it.
    async fn session(&mut self, id: SessionId) -> Result<Option<SessionRecord>, StoreError>;

    /// At most `limit` live sessions of `principal` after `after`, in the order of their ids.
    async fn sessions_of(
        &mut self,
        principal: PrincipalId,
        after: Option<SessionId>,
        limit: u32,
    ) -> Result<Vec<SessionRecord>, StoreError>;

    /// Ends a session; the next begin with it is refused. `false` when there is no live one the caller may end.
    async fn revoke_session(&mut self, id: SessionId) -> Result<bool, StoreError>;

    /// Ends every session of the caller but `kept`, and counts them.
    async fn revoke_other_sessions(&mut self, kept: SessionId) -> Result<u64, StoreError>;

    /// Ends every session of `principal` the caller may end (workers: all), and counts them.
    async fn revoke_sessions_of(&mut self, principal: PrincipalId) -> Result<u64, StoreError>;

    /// The same of several principals, in one statement.
    async fn revoke_sessions_of_all(&mut self, principals: &[PrincipalId]) -> Result<u64, StoreError>;
}
