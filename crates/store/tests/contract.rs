//! What both backends promise about a transaction, whatever its tables hold.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "cases of a contract fail loudly"
)]
use async_trait::async_trait;
use keepgate_kernel::Level;
use keepgate_store::{
    MemTx, PgTx, StoreError,
    testing::{TestTx, World},
};

/// A scratch port on a table that exists in both worlds: the status of one's own tenant's unit list is too small a
/// thing to matter, so the suite renames principals.
#[async_trait]
trait Names: Send {
    async fn rename(&mut self, level: Level, name: &str) -> Result<bool, StoreError>;
    async fn name(&mut self, level: Level) -> Result<Option<String>, StoreError>;
}

trait Tx: TestTx + Names {}
impl<T: TestTx + Names> Tx for T {}

type Table = std::collections::BTreeMap<(keepgate_kernel::TenantId, Level), String>;

#[async_trait]
impl Names for MemTx {
    async fn rename(&mut self, level: Level, name: &str) -> Result<bool, StoreError> {
        let tenant = keepgate_store::Transaction::context(self).tenant();
        self.write::<Table>().insert((tenant, level), name.to_owned());
        Ok(true)
    }
    async fn name(&mut self, level: Level) -> Result<Option<String>, StoreError> {
        let tenant = keepgate_store::Transaction::context(self).tenant();
        Ok(self
            .read::<Table>()
            .and_then(|table| table.get(&(tenant, level)).cloned()))
    }
}

#[async_trait]
impl Names for PgTx {
    async fn rename(&mut self, level: Level, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query("update rbac.principal set display_name = $2 where email = $1")
            .bind(format!("{}@example.org", level.name()))
            .bind(name)
            .execute(self.conn())
            .await?;
        Ok(done.rows_affected() == 1)
    }
    async fn name(&mut self, level: Level) -> Result<Option<String>, StoreError> {
        Ok(
            sqlx::query_scalar("select display_name from rbac.principal where email = $1")
                .bind(format!("{}@example.org", level.name()))
                .fetch_one(self.conn())
                .await?,
        )
    }
}

async fn a_commit_is_seen_by_the_next_transaction(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    assert!(tx.rename(Level::Operator, "Ann").await.unwrap());
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        world
            .begin(&admin)
            .await
            .name(Level::Operator)
            .await
            .unwrap()
            .as_deref(),
        Some("Ann")
    );
}

async fn a_dropped_transaction_leaves_nothing(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    tx.rename(Level::Operator, "Ann").await.unwrap();
    tx.mark().await.unwrap();
    drop(tx);
    assert_eq!(world.begin(&admin).await.name(Level::Operator).await.unwrap(), None);
}

async fn an_unaudited_change_cannot_commit(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    tx.rename(Level::Operator, "Ann").await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Unaudited)));
    assert_eq!(world.begin(&admin).await.name(Level::Operator).await.unwrap(), None);
}

async fn an_entry_of_an_earlier_transaction_does_not_count(world: &World<dyn Tx>) {
    let admin = world.caller(Level::TenantAdmin);
    let mut tx = world.begin(&admin).await;
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin(&admin).await;
    tx.rename(Level::Operator, "Ann").await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Unaudited)));
}

async fn a_tenant_sees_only_itself(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    tx.rename(Level::Operator, "Ann").await.unwrap();
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
    let mut tx = world.begin(&world.stranger(Level::TenantAdmin)).await;
    assert_eq!(tx.name(Level::Operator).await.unwrap(), None);
}

async fn reading_needs_no_entry(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    tx.name(Level::Operator).await.unwrap();
    tx.commit().await.unwrap();
}

keepgate_store::contract!(dyn Tx;
    a_commit_is_seen_by_the_next_transaction,
    a_dropped_transaction_leaves_nothing,
    an_unaudited_change_cannot_commit,
    an_entry_of_an_earlier_transaction_does_not_count,
    a_tenant_sees_only_itself,
    reading_needs_no_entry,
);
