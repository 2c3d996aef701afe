//! People whom somebody else vouches for: OpenID Connect log-in and SCIM provisioning.
//!
//! An identity here is what an issuer says: (issuer, subject), never an e-mail address (OpenID Connect Core 5.7). What a group is
//! worth is a mapping that an owner of the tenant makes, to levels 1 to 4: the type [`MappedLevel`](keepgate_policy::MappedLevel) has
//! no other values, and the database checks the same. Principals, levels and sessions belong to sibling crates; the operations
//! that need them meet in the doorway's crate.
//!
//! - [`Provider`] and [`Mapping`] are what is configured; [`ports`] what a transaction can do with them.
//! - [`oidc`] talks to a provider through [`oidc::Fetch`], which a service gives a guarded HTTP client.
//!
//! To support another kind of provider: a module beside [`oidc`] that yields a [`oidc::Verified`].
//!
//! ```
//! use keepgate_sso::Issuer;
//! assert!("https://id.example.org".parse::<Issuer>().is_ok());
//! assert!("http://id.example.org".parse::<Issuer>().is_err(), "plain http only to loopback");
//! ```
mod account;
mod issuer;
mod login;
mod mapping;
pub mod memory;
pub mod oidc;
pub mod ports;
#[cfg(feature = "postgres")]
pub mod postgres;
mod provider;
mod random;
pub mod scim;

pub use account::{Account, NewAccount};
pub use issuer::{InvalidIssuer, Issuer};
pub use login::{BadTicket, LOGIN_LIFE, Linked, PendingLink, PendingLogin, State, Ticket};
pub use mapping::{Mapped, Mapping, MappingError};
pub use provider::{InvalidProvider, Provider, ProviderName, SecretChange};
pub use random::NoRandomness;
