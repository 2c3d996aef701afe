//! Which credentials are dead before their time, as every instance knows it without asking.
//!
//! The database numbers every revocation in the order of its commits ([`Revocation::seq`]). A [`RevocationMirror`] is the copy of
//! one process, kept current by a [`Follower`]; the authenticator asks it, as a [`RevocationView`], before it believes a token or
//! a remembered key. It is the first wall only: the database re-reads the live state at every transaction.
mod entry;
mod follow;
mod mirror;
mod view;

pub use entry::{Killed, Revocation, RevocationOrder, Revoked, UnknownKind};
pub use follow::{Batch, Feed, Follower, POLL};
pub use mirror::RevocationMirror;
pub use view::{Presented, RevocationView, STALE, Sight};
