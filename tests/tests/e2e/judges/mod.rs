//! Judges that nobody here wrote.
pub mod aics;
pub mod aics_witness;
mod hpke;
mod install;
mod moto;
mod ocsf;
mod oidc;
pub mod openbao;
mod processes;
mod scim;

pub use hpke::hpke;
pub use install::{ask, installed, missing, npm, pip};
pub use moto::{moto, moto_server};
pub use ocsf::ocsf_schema;
pub use oidc::{Providers, REDIRECT, providers};
pub use processes::quiet;
pub use scim::scim_tester;
