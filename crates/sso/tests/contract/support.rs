//! The cast in memory, and newborn users.
use async_trait::async_trait;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind};
use keepgate_policy::{Grant, OpContext};
use keepgate_sso::{
    Issuer, Mapped, Mapping, NewAccount, Provider,
    memory::GrantRows,
    ports::{Accounts, DirectoryGroups, Links, Logins, Providers, ScimTokens},
};
use keepgate_store::{
    Begin, MemStore, MemTx, PgStore, PgTx, StoreError,
    testing::{Ids, TestTx, World},
};

/// What arranging needs, and the product must not have.
#[async_trait]
pub trait Arrange: Send {
    /// Writes the cast where the world did not.
    async fn cast(&mut self, ids: &Ids) -> Result<(), StoreError>;
    /// A user whom this transaction makes.
    async fn newborn(&mut self, id: PrincipalId) -> Result<(), StoreError>;
}

pub trait Tx: TestTx + Providers + Logins + Accounts + DirectoryGroups + Links + ScimTokens + Arrange {}
impl<T: TestTx + Providers + Logins + Accounts + DirectoryGroups + Links + ScimTokens + Arrange> Tx for T {}

#[async_trait]
impl Arrange for MemTx {
    async fn cast(&mut self, ids: &Ids) -> Result<(), StoreError> {
        for tenant in [ids.tenant, ids.other] {
            for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
                let grant = Grant {
                    level,
                    unit: level.needs_unit().then_some(ids.unit),
                    hat: None,
                    by: None,
                    revoked: false,
                };
                self.write::<GrantRows>()
                    .insert_mut((tenant, ids.principal(tenant, level).uuid()), grant);
            }
        }
        Ok(())
    }

    async fn newborn(&mut self, _id: PrincipalId) -> Result<(), StoreError> {
        Ok(()) // principals are the sibling's rows; the ports here don't look at them
    }
}

#[async_trait]
impl Arrange for PgTx {
    async fn cast(&mut self, _ids: &Ids) -> Result<(), StoreError> {
        Ok(())
    }

    async fn newborn(&mut self, id: PrincipalId) -> Result<(), StoreError> {
        sqlx::query("select gate.directory_add($1, $2, null)")
            .bind(id.uuid())
            .bind(format!("{id}@example.org"))
            .execute(self.conn())
            .await?;
        Ok(())
    }
}

/// Commits what a case did, with an entry.
#[expect(clippy::disallowed_methods, reason = "a case is its own doorway")]
pub async fn done(mut tx: Box<dyn Tx>) {
    tx.mark().await.expect("an entry is appended");
    tx.commit().await.expect("a marked transaction commits");
}

/// The cast, in either world.
pub async fn seeded(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    tx.cast(&world.ids).await.expect("the cast enters");
    done(tx).await;
}

/// A provider of the first tenant's owner.
pub fn provider(world: &World<dyn Tx>, name: &str, issuer: &str) -> Provider {
    let mapped = |level: Level, unit| Mapped {
        level: level.try_into().unwrap(),
        unit,
    };
    let groups = [
        ("desk".to_owned(), mapped(Level::Operator, Some(world.ids.unit))),
        ("it".to_owned(), mapped(Level::TenantAdmin, None)),
    ];
    Provider {
        name: name.parse().unwrap(),
        issuer: issuer.parse().unwrap(),
        client_id: "gw".into(),
        groups_claim: Some("groups".into()),
        mapping: Mapping::new(groups.into(), Some(Level::FieldAgent.try_into().unwrap())).unwrap(),
        jit: true,
        trust_mfa: false,
        configured_by: world.ids.principal(world.ids.tenant, Level::TenantOwner),
        updated_at: world.now,
    }
}

/// A user of an issuer.
pub fn account(world: &World<dyn Tx>, issuer: &Issuer, subject: &str) -> NewAccount {
    NewAccount {
        principal: PrincipalId::new(PrincipalKind::User, world.now),
        issuer: issuer.clone(),
        subject: Some(subject.into()),
        user_name: format!("{subject}@example.org"),
        external_id: Some(subject.into()),
        provisioned: false,
    }
}

#[async_trait]
impl Begin<dyn Tx> for MemStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context)?))
    }
}

#[async_trait]
impl Begin<dyn Tx> for PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}

/// Lists the cases of a file for both adapters; in PostgreSQL workers come in by `$world`: as those of the log-in
/// (`postgres_with_front`), or as the service's own (`postgres`).
macro_rules! cases {
    ($world:ident: $($case:ident),+ $(,)?) => {
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                super::$case(&keepgate_store::testing::World::<dyn $crate::support::Tx>::memory()).await;
            }
        )+ }
        mod postgres { $(
            #[tokio::test]
            async fn $case() {
                let db = keepgate_store::testing::TestDb::new().await;
                super::$case(&keepgate_store::testing::World::<dyn $crate::support::Tx>::$world(&db).await).await;
                db.drop().await;
            }
        )+ }
    };
}
pub(crate) use cases;
