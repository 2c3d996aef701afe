//! The contract suite: one set of cases, two backends. Behind the feature `testing`; not part of the product.
//!
//! ```ignore
//! trait Tx: TestTx + Outbox {}
//! impl<T: TestTx + Outbox> Tx for T {}
//!
//! async fn a_lease_is_exclusive(world: &World<dyn Tx>) { /* … */ }
//!
//! keepgate_store::contract!(dyn Tx; a_lease_is_exclusive);
//! ```
//! The PostgreSQL half needs `DATABASE_URL`, a superuser's, of a cluster that may be thrown away (`cargo xtask test` makes one).
#![expect(
    clippy::expect_used,
    clippy::disallowed_types,
    reason = "a test harness fails loudly, and names its own databases"
)]
mod database;
mod tx;
mod world;

pub use database::TestDb;
pub use tx::TestTx;
pub use world::{FrontAndApp, Ids, World};

/// Lists the cases of a contract for both backends. Each case is `async fn(&World<$tx>)`.
#[macro_export]
macro_rules! contract {
    ($tx:ty; $($case:ident),+ $(,)?) => {
        #[async_trait::async_trait]
        impl $crate::Begin<$tx> for $crate::MemStore {
            async fn begin(&self, context: &keepgate_policy::OpContext) -> Result<Box<$tx>, $crate::StoreError> {
                Ok(Box::new($crate::MemStore::begin(self, context)?))
            }
        }
        #[async_trait::async_trait]
        impl $crate::Begin<$tx> for $crate::PgStore {
            async fn begin(&self, context: &keepgate_policy::OpContext) -> Result<Box<$tx>, $crate::StoreError> {
                Ok(Box::new($crate::PgStore::begin(self, context).await?))
            }
        }
        mod memory { $(
            #[tokio::test]
            async fn $case() {
                super::$case(&$crate::testing::World::<$tx>::memory()).await;
            }
        )+ use super::*; }
        mod postgres { $(
            #[tokio::test]
            async fn $case() {
                let db = $crate::testing::TestDb::new().await;
                super::$case(&$crate::testing::World::<$tx>::postgres(&db).await).await;
                db.drop().await;
            }
        )+ use super::*; }
    };
}
