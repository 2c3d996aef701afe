//! One tenant with one key, in memory, and a view of revocations that is as fresh as the service's.
use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use keepgate_identity::{
    ApiKey, ApiKeyFormat, Authenticator, Environment, Hasher, KeyRing, RevocationMirror, Tokens,
    genesis::{self, Names},
    memory,
};
use keepgate_kernel::{Clock, KeyId, RequestId, SystemClock, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::{Begin, MemStore, MemTx, StoreError};

/// An in-memory store behind its door.
struct Store(MemStore);

#[async_trait]
impl Begin<MemTx> for Store {
    async fn begin(&self, context: &OpContext) -> Result<Box<MemTx>, StoreError> {
        Ok(Box::new(self.0.begin(context)?))
    }
}

pub struct House {
    authenticator: Authenticator<MemTx>,
    view: Arc<RevocationMirror>,
    key: ApiKey,
    foreign: ApiKey,
    at: Timestamp,
    source: Option<IpAddr>,
}

impl House {
    pub async fn open() -> Self {
        let at = SystemClock.now();
        let format = ApiKeyFormat::new(Environment::Live, &[3; 32]);
        let hasher = Hasher::new(2);
        let names = Names::standard().expect("names");
        let (plan, secrets) = genesis::plan(names, at, &format, &hasher).await.expect("a plan");
        let store = MemStore::new().with_door(memory::door);
        memory::genesis(&store, &plan).await.expect("a genesis");
        let store = Arc::new(Store(store));
        let tokens = Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).expect("a ring"), "kg", "kg"));
        let foreign = ApiKeyFormat::new(Environment::Live, &[4; 32])
            .mint(KeyId::new(at))
            .expect("a key");
        let view = Arc::new(RevocationMirror::new());
        let authenticator =
            Authenticator::new(store.clone(), secrets.platform_tenant, tokens, Arc::new(format), hasher)
                .expect("an authenticator")
                .with_view(view.clone(), store);
        Self {
            authenticator,
            view,
            key: secrets.service_key,
            foreign,
            at,
            source: Some([192, 0, 2, 1].into()),
        }
    }

    pub fn text(&self) -> &str {
        self.key.expose()
    }

    /// What a follower does each second: nothing was revoked.
    pub fn hear(&self) {
        self.view.learn(&[], 0, tokio::time::Instant::now());
    }

    /// Forgets the verified key, so that the next one is the first.
    pub fn forget(&self) {
        self.authenticator.forget(self.key.id());
    }

    pub async fn recognise(&self) -> bool {
        let request = RequestId::new(self.at);
        let recognised = self
            .authenticator
            .authenticate(self.text(), self.source, request, self.at)
            .await;
        recognised.expect("a known key");
        true
    }

    pub async fn guess(&self) -> bool {
        let request = RequestId::new(self.at);
        self.authenticator
            .authenticate(self.foreign.expose(), self.source, request, self.at)
            .await
            .is_err()
    }
}
