//! Second factors: authenticator apps, passkeys, recovery codes, and when they are asked for.
mod answer;
mod challenge;
mod entrance;
mod factor;
pub mod passkey;
mod recovery;
mod requirement;
mod totp;

pub(crate) use answer::Proved;
pub use answer::SecondProof;
pub use challenge::{CHALLENGE_LIFE, ChallengeHash, ChallengeRecord, MfaChallenge, NewChallenge, Purpose, TRIES};
pub use entrance::{Challenged, Entered, Offer, PendingTotp};
pub(crate) use entrance::{Entrance, admit};
pub use factor::{FactorKind, FactorOnFile, FactorRecord, NewFactor};
pub use recovery::{RECOVERY_CODES, RecoveryCode, RecoveryHash};
pub use requirement::{Demand, GRACE, MfaLevel, MfaStanding};
pub use totp::{TotpSeed, WrongSeed};
