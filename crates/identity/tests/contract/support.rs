//! The cast with sessions behind the door, and what arranging needs.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_identity::{
    AccessReview, ApiKeys, Devices, Enrolments, Entered, Homes, ImportedKeys, LoggedIn, Mails, NewApiKey, NewPrincipal,
    Passwords, Phc, Principals, Resets, Revocations, SecondFactors, Sessions, SigningKeys, TenantPolicies, Throttle,
    memory::{GrantRows, PrincipalRow, PrincipalRows, SessionRow, SessionRows, TenantRows, UnitRows, door},
};
use keepgate_kernel::{KeyId, Level, PrincipalId, PrincipalKind, RequestId, TenantId, UnitId};
use keepgate_policy::{
    Authorized, Command, Credential, Grant, OpContext, Plane, Principal, ReachProof, Standing, Target, Tenant,
    TenantStatus, Unit, authorize, permissions::UserDelete, reach,
};
use keepgate_store::{
    Begin, MemStore, MemTx, PgStore, PgTx, StoreError, Transaction,
    testing::{Ids, TestTx, World},
};

/// What arranging needs, and the product must not have.
#[async_trait]
pub trait Arrange: Send {
    /// Writes the cast where the world did not.
    async fn cast(&mut self, ids: &Ids, members: &[OpContext]) -> Result<(), StoreError>;
    /// Gives a level without a proof, in the name of the transaction's caller.
    async fn give(
        &mut self,
        tenant: TenantId,
        to: PrincipalId,
        level: Level,
        unit: Option<UnitId>,
    ) -> Result<(), StoreError>;
    /// Suspends a tenant.
    async fn suspend(&mut self, tenant: TenantId) -> Result<(), StoreError>;
}

pub trait Tx:
    TestTx
    + Principals
    + AccessReview
    + Devices
    + Passwords
    + Enrolments
    + Sessions
    + Revocations
    + SigningKeys
    + SecondFactors
    + TenantPolicies
    + ApiKeys
    + ImportedKeys
    + Throttle
    + Mails
    + Resets
    + Homes
    + Arrange
{
}
impl<T> Tx for T where
    T: TestTx
        + Principals
        + AccessReview
        + Devices
        + Passwords
        + Enrolments
        + SecondFactors
        + Sessions
        + TenantPolicies
        + Revocations
        + SigningKeys
        + ApiKeys
        + ImportedKeys
        + Throttle
        + Mails
        + Resets
        + Homes
        + Arrange
{
}

/// An empty store lets the cast in; from then on the door stands.
fn door_once_seeded(tx: &MemTx, context: &OpContext) -> Result<(), StoreError> {
    if tx.read::<TenantRows>().is_some() {
        door(tx, context)
    } else {
        Ok(())
    }
}

#[async_trait]
impl Begin<dyn Tx> for MemStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(MemStore::begin(
            &self.clone().with_door(door_once_seeded),
            context,
        )?))
    }
}

#[async_trait]
impl Begin<dyn Tx> for PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(PgStore::begin(self, context).await?))
    }
}

#[async_trait]
impl Arrange for MemTx {
    async fn cast(&mut self, ids: &Ids, members: &[OpContext]) -> Result<(), StoreError> {
        for (id, plane) in [
            (ids.platform, Plane::Platform),
            (ids.tenant, Plane::Customer),
            (ids.other, Plane::Customer),
        ] {
            let created_at = self.context().at();
            let tenant = Tenant {
                id,
                name: plane.as_str().into(),
                plane,
                status: TenantStatus::Active,
                created_at,
            };
            self.write::<TenantRows>().insert_mut(id, tenant);
        }
        for (tenant, id) in [(ids.tenant, ids.unit), (ids.other, ids.other_unit)] {
            self.write::<UnitRows>().insert_mut(
                (tenant, id),
                Unit {
                    id,
                    name: "main".into(),
                },
            );
        }
        for member in members {
            add_member(self, member);
        }
        Ok(())
    }

    async fn give(
        &mut self,
        tenant: TenantId,
        to: PrincipalId,
        level: Level,
        unit: Option<UnitId>,
    ) -> Result<(), StoreError> {
        let by = Some(self.context().principal().id.uuid());
        self.write::<GrantRows>().insert_mut(
            (tenant, to.uuid()),
            Grant {
                level,
                unit,
                hat: None,
                by,
                revoked: false,
            },
        );
        Ok(())
    }

    async fn suspend(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        if let Some(row) = self.write::<TenantRows>().get_mut(&tenant) {
            row.status = TenantStatus::Suspended;
        }
        Ok(())
    }
}

fn add_member(tx: &mut MemTx, member: &OpContext) {
    let (principal, at) = (member.principal(), member.at());
    let (Standing::Level(level), Credential::Session(session)) = (principal.standing, member.credential()) else {
        panic!("the cast has levels and sessions")
    };
    let row = PrincipalRow {
        id: principal.id,
        email: Some(format!("{}@example.org", level.name()).parse().expect("an address")),
        display_name: None,
        status: keepgate_identity::PrincipalStatus::Active,
        epoch: 0,
        created_at: at,
    };
    let key = (principal.tenant, principal.id.uuid());
    tx.write::<PrincipalRows>().insert_mut(key, row);
    tx.write::<GrantRows>().insert_mut(
        key,
        Grant {
            level,
            unit: principal.unit,
            hat: None,
            by: None,
            revoked: false,
        },
    );
    let expires_at = at + TimeDelta::hours(7);
    let row = SessionRow {
        principal: principal.id,
        level,
        epoch: 0,
        created_at: at,
        expires_at,
        revoked: false,
    };
    tx.write::<SessionRows>().insert_mut((principal.tenant, session), row);
}

#[async_trait]
impl Arrange for PgTx {
    async fn cast(&mut self, _ids: &Ids, _members: &[OpContext]) -> Result<(), StoreError> {
        Ok(())
    }

    async fn give(
        &mut self,
        tenant: TenantId,
        to: PrincipalId,
        level: Level,
        unit: Option<UnitId>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by)
             values ($1, $2, $3, $4, (select gate.subject()))
             on conflict (tenant_id, principal_id) do update
               set level = excluded.level, unit_id = excluded.unit_id, granted_by = excluded.granted_by",
        )
        .bind(tenant.uuid())
        .bind(to.uuid())
        .bind(i16::from(level.number()))
        .bind(unit.map(UnitId::uuid))
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn suspend(&mut self, tenant: TenantId) -> Result<(), StoreError> {
        sqlx::query("update rbac.tenant set status = 'suspended' where id = $1")
            .bind(tenant.uuid())
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

/// Lists the cases of a file for both adapters. Each begins with the cast in place.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                let world = keepgate_store::testing::World::<dyn $crate::support::Tx>::memory();
                $crate::support::seed(&world).await;
                super::$case(&world).await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test]
            async fn $case() {
                let db = keepgate_store::testing::TestDb::new().await;
                super::$case(&keepgate_store::testing::World::<dyn $crate::support::Tx>::postgres_with_front(&db).await).await;
                db.drop().await;
            }
        )+ }
    };
}
pub(crate) use cases;

pub async fn seed(world: &World<dyn Tx>) {
    let customers = Level::ALL.into_iter().filter(|level| !level.is_platform());
    let members: Vec<OpContext> = Level::ALL
        .into_iter()
        .map(|level| world.caller(level))
        .chain(customers.map(|level| world.stranger(level)))
        .collect();
    let mut tx = world.begin(&world.worker()).await;
    tx.cast(&world.ids, &members).await.expect("the cast enters");
    done(tx).await;
}

/// Commits what a case did, with an entry.
pub async fn done(tx: Box<dyn Tx>) {
    settle(tx).await.expect("a marked transaction commits");
}

/// The same, where a conflict is part of the case.
#[expect(clippy::disallowed_methods, reason = "a case is its own doorway")]
pub async fn settle(mut tx: Box<dyn Tx>) -> Result<(), StoreError> {
    tx.mark().await?;
    tx.commit().await
}

/// Commits without an entry.
#[expect(clippy::disallowed_methods, reason = "a case is its own doorway")]
pub async fn done_unmarked(tx: Box<dyn Tx>) -> Result<(), StoreError> {
    tx.commit().await
}

/// The session that a log-in or enrolment opened at once.
pub fn at_once(entered: Entered) -> LoggedIn {
    *entered.session().expect("no second factor is asked for")
}

/// Runs `command` as the doorway would.
pub async fn perform<C: Command<dyn Tx>>(
    world: &World<dyn Tx>,
    context: &OpContext,
    command: &C,
) -> Result<C::Output, C::Error> {
    let proof: Authorized<C::Permission> = authorize(context).expect("the policy permits it");
    let mut tx = world.begin(context).await;
    let output = command.run(&proof, &mut *tx).await?;
    done(tx).await;
    Ok(output)
}

/// Keepgate's own worker in `tenant`.
pub fn worker(world: &World<dyn Tx>, tenant: TenantId) -> OpContext {
    OpContext::system(tenant, RequestId::new(world.now), world.now)
}

/// A caller with another credential, standing or time.
#[expect(
    clippy::disallowed_methods,
    reason = "a case makes the callers it needs, honest and lying"
)]
pub fn with(caller: &OpContext, change: impl FnOnce(&mut Principal), credential: Credential) -> OpContext {
    let mut principal = caller.principal().clone();
    change(&mut principal);
    OpContext::authenticated(
        principal,
        credential,
        caller.assurance(),
        None,
        caller.request(),
        caller.at(),
    )
}

/// `caller`, claiming another level.
pub fn lying(caller: &OpContext, level: Level) -> OpContext {
    with(
        caller,
        |principal| principal.standing = Standing::Level(level),
        caller.credential(),
    )
}

/// The proof that `caller` reaches `target`, minted for the level it claims.
pub fn reaching(caller: &OpContext, target: PrincipalId) -> ReachProof {
    let target = Target {
        principal: target,
        tenant: caller.tenant(),
        present: None,
    };
    reach(&authorize::<UserDelete>(caller).expect("a proof"), target).expect("within reach")
}

/// The same, whatever `caller` may be: what a bug in the service could hand to a port.
pub fn claimed(caller: &OpContext, target: PrincipalId) -> ReachProof {
    reaching(&lying(caller, Level::TenantOwner), target)
}

/// The member of the cast with `level` in the main tenant.
pub fn member(world: &World<dyn Tx>, level: Level) -> PrincipalId {
    world.caller(level).principal().id
}

/// A new user of the main tenant with `level`, made by the owner.
pub async fn user(world: &World<dyn Tx>, email: &str, level: Level) -> PrincipalId {
    user_in(world, &world.caller(Level::TenantOwner), email, level).await
}

/// A new user of the tenant of `owner`.
pub async fn user_in(world: &World<dyn Tx>, owner: &OpContext, email: &str, level: Level) -> PrincipalId {
    let id = PrincipalId::new(PrincipalKind::User, world.now);
    let unit = if owner.tenant() == world.ids.other {
        world.ids.other_unit
    } else {
        world.ids.unit
    };
    let mut tx = world.begin(owner).await;
    let new = NewPrincipal {
        id,
        tenant: owner.tenant(),
        email: Some(email.parse().expect("an address")),
        display_name: None,
    };
    assert!(
        tx.add_principal(&new).await.expect("a user enters"),
        "the address is free"
    );
    tx.give(owner.tenant(), id, level, level.needs_unit().then_some(unit))
        .await
        .expect("a level is given");
    done(tx).await;
    id
}

/// A service of the main tenant with `level`, made by the owner, and its key: as the record the store keeps, with a verifier that
/// stands for `secret`.
pub async fn key(world: &World<dyn Tx>, level: Level, change: impl FnOnce(&mut NewApiKey)) -> NewApiKey {
    key_of(world, &world.caller(Level::TenantOwner), level, change).await
}

/// The same, made and owned by `owner`.
pub async fn key_of(
    world: &World<dyn Tx>,
    owner: &OpContext,
    level: Level,
    change: impl FnOnce(&mut NewApiKey),
) -> NewApiKey {
    let phc = Phc::parse(PHC.into()).expect("a verifier");
    let service = PrincipalId::new(PrincipalKind::Service, world.now);
    let mut new = NewApiKey {
        id: KeyId::new(world.now),
        service,
        name: "robot".into(),
        phc,
        scopes: None,
        // Below level 5 a key has an end.
        expires_at: (owner.principal().level() < Some(Level::TenantOwner)).then(|| world.now + TimeDelta::days(90)),
        allowed_cidrs: None,
    };
    change(&mut new);
    let mut tx = world.begin(owner).await;
    let principal = NewPrincipal {
        id: service,
        tenant: owner.tenant(),
        email: None,
        display_name: None,
    };
    assert!(tx.add_principal(&principal).await.expect("a service enters"));
    tx.give(
        owner.tenant(),
        service,
        level,
        level.needs_unit().then_some(world.ids.unit),
    )
    .await
    .expect("a level is given");
    assert!(
        tx.add_api_key(&claimed(owner, service), &new)
            .await
            .expect("a key is put on record")
    );
    done(tx).await;
    new
}

/// A verifier that no secret of a test has.
pub const PHC: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";

/// A caller that came with `key`.
pub fn bearing(world: &World<dyn Tx>, key: &NewApiKey, level: Level) -> OpContext {
    let unit = level.needs_unit().then_some(world.ids.unit);
    let standing = Standing::Level(level);
    let change = |principal: &mut Principal| {
        *principal = Principal {
            id: key.service,
            standing,
            unit,
            ..principal.clone()
        }
    };
    with(&world.caller(Level::TenantOwner), change, Credential::ApiKey(key.id))
}
