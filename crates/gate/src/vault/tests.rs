//! What happens while the key service fails.
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use keepgate_crypto_keys::{MemoryKeys, Purpose, RootKey, RootVersion, Wrapped, generate_recovery_key};
use keepgate_kernel::{Clock, SystemClock, Uuid};
use keepgate_store::{Begin, MemStore};
use tokio::time::advance;

use super::*;
use crate::Tx;

/// Fails on demand.
#[derive(Debug)]
struct Flaky {
    keys: MemoryKeys,
    failing: Mutex<Option<fn() -> KeyServiceError>>,
    opened: AtomicU32,
}

impl Flaky {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            keys: MemoryKeys::generate().unwrap(),
            failing: Mutex::new(None),
            opened: AtomicU32::new(0),
        })
    }

    fn fail(&self, error: fn() -> KeyServiceError) {
        *self.failing.lock().unwrap() = Some(error);
    }

    fn recover(&self) {
        *self.failing.lock().unwrap() = None;
    }

    fn now(&self) -> Result<(), KeyServiceError> {
        self.failing.lock().unwrap().map_or(Ok(()), |error| Err(error()))
    }

    fn asked(&self) -> u32 {
        self.opened.load(Ordering::Relaxed)
    }
}

#[async_trait]
impl KeyService for Flaky {
    async fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        self.now()?;
        self.keys.wrap(context, key).await
    }

    async fn unwrap(&self, context: &KeyContext, wrapped: &Wrapped) -> Result<Zeroizing<[u8; 32]>, KeyServiceError> {
        self.opened.fetch_add(1, Ordering::Relaxed);
        // Others come while this one waits.
        tokio::task::yield_now().await;
        self.now()?;
        self.keys.unwrap(context, wrapped).await
    }

    async fn rotate(&self) -> Result<RootVersion, KeyServiceError> {
        self.keys.rotate().await
    }

    async fn describe(&self) -> Result<RootKey, KeyServiceError> {
        self.keys.describe().await
    }
}

fn read() -> Read {
    Read {
        now: SystemClock.now(),
        epoch: 0,
    }
}

fn place() -> Place {
    Place {
        tenant: TenantId::from_uuid(Uuid::from_u128(1)),
        purpose: Purpose::Payload,
        table: "channels.message",
        column: "payload",
        row: Uuid::nil(),
    }
}

fn house(root: &Arc<Flaky>) -> (Gate<dyn Tx>, Place) {
    let store: Arc<dyn Begin<dyn Tx>> = Arc::new(MemStore::new());
    let gate = Gate::new(store, Arc::new(SystemClock), Vault::new(root.clone()));
    (gate, place())
}

#[tokio::test(start_paused = true)]
async fn a_short_outage_is_survived_and_a_long_one_shuts_everything() {
    let root = Flaky::new();
    let (gate, place) = house(&root);
    let sealed = gate.seal(&place, b"secret").await.unwrap();
    root.fail(|| KeyServiceError::Down("refused".into()));
    advance(HOLD / 3 + Duration::from_secs(1)).await;
    assert!(gate.seal(&place, b"more").await.is_ok(), "held over");
    assert_eq!(&gate.open(&place, &sealed).await.unwrap()[..], b"secret");
    advance(HOLD).await;
    for _ in 0..2 {
        assert!(matches!(gate.seal(&place, b"more").await, Err(VaultError::Root(_))));
        assert!(matches!(gate.open(&place, &sealed).await, Err(VaultError::Root(_))));
    }
    let asked = root.asked();
    assert!(gate.seal(&place, b"more").await.is_err());
    assert_eq!(root.asked(), asked, "a service that failed a moment ago is left alone");
    root.recover();
    advance(Duration::from_secs(2)).await;
    assert_eq!(&gate.open(&place, &sealed).await.unwrap()[..], b"secret");
    assert!(gate.seal(&place, b"more").await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_key_that_the_service_refuses_for_good_is_dropped_at_once() {
    for refused in [(|| KeyServiceError::Revoked) as fn() -> _, || {
        KeyServiceError::Denied("taken away")
    }] {
        let root = Flaky::new();
        let (gate, place) = house(&root);
        let sealed = gate.seal(&place, b"secret").await.unwrap();
        root.fail(refused);
        advance(HOLD / 3 + Duration::from_secs(1)).await;
        assert!(matches!(gate.seal(&place, b"more").await, Err(VaultError::Root(_))));
        assert!(matches!(gate.open(&place, &sealed).await, Err(VaultError::Root(_))));
    }
}

#[tokio::test(start_paused = true)]
async fn many_who_come_at_once_ask_the_service_once() {
    let root = Flaky::new();
    let (gate, place) = house(&root);
    let sealed = gate.seal(&place, b"secret").await.unwrap();
    gate.vault.forget(place.tenant);
    let before = root.asked();
    let opened = futures_util::future::join_all((0..20).map(|_| gate.open(&place, &sealed))).await;
    assert!(opened.iter().all(Result::is_ok));
    assert_eq!(root.asked(), before + 1);
}

#[tokio::test(start_paused = true)]
async fn keys_that_nobody_uses_leave_the_memory() {
    let root = Flaky::new();
    let (gate, place) = house(&root);
    gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(gate.vault.sweep(), 1);
    advance(HOLD + Duration::from_secs(1)).await;
    assert_eq!(gate.vault.sweep(), 0);
}

#[tokio::test]
async fn two_keys_sign_webhooks_while_one_follows_the_other() {
    let vault = Vault::new(Flaky::new());
    let tenant = place().tenant;
    let mut stored = Vec::new();
    for version in [3, 2, 1] {
        stored.push(vault.make(tenant, version).await.unwrap());
    }
    let signs = async |stored: &[StoredKey]| {
        let ring = vault.open_ring(tenant, stored, read()).await;
        let seeds = ring.webhook_seeds(HOLD).unwrap();
        seeds.iter().map(|seed| seed.public().unwrap()).collect::<Vec<_>>()
    };
    let both = signs(&stored).await;
    assert_eq!(both.len(), 2);
    assert_eq!(
        signs(&stored[1..]).await[0],
        both[1],
        "the same key, for as long as there is its version"
    );
    assert_eq!(signs(&stored[2..]).await.len(), 1);
    // One that somebody wants gone signs no more; the one before it does not come back in its place.
    stored[0].destroy_after = Some(SystemClock.now());
    assert_eq!(signs(&stored).await[0], both[1]);
    stored[1].destroy_after = Some(SystemClock.now());
    assert_eq!(signs(&stored).await.len(), 1);
}

#[tokio::test]
async fn the_copy_for_the_safe_opens_what_the_tenant_sealed() {
    let (public, secret) = generate_recovery_key().unwrap();
    let vault = Vault::new(Flaky::new()).recoverable(Some(public));
    let tenant = place().tenant;
    let stored = vault.make(tenant, 1).await.unwrap();
    let key = DataKey::unwrap(vault.root(), tenant, 1, &stored.wrapped).await.unwrap();
    let sealed = key.seal(&place(), b"secret").unwrap();
    let context = KeyContext::new("dek", tenant.uuid().as_bytes(), 1);
    let again = secret.open(&context, 1, &stored.recovery.unwrap()).unwrap();
    assert_eq!(&again.open(&place(), &sealed).unwrap()[..], b"secret");
}
