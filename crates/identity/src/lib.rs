//! Who is there: principals, and what they prove it with.
//!
//! Passwords and API keys are Argon2id at rest, a session is named by an EdDSA token of at most eight hours, and a new person
//! enters with a one-time code. Secrets and hashes are made before a transaction begins and are fields of the command;
//! inside the transaction a proof ([`PasswordProof`]) stands for them. The database re-reads the live state of every
//! credential at each begin, so nothing here is believed for longer than one transaction.
//!
//! - [`Authenticator`] turns a bearer string into a principal; [`FrontDesk`] prepares log-in and enrolment.
//! - The ports are capabilities of a transaction; `memory` and `postgres` implement them.
//! - [`genesis`] makes the first tenants and principals.
//!
//! To add a kind of credential: its format beside [`ApiKeyFormat`], its port, its table, a branch in `gate.enter` and in
//! [`memory::door`], and its cases in `tests/`. To add an operation: a file in `commands` with command, error and rule.
//!
//! ```
//! use keepgate_identity::{Email, Password};
//! let email: Email = "Ann@Example.org".parse().unwrap();
//! assert_eq!(email.as_str(), "ann@example.org");
//! assert!(Password::new("password-password".into()).is_err());
//! ```
mod access;
mod api_key;
mod base62;
mod commands;
mod device;
mod email;
mod enrolment;
pub mod genesis;
mod mail;
pub mod memory;
mod mfa;
mod one_time;
mod password;
mod ports;
#[cfg(feature = "postgres")]
pub mod postgres;
mod principal;
mod random;
mod reset_code;
mod revocation;
mod services;
mod session;
#[cfg(feature = "smtp")]
pub mod smtp;
pub mod throttle;
mod token;

pub use access::{ACCESS_STALE_AFTER, Access, AccessStatus, HeldFactors, Holder};
pub use api_key::{
    ApiKey, ApiKeyFormat, ApiKeyRecord, BcryptHash, Checksum, Environment, Handle, ImportedOnFile, InvalidImport,
    KeyError, KeyKind, KeyName, KeyOnFile, KeyPattern, KeyUse, Lookup, NewApiKey, NewImportedKey, OldSecret,
    PresentedKey, Retiring, UnknownScope, Verifier, lookups_of, parse_scopes,
};
pub use commands::*;
pub use device::*;
pub use email::{Email, InvalidEmail};
pub use enrolment::{CodeHash, EnrolmentCode, InvalidCode, NewEnrolment};
/// Re-exported so that callers name one version.
pub use ipnet::IpNet;
pub use mail::{DueMail, MailError, MailKind, MailNotice, Mailer, NOTICE_LIFE, OutgoingMail, REQUEST_LIFE};
pub use mfa::*;
pub use password::{
    ALONE, Cost, HashError, Hasher, LONGEST, Password, PasswordContext, PasswordProof, PasswordRule, Phc,
    WITH_SECOND_FACTOR,
};
pub use ports::*;
pub use principal::{Me, NewPrincipal, PrincipalRecord, PrincipalStatus, UserStanding};
pub use random::NoRandomness;
pub use reset_code::{NewReset, RESET_LIFE, ResetCode};
pub use revocation::{
    Batch, Feed, Follower, Killed, POLL, Presented, Revocation, RevocationMirror, RevocationOrder, RevocationView,
    Revoked, STALE, Sight, UnknownKind,
};
pub use services::*;
pub use session::{LoggedIn, NewSession, SESSION_LIFE, SessionRecord};
pub use throttle::{Admission, Attempt, Bucket, BucketKey, Counter, Device, DeviceCookie, Guard, Miss, Places};
pub use token::{
    AccessToken, Claims, Jwks, KeyRing, KeyState, NewSigningKey, PUBLISHED, SealedSeed, SigningKey, TokenError, Tokens,
    Turn, VERIFIES, kid_of, public_half,
};
