//! The contract of [`KeyService`].
use crate::{KeyContext, KeyService, KeyServiceError, RootState, Wrapped, random_secret};

/// What can't be expected of every stand-in for a key service.
#[derive(Debug, Clone, Copy)]
pub struct KeyServiceTraits {
    /// It encrypts. A stand-in that only speaks like the service does not.
    pub encrypts: bool,
    /// It rotates, and describes what it has.
    pub rotates: bool,
}

impl Default for KeyServiceTraits {
    /// Everything.
    fn default() -> Self {
        Self {
            encrypts: true,
            rotates: true,
        }
    }
}

/// Holds `service` to the contract.
///
/// # Panics
/// Where it breaks it.
pub async fn a_key_service(service: &dyn KeyService, traits: KeyServiceTraits) {
    what_is_wrapped_opens_in_its_context_alone(service).await;
    many_at_once(service).await;
    if traits.encrypts {
        nothing_edited_opens(service).await;
    }
    if traits.rotates {
        older_versions_go_on_opening(service).await;
    }
}

async fn what_is_wrapped_opens_in_its_context_alone(service: &dyn KeyService) {
    let (key, context) = (random_secret().unwrap(), KeyContext::new("dek", b"owner", 1));
    let wrapped = service.wrap(&context, &key).await.unwrap();
    assert_eq!(*service.unwrap(&context, &wrapped).await.unwrap(), *key);
    assert!(
        !wrapped.kek.is_empty() && wrapped.kek.len() <= 300 && wrapped.bytes.len() <= 1024,
        "{}",
        wrapped.kek
    );
    for other in [
        KeyContext::new("seed", b"owner", 1),
        KeyContext::new("dek", b"other", 1),
        KeyContext::new("dek", b"owner", 2),
    ] {
        wrong(service, &other, &wrapped).await;
    }
    for kek in ["", "elsewhere:key:v1", &format!("{}0", wrapped.kek)] {
        let renamed = Wrapped {
            kek: kek.to_owned(),
            ..wrapped.clone()
        };
        let answer = service.unwrap(&context, &renamed).await;
        // A service that does not tell versions can't tell a wrong one.
        if kek.ends_with('0') && answer.is_ok() {
            continue;
        }
        let refused = matches!(answer, Err(KeyServiceError::WrongKey | KeyServiceError::Revoked));
        assert!(refused, "{kek}: {answer:?}");
    }
}

async fn wrong(service: &dyn KeyService, context: &KeyContext, wrapped: &Wrapped) {
    let answer = service.unwrap(context, wrapped).await;
    assert!(matches!(answer, Err(KeyServiceError::WrongKey)), "{answer:?}");
}

async fn nothing_edited_opens(service: &dyn KeyService) {
    let (key, context) = (random_secret().unwrap(), KeyContext::new("dek", b"owner", 1));
    let wrapped = service.wrap(&context, &key).await.unwrap();
    let again = service.wrap(&context, &key).await.unwrap();
    assert_ne!(wrapped.bytes, again.bytes, "wrapping is randomised");
    assert!(
        !wrapped
            .bytes
            .windows(8)
            .any(|part| key.windows(8).any(|own| own == part))
    );
    let length = wrapped.bytes.len();
    for cut in [0, 1, length / 2, length - 1] {
        let bytes = wrapped.bytes[..cut].to_vec();
        let kek = wrapped.kek.clone();
        wrong(service, &context, &Wrapped { kek, bytes }).await;
    }
    for at in [length / 2, length - 8] {
        let mut edited = wrapped.clone();
        edited.bytes[at] = if edited.bytes[at] == b'A' { b'B' } else { b'A' };
        wrong(service, &context, &edited).await;
    }
    assert_eq!(*service.unwrap(&context, &wrapped).await.unwrap(), *key);
}

async fn many_at_once(service: &dyn KeyService) {
    let one = async |number: i32| {
        let (key, context) = (random_secret().unwrap(), KeyContext::new("dek", b"owner", number));
        let wrapped = service.wrap(&context, &key).await.unwrap();
        assert_eq!(*service.unwrap(&context, &wrapped).await.unwrap(), *key);
    };
    let all: Vec<_> = (1..=8).map(one).collect();
    futures_util::future::join_all(all).await;
}

async fn older_versions_go_on_opening(service: &dyn KeyService) {
    let (key, context) = (random_secret().unwrap(), KeyContext::new("dek", b"owner", 1));
    let before = service.describe().await.unwrap();
    let old = service.wrap(&context, &key).await.unwrap();
    assert_eq!(old.kek, before.current);
    let made = service.rotate().await.unwrap();
    assert_eq!(made.state, RootState::Active);
    let after = service.describe().await.unwrap();
    assert_eq!((&after.service, &after.name), (&before.service, &before.name));
    assert_eq!(after.current, made.kek);
    assert_eq!(after.versions.len(), before.versions.len() + 1);
    assert_eq!(after.versions[0].kek, made.kek, "newest first");
    let state = |kek: &str| {
        after
            .versions
            .iter()
            .find(|version| version.kek == kek)
            .map(|version| version.state)
    };
    assert_eq!(state(&made.kek), Some(RootState::Active));
    assert_eq!(state(&old.kek), Some(RootState::Deactivated));
    let new = service.wrap(&context, &key).await.unwrap();
    assert_eq!(new.kek, made.kek);
    for wrapped in [&old, &new] {
        assert_eq!(*service.unwrap(&context, wrapped).await.unwrap(), *key);
    }
}
