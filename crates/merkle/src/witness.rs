//! The witness protocol (`c2sp.org/tlog-witness`), without its HTTP: what is asked, and what an honest witness answers.
//!
//! A log posts an [`AddCheckpoint`]; a witness [`judge`]s it against the log's keys and the last checkpoint it cosigned,
//! and keeps the new one **before** it answers, in one atomic step. The log takes what it knows of the answer with
//! [`read_answer`]. [`Refusal::status`] is the HTTP status.

mod answer;
mod judge;
mod request;

pub use answer::{ReadAnswer, read_answer};
pub use judge::{KnownLog, Refusal, judge};
pub use request::{AddCheckpoint, MAX_PROOF, MAX_REQUEST_BYTES, ParseAddCheckpoint};

/// The media type of the size that a witness tells with status 409.
pub const SIZE_MEDIA_TYPE: &str = "text/x.tlog.size";
