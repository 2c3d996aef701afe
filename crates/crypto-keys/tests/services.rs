//! The adapters of this crate keep to the contract that all of them keep to.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]
use async_trait::async_trait;
use keepgate_crypto_keys::{
    KeyFile, MemoryKeys, MemorySecrets, Patient,
    testing::{KeyServiceTraits, SecretKeeper, a_key_service, a_secret_store},
};

#[tokio::test]
async fn keys_in_memory() {
    a_key_service(&MemoryKeys::generate().unwrap(), KeyServiceTraits::default()).await;
}

#[tokio::test]
async fn a_key_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = KeyFile::create(&folder.path().join("kek")).unwrap();
    a_key_service(&file, KeyServiceTraits::default()).await;
}

#[tokio::test]
async fn a_service_asked_with_patience() {
    let patient = Patient::new(std::sync::Arc::new(MemoryKeys::generate().unwrap()));
    a_key_service(&patient, KeyServiceTraits::default()).await;
}

struct Keeper<'a>(&'a MemorySecrets);

#[async_trait]
impl SecretKeeper for Keeper<'_> {
    fn name(&self) -> String {
        "one".to_owned()
    }

    fn nowhere(&self) -> String {
        "another".to_owned()
    }

    fn never(&self) -> String {
        "9".to_owned()
    }

    async fn put(&self, value: &str) {
        self.0.put("one", value.as_bytes().to_vec().into()).unwrap();
    }
}

#[tokio::test]
async fn secrets_in_memory() {
    let secrets = MemorySecrets::default();
    a_secret_store(&secrets, &Keeper(&secrets)).await;
}
