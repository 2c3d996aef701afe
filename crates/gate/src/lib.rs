//! The one doorway: authorise → begin → run → append the audit entry → commit.
//!
//! A caller builds a command and hands it to [`Gate::perform`]. What it gets back is [`Done`], with the receipt of the audit
//! entry that was committed together with the work, or a [`Failure`]; a refusal has then been logged in a transaction of its
//! own, and if that was impossible the call fails as a whole. Conflicts are retried here, because a command is a value.
//! [`Gate::perform_once`] adds an idempotency key to the same transaction.
//!
//! Operations that need two domain crates live in `operations`, one file each; Keepgate's own workers in `workers`.
mod failure;
mod gate;
mod idempotency;
mod key_ends;
mod openings;
pub mod operations;
mod perform;
mod perform_once;
mod reseal;
mod second_desk;
mod seldom;
mod signing;
mod sink_desk;
mod sso_desk;
mod tombstones;
mod tx;
mod vault;
pub mod workers;

pub use failure::{Done, Failure};
pub use gate::Gate;
pub use idempotency::{Answer, IdempotencyKey, IdempotencyKeys, Once, StoredAnswer};
pub use second_desk::{Proofs, SecondAnswer, SecondDesk, SecondDeskError, Visit};
pub use signing::RingError;
pub use sink_desk::{SinkDesk, Trial};
pub use sso_desk::{CallbackQuery, Finished, SsoDesk, Started};
pub use tombstones::{MemoryTombstones, Tombstones};
pub use tx::{Service, Tx};
pub use vault::{Vault, VaultError};
