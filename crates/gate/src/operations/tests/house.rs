//! A service in memory or on PostgreSQL with one person of each level, all of whom came in the regular way.
use std::{collections::BTreeMap, sync::Arc};

use keepgate_crypto_keys::MemoryKeys;
use keepgate_identity::{
    ApiKeyFormat, Authenticator, BucketKey, EnrolmentCode, Entered, Environment, FrontDesk, Hasher, KeyRing, LoggedIn,
    LoginForm, RevocationMirror, Tokens,
    genesis::{self, Names, Secrets},
    memory,
    passkey::RelyingParty,
    postgres,
};
use keepgate_kernel::{Clock, Level, RequestId, SystemClock, TenantId, Timestamp};
use keepgate_policy::{Command, Credential, ErrorKind, OpContext, Principal, Scopes, Standing};
use keepgate_store::{Begin, MemStore, testing::TestDb};

use crate::{
    Failure, SecondDesk, Service, Tx, Vault,
    operations::{CreateUser, UserCreated},
};

pub const ORIGIN: &str = "https://gate.example.org";
pub const PASSWORD: &str = "violet-harbour-7";

pub struct House {
    pub gate: Service,
    pub front: Service,
    pub mfa: SecondDesk,
    pub desk: FrontDesk<dyn Tx>,
    pub authenticator: Authenticator<dyn Tx>,
    pub format: Arc<ApiKeyFormat>,
    pub hasher: Hasher,
    pub tenant: TenantId,
    /// The second global admin.
    pub second: OpContext,
    callers: BTreeMap<Level, OpContext>,
}

/// Lists the cases of a file for both adapters.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() { super::$case(&$crate::operations::tests::house::House::memory().await).await; }
        )+ }
        mod postgres { $(
            #[tokio::test]
            async fn $case() {
                let db = keepgate_store::testing::TestDb::new().await;
                super::$case(&$crate::operations::tests::house::House::postgres(&db).await).await;
                db.drop().await;
            }
        )+ }
    };
}
pub(super) use cases;

pub fn now() -> Timestamp {
    SystemClock.now()
}

impl House {
    pub async fn memory() -> Self {
        let (plan, secrets) = Self::plan().await;
        let store = MemStore::new().with_door(memory::door);
        memory::genesis(&store, &plan).await.unwrap();
        let (second, code) = Self::second();
        memory::appoint_second(&store, &second).await.unwrap();
        let store = Arc::new(store);
        Self::open(store.clone(), store, secrets, &code).await
    }

    pub async fn postgres(db: &TestDb) -> Self {
        let (plan, secrets) = Self::plan().await;
        postgres::genesis(&mut db.admin().await, &plan).await.unwrap();
        let (second, code) = Self::second();
        postgres::appoint_second(&mut db.admin().await, &second).await.unwrap();
        Self::open(Arc::new(db.store()), Arc::new(db.front_store()), secrets, &code).await
    }

    fn second() -> (genesis::SecondPlan, EnrolmentCode) {
        genesis::second("second@platform.invalid".parse().unwrap(), now()).unwrap()
    }

    fn format() -> ApiKeyFormat {
        ApiKeyFormat::new(Environment::Test, &[6; 32])
    }

    async fn plan() -> (genesis::Plan, Secrets) {
        genesis::plan(Names::standard().unwrap(), now(), &Self::format(), &Hasher::new(2))
            .await
            .unwrap()
    }

    async fn open(
        app: Arc<dyn Begin<dyn Tx>>,
        store: Arc<dyn Begin<dyn Tx>>,
        secrets: Secrets,
        second: &EnrolmentCode,
    ) -> Self {
        let (platform, hasher, format) = (secrets.platform_tenant, Hasher::new(2), Arc::new(Self::format()));
        let tokens = Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).unwrap(), "kg", "kg"));
        let gate = Service::new(
            app.clone(),
            Arc::new(SystemClock),
            Vault::new(Arc::new(MemoryKeys::generate().unwrap())),
        );
        let mut house = Self {
            mfa: SecondDesk::new(gate.over(store.clone()), platform, Arc::new(BucketKey::new(&[1; 32])))
                .with_passkeys(Some(RelyingParty::new("gate.example.org", ORIGIN))),
            front: gate.over(store.clone()),
            gate,
            desk: FrontDesk::new(
                store.clone(),
                platform,
                hasher.clone(),
                Arc::new(BucketKey::new(&[1; 32])),
            ),
            authenticator: Authenticator::new(store, platform, tokens, format.clone(), hasher.clone())
                .unwrap()
                .with_view(Arc::new(RevocationMirror::new()), app.clone()),
            format,
            hasher,
            tenant: secrets.tenant,
            second: OpContext::system(platform, RequestId::new(now()), now()),
            callers: BTreeMap::new(),
        };
        house.second = context(&house.enrol(second).await);
        for (level, code) in [
            (Level::GlobalAdmin, &secrets.platform_enrolment),
            (Level::TenantOwner, &secrets.owner_enrolment),
        ] {
            let opened = house.enrol(code).await;
            house.callers.insert(level, context(&opened));
        }
        for (level, by) in [
            (Level::PlatformOperator, Level::GlobalAdmin),
            (Level::TenantAdmin, Level::TenantOwner),
            (Level::Supervisor, Level::TenantAdmin),
            (Level::Operator, Level::TenantAdmin),
            (Level::FieldAgent, Level::TenantAdmin),
        ] {
            let created = house.create(by, &format!("{level}@example.org"), level).await;
            let opened = house.enrol(&created.code).await;
            house.callers.insert(level, context(&opened));
        }
        house
    }

    /// The person of `level`.
    pub fn caller(&self, level: Level) -> OpContext {
        self.callers[&level].clone()
    }

    pub async fn enrol(&self, code: &EnrolmentCode) -> LoggedIn {
        let prepared = self
            .desk
            .enrol(code.expose(), PASSWORD.into(), RequestId::new(now()), None, now())
            .await
            .unwrap();
        self.front
            .perform_for(&prepared.context, prepared.actor, &prepared.command)
            .await
            .unwrap()
            .output
            .session()
            .copied()
            .unwrap()
    }

    pub async fn log_in(&self, email: &str) -> Result<LoggedIn, ErrorKind> {
        let entered = self.log_in_at(email, now()).await?;
        Ok(*entered.session().expect("no second factor is asked for"))
    }

    /// The first half of a log-in at the instant `at`.
    pub async fn log_in_at(&self, email: &str, at: Timestamp) -> Result<Entered, ErrorKind> {
        self.log_in_with(email, PASSWORD, at).await
    }

    pub async fn log_in_with(&self, email: &str, password: &str, at: Timestamp) -> Result<Entered, ErrorKind> {
        let mut prepared = self
            .desk
            .login(
                &LoginForm {
                    email,
                    password: &password.into(),
                    tenant: None,
                    device: None,
                },
                RequestId::new(at),
                None,
                at,
            )
            .await
            .unwrap();
        self.mfa.ready_login(&mut prepared).await.unwrap();
        let done = self
            .front
            .perform_for(&prepared.context, prepared.actor, &prepared.command)
            .await;
        done.map(|done| done.output).map_err(|failure| failure.kind())
    }

    pub async fn behind<C: Command<dyn Tx>>(&self, context: &OpContext, command: &C) -> Result<C::Output, ErrorKind> {
        let done = self.gate.perform_behind(&self.front, context, command).await;
        done.map(|done| done.output)
            .map_err(|failure: Failure<C::Error>| failure.kind())
    }

    pub async fn create(&self, by: Level, email: &str, level: Level) -> UserCreated {
        let command = CreateUser::new(email.parse().unwrap(), level, now()).unwrap();
        self.perform(&self.caller(by), &command).await.unwrap()
    }

    pub async fn perform<C: Command<dyn Tx>>(&self, context: &OpContext, command: &C) -> Result<C::Output, ErrorKind> {
        let done = self.gate.perform(context, command).await;
        done.map(|done| done.output)
            .map_err(|failure: Failure<C::Error>| failure.kind())
    }

    /// Whether the credential of `context` is still let in.
    pub async fn enters(&self, context: &OpContext) -> bool {
        self.gate.store().begin(context).await.is_ok()
    }
}

/// Whoever has just been let in.
pub fn context(opened: &LoggedIn) -> OpContext {
    let standing = Standing::Level(opened.level);
    let principal = Principal {
        id: opened.principal,
        tenant: opened.tenant,
        standing,
        unit: opened.unit,
        scopes: Scopes::All,
        hat: opened.hat,
    };
    entered(principal, Credential::Session(opened.session))
}

#[expect(clippy::disallowed_methods, reason = "a test is its own gateway")]
pub fn entered(principal: Principal, credential: Credential) -> OpContext {
    OpContext::authenticated(
        principal,
        credential,
        Some(keepgate_policy::Assurance {
            at: now(),
            factors: keepgate_policy::Factors::Two,
        }),
        None,
        RequestId::new(now()),
        now(),
    )
}
