//! Key services and secret stores that run elsewhere: OpenBao, AWS and Google Cloud, behind the ports of `keepgate-crypto-keys`.
//!
//! Each service has a module with its settings, one small client, a key service and a secret store over it. Every call is made once,
//! over https, to the address of the settings and nowhere else; every answer becomes a typed error or is understood entirely.

pub mod aws;
mod credential;
pub mod gcp;
mod limits;
pub mod openbao;

pub use credential::{Credential, Unreadable};
pub use limits::Limits;
