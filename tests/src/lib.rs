//! End-to-end harness: the real binary, over a real socket, on a PostgreSQL of its own.
//!
//! Each test starts its own service with [`Server::start`] on a scratch data directory, so that tests share nothing and may kill
//! what they like. `cargo xtask test` builds the binary and names it in `KEEPGATE_BIN`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "a test harness fails loudly")]
#![expect(missing_docs, missing_debug_implementations, reason = "read by the tests beside it")]

mod people;
mod reply;
mod server;
mod stand_in;
mod stream;

pub use people::PASSWORD;
pub use reply::Reply;
pub use server::{Options, Server, binary, eventually};
pub use stand_in::{Heard, StandIn};
pub use stream::{Event, Stream};
