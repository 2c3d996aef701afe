//! A verification a moment ago is worth something while the view of revocations is fresh, and nothing when it is not.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keepgate_identity::{
    ApiKey, ApiKeyFormat, AuthError, Authenticator, Environment, Hasher, KeyRing, Presented, RevocationMirror,
    RevocationView, RevokeApiKey, STALE, Sight, Tokens,
};
use keepgate_kernel::{KeyId, Level, RequestId};
use keepgate_policy::OpContext;
use keepgate_store::{Begin, StoreError, testing::World};
use tokio::{sync::watch, time::Instant};

use crate::support::{Tx, cases, key, perform};

/// A store that can be gone, and counts who asks.
struct Flaky {
    store: Arc<dyn Begin<dyn Tx>>,
    gone: AtomicBool,
    asked: AtomicUsize,
}

#[async_trait]
impl Begin<dyn Tx> for Flaky {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if self.gone.load(Ordering::Relaxed) {
            return Err(StoreError::Unavailable("gone".into()));
        }
        self.store.begin(context).await
    }
}

/// A view that grows old when told to, instead of after three seconds.
#[derive(Debug, Default)]
struct View {
    fresh: RevocationMirror,
    old: RevocationMirror,
    has_grown_old: AtomicBool,
}

impl View {
    fn open() -> Self {
        let view = Self::default();
        view.fresh.learn(&[], 0, Instant::now() + Duration::from_secs(60));
        view.old
            .learn(&[], 0, Instant::now() - STALE - Duration::from_millis(1));
        view
    }

    fn grow_old(&self, old: bool) {
        self.has_grown_old.store(old, Ordering::Relaxed);
    }

    fn now(&self) -> &RevocationMirror {
        if self.has_grown_old.load(Ordering::Relaxed) {
            &self.old
        } else {
            &self.fresh
        }
    }
}

impl RevocationView for View {
    fn sight(&self, presented: &Presented) -> Sight {
        self.now().sight(presented)
    }

    fn seq(&self) -> u64 {
        self.now().seq()
    }

    fn is_fresh(&self) -> bool {
        self.now().is_fresh()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.now().changes()
    }
}

struct Desk {
    authenticator: Authenticator<dyn Tx>,
    store: Arc<Flaky>,
    view: Arc<View>,
    key: ApiKey,
}

/// A key that was verified while the view was fresh.
async fn desk(world: &World<dyn Tx>) -> Desk {
    let store = Arc::new(Flaky {
        store: world.store(),
        gone: AtomicBool::new(false),
        asked: AtomicUsize::new(0),
    });
    let (format, hasher) = (ApiKeyFormat::new(Environment::Test, &[6; 32]), Hasher::new(2));
    let minted = format.mint(KeyId::new(world.now)).unwrap();
    let phc = hasher.hash(minted.secret()).await.unwrap();
    key(world, Level::Operator, |new| {
        new.id = minted.id();
        new.phc = phc;
    })
    .await;
    let tokens = Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).unwrap(), "kg", "kg"));
    let view = Arc::new(View::open());
    let authenticator = Authenticator::new(store.clone(), world.ids.platform, tokens, Arc::new(format), hasher);
    let desk = Desk {
        authenticator: authenticator.unwrap().with_view(view.clone(), store.clone()),
        store,
        view,
        key: minted,
    };
    desk.comes(world).await.unwrap();
    desk
}

impl Desk {
    /// The key comes again; how often the store was asked for it.
    async fn comes(&self, world: &World<dyn Tx>) -> Result<usize, AuthError> {
        self.store.asked.store(0, Ordering::Relaxed);
        let request = RequestId::new(world.now);
        let seen = self
            .authenticator
            .authenticate(self.key.expose(), None, request, world.now)
            .await;
        seen.map(|_| self.store.asked.load(Ordering::Relaxed))
    }
}

async fn while_the_view_is_fresh_no_store_is_asked(world: &World<dyn Tx>) {
    let desk = desk(world).await;
    assert_eq!(desk.comes(world).await.unwrap(), 0);
    desk.store.gone.store(true, Ordering::Relaxed);
    assert_eq!(desk.comes(world).await.unwrap(), 0);
}

async fn when_the_view_is_stale_the_store_is_asked_and_without_it_nobody_is_let_in(world: &World<dyn Tx>) {
    let desk = desk(world).await;
    desk.view.grow_old(true);
    assert!(
        desk.comes(world).await.unwrap() >= 2,
        "where it lives, and its record, and the door"
    );
    desk.store.gone.store(true, Ordering::Relaxed);
    assert!(matches!(
        desk.comes(world).await,
        Err(AuthError::Store(StoreError::Unavailable(_)))
    ));
    // Heard again, what was remembered counts again.
    desk.view.grow_old(false);
    assert_eq!(desk.comes(world).await.unwrap(), 0);
}

async fn what_was_revoked_behind_a_stale_view_is_refused(world: &World<dyn Tx>) {
    let desk = desk(world).await;
    let revoke = RevokeApiKey { id: desk.key.id() };
    perform(world, &world.caller(Level::TenantAdmin), &revoke)
        .await
        .unwrap();
    // This view has not heard of it yet, so the authenticator can't know; the door of the next transaction does.
    assert_eq!(desk.comes(world).await.unwrap(), 0);
    desk.view.grow_old(true);
    assert!(matches!(desk.comes(world).await, Err(AuthError::Revoked)));
}

cases!(
    while_the_view_is_fresh_no_store_is_asked,
    when_the_view_is_stale_the_store_is_asked_and_without_it_nobody_is_let_in,
    what_was_revoked_behind_a_stale_view_is_refused,
);
