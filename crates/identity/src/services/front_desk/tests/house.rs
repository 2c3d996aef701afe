//! A desk with one customer, one person in it, and a count of what was done.
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp};
use keepgate_policy::{Command, Grant, OpContext, Plane, Tenant, TenantStatus, authorize};
use keepgate_store::{Begin, MemStore, MemTx, StoreError, Transaction};
use secrecy::{ExposeSecret, SecretString};

use super::super::{FrontDesk, LoginForm};
use crate::{
    BucketKey, Cost, Enrolments, Hasher, Homes, LoggedIn, LoginError, Passwords, PrincipalStatus, Resets,
    SecondFactors, Sessions, Throttle,
    memory::{GrantRows, PasswordRows, PrincipalRow, PrincipalRows, TenantRows, door},
};

pub const PASSWORD: &str = "violet-harbour-7";
pub const VICTIM: &str = "ann@example.org";

pub trait Tx: Transaction + Enrolments + Homes + Passwords + Resets + SecondFactors + Throttle + Sessions {
    fn mark(&mut self);
}

impl Tx for MemTx {
    fn mark(&mut self) {
        self.mark_audited();
    }
}

struct Counted {
    store: MemStore,
    begun: Arc<AtomicUsize>,
}

#[async_trait]
impl Begin<dyn Tx> for Counted {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        self.begun.fetch_add(1, Relaxed);
        Ok(Box::new(self.store.begin(context)?))
    }
}

pub struct House {
    pub desk: FrontDesk<dyn Tx>,
    store: Arc<Counted>,
    hasher: Hasher,
    key: Arc<BucketKey>,
    platform: TenantId,
    pub start: Timestamp,
}

impl House {
    #[expect(clippy::disallowed_methods, reason = "the house is built in one transaction")]
    pub async fn of_cost(cost: Cost) -> Self {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let (platform, tenant) = (TenantId::new(start), TenantId::new(start));
        let hasher = Hasher::of_cost(2, cost);
        let victim = PrincipalId::new(PrincipalKind::User, start);
        let phc = hasher.hash(&PASSWORD.into()).await.unwrap();
        let store = MemStore::new();
        let mut tx = store
            .begin(&OpContext::system(platform, RequestId::new(start), start))
            .unwrap();
        for (id, plane) in [(platform, Plane::Platform), (tenant, Plane::Customer)] {
            let row = Tenant {
                id,
                name: plane.as_str().into(),
                plane,
                status: TenantStatus::Active,
                created_at: start,
            };
            tx.write::<TenantRows>().insert_mut(id, row);
        }
        let place = (tenant, victim.uuid());
        let row = PrincipalRow {
            id: victim,
            email: Some(VICTIM.parse().unwrap()),
            display_name: None,
            status: PrincipalStatus::Active,
            epoch: 0,
            created_at: start,
        };
        tx.write::<PrincipalRows>().insert_mut(place, row);
        tx.write::<PasswordRows>().insert_mut(place, phc);
        let grant = Grant {
            level: Level::TenantAdmin,
            unit: None,
            hat: None,
            by: None,
            revoked: false,
        };
        tx.write::<GrantRows>().insert_mut(place, grant);
        tx.mark_audited();
        Box::new(tx).commit().await.unwrap();
        let store = Arc::new(Counted {
            store: store.with_door(door),
            begun: Arc::default(),
        });
        let key = Arc::new(BucketKey::new(&[1; 32]));
        Self {
            desk: FrontDesk::new(store.clone(), platform, hasher.clone(), key.clone()),
            store,
            hasher,
            key,
            platform,
            start,
        }
    }

    pub async fn cheap() -> Self {
        Self::of_cost(Cost {
            memory_kib: 8,
            passes: 1,
            lanes: 1,
        })
        .await
    }

    pub fn at(&self, seconds: i64) -> Timestamp {
        self.start + TimeDelta::seconds(seconds)
    }

    /// Transactions begun and passwords compared so far.
    pub fn work(&self) -> (usize, usize) {
        (self.store.begun.load(Relaxed), self.hasher.done.load(Relaxed))
    }

    /// Lets the strangers' counter of `email` begin anew.
    #[expect(clippy::disallowed_methods, reason = "the house is its own doorway")]
    pub async fn forgive(&self, email: &str) {
        let context = OpContext::system(self.platform, RequestId::new(self.start), self.start);
        let mut tx = self.store.begin(&context).await.unwrap();
        tx.forgive(&self.key.login(email)).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// Whether a request for a code would be acted on.
    pub async fn may_recover(&self, email: &str, source: &str, at: Timestamp) -> bool {
        let (request, source) = (RequestId::new(at), source.parse().unwrap());
        self.desk.may_recover(email, request, Some(source), at).await.unwrap()
    }

    /// What the log-in route does: prepare, perform, and on success the cookie.
    #[expect(clippy::disallowed_methods, reason = "the house is its own doorway")]
    pub async fn login(&self, visit: &Visit<'_>) -> Result<(LoggedIn, String), LoginError> {
        let (password, request) = (SecretString::from(visit.password), RequestId::new(visit.at));
        let form = LoginForm {
            email: visit.email,
            password: &password,
            tenant: None,
            device: visit.cookie,
        };
        let source: IpAddr = visit.source.parse().unwrap();
        let prepared = self.desk.login(&form, request, Some(source), visit.at).await.unwrap();
        let proof = authorize(&prepared.context).unwrap();
        let mut tx = self.store.begin(&prepared.context).await.unwrap();
        let session = *prepared
            .command
            .run(&proof, &mut *tx)
            .await?
            .session()
            .expect("no second factor is asked for");
        tx.mark();
        tx.commit().await.unwrap();
        let cookie = self.desk.device_cookie(&session, visit.email, visit.at).unwrap();
        Ok((session, cookie.0.expose_secret().to_owned()))
    }
}

/// One attempt to log in.
#[derive(Clone, Copy)]
pub struct Visit<'a> {
    pub email: &'a str,
    pub password: &'a str,
    pub cookie: Option<&'a str>,
    pub source: &'a str,
    pub at: Timestamp,
}
