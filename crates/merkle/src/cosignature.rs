//! Cosignatures (`c2sp.org/tlog-cosignature`): somebody's word that a checkpoint continues everything it saw of the log.
//!
//! Keys of cosigners are a type of their own: a witness's key can't be passed where the log's key is asked for, so no
//! witness can vouch for a checkpoint alone. Two kinds are known, Ed25519 (0x04) and ML-DSA-44 (0x06, FIPS 204); the
//! second is also how a log adds a signature that a quantum computer can't forge beside its Ed25519 one.

mod key;
mod message;
mod open;
mod signer;

pub use key::{CosignerKey, Scheme};
pub use open::{Cosigned, OpenCosignatures, cosignatures};
pub use signer::{Cosign, Cosigner};
