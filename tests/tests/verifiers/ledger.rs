//! A program's own ledger, whose tree PostgreSQL grows: strangers' verifiers and `keepgate audit verify` read the files it hands out.
use std::{fs, path::Path};

use keepgate_audit::ledger::{self, Ledger};
use keepgate_merkle::note::NoteSigner;
use keepgate_store::testing::TestDb;
use keepgate_tests::run;
use serde_json::json;
use sqlx::{
    Executor,
    postgres::{PgConnectOptions, PgPool, PgPoolOptions},
};

use crate::{
    aics,
    install::{ask, missing},
    rust,
};

const NAME: &str = "stock.example/audit/0190a000-0000-7000-8000-000000000001";

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner hands the throwaway cluster over in the environment"
)]
async fn owner(db: &TestDb) -> PgPool {
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut db.admin().await)
        .await
        .unwrap();
    let options: PgConnectOptions = std::env::var("DATABASE_URL").unwrap().parse().unwrap();
    PgPoolOptions::new().connect_lazy_with(options.database(&name))
}

/// Changes a letter of the last entry.
fn tamper(dir: &Path, size: u64) {
    let bundle = dir.join(format!("tile/entries/{:03}.p/{}", size / 256, size % 256));
    let mut bytes = fs::read(&bundle).unwrap();
    let at = bytes.len() - 20;
    bytes[at] ^= 1;
    fs::write(bundle, bytes).unwrap();
}

#[tokio::test]
async fn tlog_tiles_and_aics_tlog_replay_a_ledger_and_no_changed_one() {
    let db = TestDb::new().await;
    let pool = owner(&db).await;
    ledger::migrate(&pool, NAME).await.unwrap();
    let signer = NoteSigner::from_seed(NAME.parse().unwrap(), &[7; 32]).unwrap(); // a fixture, no real key
    let key = signer.verifier().to_string();
    let ledger = Ledger::postgres(pool.clone(), signer).await.unwrap();
    pool.execute("insert into ledger.action values ('part.add')")
        .await
        .unwrap();
    let (home, mut logs) = (tempfile::tempdir().unwrap(), vec![]);
    for (size, more) in [(1, 1), (257, 256), (700, 443)] {
        sqlx::query(
            "insert into ledger.entry (id, actor_type, actor_id, action, entity, outcome, request_id)
             select gen_random_uuid(), 'device', gen_random_uuid(), 'part.add', 'part:' || n, 'done', gen_random_uuid() from generate_series(1, $1) n",
        )
        .bind(more)
        .execute(&pool)
        .await
        .unwrap();
        assert_eq!(ledger.checkpoint().await.unwrap().size, size);
        for honest in [true, false] {
            let dir = home.path().join(format!("{size}-{honest}"));
            ledger.copy_to(&dir).await.unwrap();
            if !honest {
                tamper(&dir, size);
            }
            assert_eq!(rust::accepts(&dir, size, NAME, &key), honest, "{}", dir.display());
            let dir_name = dir.to_str().unwrap();
            let ours = run(["audit", "verify", "--dir", dir_name, "--key", &key]).await;
            assert_eq!(ours.code, Some(i32::from(!honest)), "{}{}", ours.out, ours.err);
            let says = if honest {
                format!("verified: {size} ")
            } else {
                format!("tampered: index {}", size - 1)
            };
            assert!(ours.out.contains(&says), "{}", ours.out);
            logs.push((dir.to_str().unwrap().to_owned(), honest));
        }
    }
    db.drop().await;
    let Some(packages) = aics::packages().await else {
        return missing(aics::PACKAGE);
    };
    let names: Vec<_> = logs.iter().map(|(log, _)| log).collect();
    let asked = json!({"vkey": key, "origin": NAME, "logs": names});
    let told = ask(aics::judge(&packages), &asked).await;
    for (log, honest) in &logs {
        assert_eq!(told[log].is_null(), *honest, "{log}: {}", told[log]);
    }
}
