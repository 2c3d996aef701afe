//! Key services and secret stores that run elsewhere: OpenBao, AWS and Google Cloud, behind the ports of `keepgate-crypto-keys`.
//!
//! Each service has a module with its settings, one small client, a key service and a secret store over it. Every call is made once,
//! over https, to the address of the settings and nowhere else; every answer becomes a typed error or is understood entirely. Patience
//! (retries, caches) is a matter of whoever calls.
//!
//! ```
//! use keepgate_crypto_keys::{KeyContext, KeyService};
//! use keepgate_key_services::{Limits, openbao::{Auth, OpenBao, Settings}};
//!
//! # async fn wrap() -> Result<(), Box<dyn std::error::Error>> {
//! let bao = OpenBao::new(Settings {
//!     url: "https://bao.example:8200".parse()?,
//!     trust: Default::default(),
//!     namespace: None,
//!     auth: Auth::Token(secrecy::SecretString::from("from a file").into()),
//!     limits: Limits::default(),
//! })?;
//! let root = bao.keys("transit", "keepgate")?;
//! let context = KeyContext::new("dek", b"tenant", 1);
//! let wrapped = root.wrap(&context, &[7; 32]).await?;
//! assert_eq!(*root.unwrap(&context, &wrapped).await?, [7; 32]);
//! # Ok(())
//! # }
//! ```

pub mod aws;
mod credential;
mod fault;
pub mod gcp;
mod http;
mod limits;
pub mod openbao;
mod secret;
mod settings;
mod watch;

pub use credential::{Credential, Unreadable};
pub use limits::Limits;
pub use settings::BadSettings;
