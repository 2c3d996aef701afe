//! End-to-end harness: the real binary, over a real socket, on a PostgreSQL of its own.
//!
//! Each test starts its own service with [`Server::start`] on a scratch data directory, so that tests share nothing and may kill
//! what they like. `cargo xtask test` builds the binary and names it in `KEEPGATE_BIN`.
//!
//! To add a test: a function in the file of `tests/e2e` whose subject it is, named as the rule it holds. What several
//! tests need belongs here.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test harness fails loudly"
)]
#![expect(missing_docs, missing_debug_implementations, reason = "read by the tests beside it")]

mod authenticator;
mod browser;
mod calls;
mod dumps;
mod fleet;
mod gadget;
#[path = "../../crates/policy/tests/support/golden.rs"]
pub mod golden;
mod mail_server;
mod mann_whitney;
mod operations;
mod passkey;
mod people;
mod process;
mod reply;
mod server;
mod signing;
mod sink;
mod stand_in;
mod stream;
mod things;
mod tsa;
mod twilio;
mod witness;

pub use authenticator::App;
pub use browser::Browser;
pub use fleet::{BLIND, Fleet, Instance, Wire};
pub use gadget::Gadget;
pub use mail_server::{Letter, MailServer, Mood};
pub use mann_whitney::{MannWhitney, mann_whitney};
pub use operations::{Operation, placeholder};
pub use passkey::Phone;
pub use people::{PASSWORD, Person, email};
pub use process::{Ended, binary, kill_at, run, serve_until_end};
pub use reply::Reply;
pub use server::{Options, Server, eventually, within};
pub use signing::{b64, hmac_sha1, hmac_sha256, jwt_part, signed_by, unb64};
pub use sink::{indices, lines, receiver_check};
pub use stand_in::{Answer, Heard, StandIn};
pub use stream::{Event, Stream};
pub use things::{in_seconds, leaf_of, message};
pub use tsa::Authority;
pub use twilio::{AUTH_TOKEN, CALLBACK_BASE, twilio_signature};
pub use witness::WitnessProcess;
