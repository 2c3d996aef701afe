//! Two customer tenants and the platform, with one principal of each level and a live session each.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_kernel::{
    Clock, Level, PrincipalId, PrincipalKind, RequestId, SessionId, SystemClock, TenantId, Timestamp, UnitId, Uuid,
};
use keepgate_policy::{Credential, OpContext, Principal, Scopes, Standing};
use sqlx::PgConnection;

use super::TestDb;
use crate::{Begin, MemStore, PgStore, StoreError};

/// The fixed cast of a test.
#[derive(Debug, Clone, Copy)]
pub struct Ids {
    /// The platform tenant: levels 6 and 7.
    pub platform: TenantId,
    /// The tenant most cases play in: levels 1 to 5.
    pub tenant: TenantId,
    /// Another customer: levels 1 to 5.
    pub other: TenantId,
    /// The only unit of `tenant`.
    pub unit: UnitId,
    /// The only unit of `other`.
    pub other_unit: UnitId,
}

impl Ids {
    fn new(at: Timestamp) -> Self {
        let (platform, tenant, other) = (TenantId::new(at), TenantId::new(at), TenantId::new(at));
        Self {
            platform,
            tenant,
            other,
            unit: UnitId::new(at),
            other_unit: UnitId::new(at),
        }
    }

    /// The principal of `level` in `tenant`; the same numbers every time.
    #[must_use]
    pub fn principal(&self, tenant: TenantId, level: Level) -> PrincipalId {
        PrincipalId::from_parts(PrincipalKind::User, Self::derived(tenant, level, 1))
    }

    fn session(tenant: TenantId, level: Level) -> SessionId {
        SessionId::from_uuid(Self::derived(tenant, level, 2))
    }

    fn derived(tenant: TenantId, level: Level, what: u128) -> Uuid {
        Uuid::from_u128(tenant.uuid().as_u128() ^ (u128::from(level.number()) << 8) ^ (what << 16))
    }

    fn unit_of(&self, tenant: TenantId, level: Level) -> Option<UnitId> {
        level.needs_unit().then_some(if tenant == self.other {
            self.other_unit
        } else {
            self.unit
        })
    }

    fn cast(&self) -> Vec<(TenantId, Level)> {
        let home = |level: &Level| {
            if level.is_platform() {
                vec![self.platform]
            } else {
                vec![self.tenant, self.other]
            }
        };
        Level::ALL
            .iter()
            .flat_map(|level| home(level).into_iter().map(|tenant| (tenant, *level)))
            .collect()
    }
}

/// A store and its cast. `T` is the transaction type of the suite.
pub struct World<T: ?Sized> {
    store: Arc<dyn Begin<T>>,
    /// The cast.
    pub ids: Ids,
    /// The instant the test began.
    pub now: Timestamp,
}

impl<T: ?Sized + 'static> World<T> {
    /// A world in memory.
    #[must_use]
    pub fn memory() -> Self
    where
        MemStore: Begin<T>,
    {
        let now = SystemClock.now();
        Self {
            store: Arc::new(MemStore::new()),
            ids: Ids::new(now),
            now,
        }
    }

    /// The same world in `db`.
    pub async fn postgres(db: &TestDb) -> Self
    where
        PgStore: Begin<T>,
    {
        let now = SystemClock.now();
        let ids = Ids::new(now);
        let mut admin = db.admin().await;
        seed(&mut admin, &ids).await.expect("the cast enters");
        Self {
            store: Arc::new(db.store()),
            ids,
            now,
        }
    }

    /// The same, where workers are those of the log-in: they come in as `kg_auth`.
    pub async fn postgres_with_front(db: &TestDb) -> Self
    where
        PgStore: Begin<T>,
    {
        Self {
            store: Arc::new(FrontAndApp::of(db)),
            ..Self::postgres(db).await
        }
    }

    /// A transaction as `context`.
    pub async fn begin(&self, context: &OpContext) -> Box<T> {
        self.store.begin(context).await.expect("a transaction begins")
    }

    /// The store itself, for cases about beginning.
    #[must_use]
    pub fn store(&self) -> Arc<dyn Begin<T>> {
        self.store.clone()
    }

    /// The member of the cast with `level`, in the tenant where most cases play (or the platform's).
    #[must_use]
    pub fn caller(&self, level: Level) -> OpContext {
        let tenant = if level.is_platform() {
            self.ids.platform
        } else {
            self.ids.tenant
        };
        self.caller_in(tenant, level)
    }

    /// The member of the cast with `level` in the other customer's tenant.
    #[must_use]
    pub fn stranger(&self, level: Level) -> OpContext {
        self.caller_in(self.ids.other, level)
    }

    /// Keepgate's own worker in the tenant where most cases play.
    #[must_use]
    pub fn worker(&self) -> OpContext {
        OpContext::system(self.ids.tenant, RequestId::new(self.now), self.now)
    }

    #[expect(clippy::disallowed_methods, reason = "the cast is authenticated by construction")]
    fn caller_in(&self, tenant: TenantId, level: Level) -> OpContext {
        let principal = Principal {
            id: self.ids.principal(tenant, level),
            tenant,
            standing: Standing::Level(level),
            unit: self.ids.unit_of(tenant, level),
            scopes: Scopes::All,
            hat: None,
        };
        let session = Credential::Session(Ids::session(tenant, level));
        OpContext::authenticated(
            principal,
            session,
            Some(keepgate_policy::Assurance {
                at: self.now,
                factors: keepgate_policy::Factors::Two,
            }),
            None,
            RequestId::new(self.now),
            self.now,
        )
    }
}

/// People as `kg_app`, workers as `kg_auth`: a service whose only workers are those of the log-in.
#[derive(Debug)]
pub struct FrontAndApp {
    app: PgStore,
    front: PgStore,
}

impl FrontAndApp {
    /// Both stores of `db`.
    #[must_use]
    pub fn of(db: &TestDb) -> Self {
        Self {
            app: db.store(),
            front: db.front_store(),
        }
    }
}

#[async_trait]
impl<T: ?Sized + 'static> Begin<T> for FrontAndApp
where
    PgStore: Begin<T>,
{
    async fn begin(&self, context: &OpContext) -> Result<Box<T>, StoreError> {
        let worker = matches!(context.principal().standing, Standing::System);
        Begin::begin(if worker { &self.front } else { &self.app }, context).await
    }
}

impl<T: ?Sized> std::fmt::Debug for World<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("World").field("ids", &self.ids).finish_non_exhaustive()
    }
}

/// Writes the cast as a superuser with the guards down, in one transaction.
async fn seed(admin: &mut PgConnection, ids: &Ids) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(
        "begin; create temp table guards on commit drop as select tgrelid::regclass::text as t, tgname as n, tgenabled as e from pg_trigger
           where not tgisinternal and tgrelid = any ('{rbac.role_assignment,rbac.principal,rbac.tenant,rbac.unit,identity.session}'::regclass[]);
         alter table rbac.role_assignment disable trigger all; alter table rbac.principal disable trigger all;
         alter table rbac.tenant disable trigger all; alter table rbac.unit disable trigger all; alter table identity.session disable trigger all",
    )
    .execute(&mut *admin)
    .await?;
    for (tenant, kind) in [
        (ids.platform, "platform"),
        (ids.tenant, "customer"),
        (ids.other, "customer"),
    ] {
        sqlx::query("insert into rbac.tenant (id, name, kind) values ($1, $2, $2)")
            .bind(tenant.uuid())
            .bind(kind)
            .execute(&mut *admin)
            .await?;
    }
    for (tenant, unit) in [(ids.tenant, ids.unit), (ids.other, ids.other_unit)] {
        sqlx::query("insert into rbac.unit (tenant_id, id, name) values ($1, $2, 'main')")
            .bind(tenant.uuid())
            .bind(unit.uuid())
            .execute(&mut *admin)
            .await?;
    }
    for (tenant, level) in ids.cast() {
        member(admin, ids, tenant, level).await?;
    }
    sqlx::raw_sql(
        "do $$ declare g record; begin for g in select * from guards loop
           execute format('alter table %s enable %s trigger %I', g.t, case g.e when 'A' then 'always' else '' end, g.n);
         end loop; end $$; commit",
    )
    .execute(admin)
    .await?;
    Ok(())
}

async fn member(admin: &mut PgConnection, ids: &Ids, tenant: TenantId, level: Level) -> Result<(), sqlx::Error> {
    let (id, number) = (ids.principal(tenant, level).uuid(), i16::from(level.number()));
    sqlx::query("insert into rbac.principal (tenant_id, id, kind, email) values ($1, $2, 'user', $3)")
        .bind(tenant.uuid())
        .bind(id)
        .bind(format!("{}@example.org", level.name()))
        .execute(&mut *admin)
        .await?;
    sqlx::query("insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id) values ($1, $2, $3, $4)")
        .bind(tenant.uuid())
        .bind(id)
        .bind(number)
        .bind(ids.unit_of(tenant, level).map(UnitId::uuid))
        .execute(&mut *admin)
        .await?;
    sqlx::query("insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ($1, $2, $3, $4, 0, now() + interval '7 hours')")
        .bind(tenant.uuid())
        .bind(Ids::session(tenant, level).uuid())
        .bind(id)
        .bind(number)
        .execute(admin)
        .await?;
    Ok(())
}
