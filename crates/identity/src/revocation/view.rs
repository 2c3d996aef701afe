//! What is asked before a credential is believed.
use std::time::Duration;

use keepgate_kernel::{TenantId, Uuid};
use keepgate_policy::Credential;
use tokio::sync::watch;

/// A view that has not heard from the database for so long is not believed: three seconds.
pub const STALE: Duration = Duration::from_secs(3);

/// What of a verified credential a revocation can be about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presented {
    /// The tenant.
    pub tenant: TenantId,
    /// The principal.
    pub principal: Uuid,
    /// The session or API key.
    pub credential: Credential,
    /// The key that signed the token; `None` for an API key.
    pub kid: Option<String>,
    /// The newest revocation when the session was opened (claim `rev`), or when what is remembered of an API key was read
    /// ([`RevocationView::seq`], taken before the database was asked): only later ones can kill it.
    pub seen: u64,
}

/// What a view says of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// No revocation is about it.
    Live,
    /// It is dead; what was remembered about an API key must be forgotten, and the database asked again.
    Dead,
    /// The view can't tell: it is older than [`STALE`], or than the credential. The database has to be asked.
    Unknown,
}

/// What one process knows about revocations. Answers from memory, at once.
///
/// For a cache of verified keys: take [`RevocationView::seq`] before reading the key, keep it with the entry as
/// [`Presented::seen`], and use the entry only while [`RevocationView::sight`] says [`Sight::Live`].
pub trait RevocationView: Send + Sync + std::fmt::Debug {
    /// Whether a revocation is about `presented`.
    fn sight(&self, presented: &Presented) -> Sight;

    /// The number of the newest revocation known.
    fn seq(&self) -> u64;

    /// Whether the database was heard within [`STALE`].
    fn is_fresh(&self) -> bool;

    /// Changes with every revocation that becomes known. Staleness rings no bell: whoever waits also looks once a second.
    fn changes(&self) -> watch::Receiver<u64>;
}
