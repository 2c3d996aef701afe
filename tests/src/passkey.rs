//! A phone with passkeys: 1Password's software authenticator and client, which nobody here wrote, on RustCrypto.
use passkey_authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::rust_crypto::RustCryptoBackend;
use passkey_types::{
    Passkey,
    ctap2::{Aaguid, Ctap2Error},
};
use serde_json::Value;

/// Somebody who touches the sensor.
struct Somebody;

#[async_trait::async_trait]
impl UserValidationMethod for Somebody {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence: true,
            verification: true,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// A phone. A copy of it is what a thief would make.
pub struct Phone(Client<MemoryStore, Somebody, RustCryptoBackend, public_suffix::PublicSuffixList, ()>);

impl Default for Phone {
    fn default() -> Self {
        Self::with(MemoryStore::new())
    }
}

impl Phone {
    fn with(store: MemoryStore) -> Self {
        let mut authenticator = Authenticator::new(Aaguid::new_empty(), store, Somebody, RustCryptoBackend);
        authenticator.set_make_credentials_with_signature_counter(true);
        Self(Client::new(authenticator))
    }

    /// The same credentials and counts, on another phone.
    pub fn copy(&self) -> Self {
        Self::with(self.0.authenticator().store().clone())
    }

    /// What a page of `origin` gets for `options` of `navigator.credentials.create`.
    pub async fn create(&mut self, origin: &str, options: &Value) -> Value {
        let (origin, options) = (
            origin.parse::<reqwest::Url>().unwrap(),
            serde_json::from_value(options.clone()),
        );
        let made = self.0.register(&origin, options.unwrap(), DefaultClientData).await;
        serde_json::to_value(made.unwrap()).unwrap()
    }

    /// What a page of `origin` gets for `options` of `navigator.credentials.get`.
    pub async fn get(&mut self, origin: &str, options: &Value) -> Value {
        let (origin, options) = (
            origin.parse::<reqwest::Url>().unwrap(),
            serde_json::from_value(options.clone()),
        );
        let made = self.0.authenticate(&origin, options.unwrap(), DefaultClientData).await;
        serde_json::to_value(made.unwrap()).unwrap()
    }
}
