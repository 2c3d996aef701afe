//! What PostgreSQL refuses to the service's own role, whatever SQL somebody managed to inject.
mod context;
mod rows;

use keepgate_kernel::{PrincipalId, Uuid};
use keepgate_policy::{OpContext, Standing};
use keepgate_store::{
    PgStore, PgTx,
    testing::{TestDb, World},
};
#[expect(clippy::disallowed_types, reason = "an injection is SQL put together at run time")]
use sqlx::AssertSqlSafe;

use crate::support::Tx;

struct Siege {
    db: TestDb,
    world: World<dyn Tx>,
    store: PgStore,
    front: PgStore,
}

async fn siege() -> Siege {
    let db = TestDb::new().await;
    let world = World::postgres_with_front(&db).await;
    let (store, front) = (db.store(), db.front_store());
    Siege {
        db,
        world,
        store,
        front,
    }
}

impl Siege {
    async fn tx(&self, context: &OpContext) -> PgTx {
        let worker = matches!(context.principal().standing, Standing::System);
        let store = if worker { &self.front } else { &self.store };
        store.begin(context).await.unwrap()
    }

    /// Runs `sql` inside a transaction of `context`; the SQLSTATE of the refusal, or how many rows it touched or saw.
    async fn inject(&self, context: &OpContext, sql: String) -> Result<u64, String> {
        let mut tx = self.tx(context).await;
        match sqlx::query(AssertSqlSafe(sql)).execute(tx.conn()).await {
            Ok(done) => Ok(done.rows_affected()),
            Err(error) => Err(error
                .as_database_error()
                .and_then(|e| e.code())
                .unwrap_or_default()
                .into_owned()),
        }
    }
}

const REFUSED: &str = "42501";

fn uuid(id: PrincipalId) -> Uuid {
    id.uuid()
}
