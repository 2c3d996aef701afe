//! The contract of [`SecretStore`].
use std::time::Duration;

use async_trait::async_trait;

use crate::{SecretError, SecretStore};

/// Somebody who may write what a store reads.
#[async_trait]
pub trait SecretKeeper: Send + Sync {
    /// The name of a secret that holds nothing yet.
    fn name(&self) -> String;
    /// The name of a secret that does not exist, in the store's own form.
    fn nowhere(&self) -> String;
    /// A version that was never made, in the store's own form.
    fn never(&self) -> String;
    /// Whether older versions stay readable.
    fn keeps_versions(&self) -> bool {
        true
    }
    /// Makes `value` the newest version of the secret.
    async fn put(&self, value: &str);
}

/// Holds `store`, which looks for changes at least twice a second, to the contract.
///
/// # Panics
/// Where it breaks it.
pub async fn a_secret_store(store: &dyn SecretStore, keeper: &dyn SecretKeeper) {
    let name = keeper.name();
    keeper.put("canary one ü").await;
    let first = store.get(&name, None).await.unwrap();
    assert_eq!(first.value.as_slice(), "canary one ü".as_bytes());
    assert_eq!(
        store.get(&name, None).await.unwrap().version,
        first.version,
        "it has not changed"
    );
    assert!(!format!("{first:?} {store:?}").contains("canary"));
    for (name, version) in [(keeper.nowhere(), None), (name.clone(), Some(keeper.never()))] {
        let answer = store.get(&name, version.as_deref()).await;
        assert!(matches!(answer, Err(SecretError::NotFound)), "{name}: {answer:?}");
    }

    let waiting = store.watch(&name, &first.version);
    let quiet = tokio::time::timeout(Duration::from_secs(2), waiting).await;
    assert!(quiet.is_err(), "nothing has changed");
    let (changed, ()) = tokio::join!(store.watch(&name, &first.version), async {
        keeper.put("canary two").await;
    });
    let changed = changed.unwrap();
    assert_eq!(changed.value.as_slice(), b"canary two");
    assert_ne!(changed.version, first.version);
    let late = store.watch(&name, &first.version).await.unwrap();
    assert_eq!(late.version, changed.version, "who comes late is told, too");
    if keeper.keeps_versions() {
        for one in [&first, &changed] {
            let found = store.get(&name, Some(&one.version)).await.unwrap();
            assert_eq!((&found.value, &found.version), (&one.value, &one.version));
        }
    }
}
