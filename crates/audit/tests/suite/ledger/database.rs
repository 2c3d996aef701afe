//! What only a database can promise: it refuses whoever goes round the ledger, and what it can't refuse is found.
use keepgate_audit::ledger;
use keepgate_merkle::{
    hash::leaf_hash,
    tree::{Frontier, HashReader, MemoryTree},
};
use keepgate_store::postgres::Role;
use sqlx::{Executor, error::DatabaseError};

use super::*;
use crate::stock;

fn code(end: Result<impl Sized, sqlx::Error>) -> String {
    let error = end.err().expect("the database refuses it");
    let error = error.as_database_error().and_then(DatabaseError::code);
    error.map(|code| code.into_owned()).unwrap_or_default()
}

#[tokio::test]
async fn a_change_without_an_entry_is_refused_by_the_database_whoever_makes_it() {
    let db = TestDb::new().await;
    let (pool, ledger) = prepared(&db).await;
    let mut tx = ledger.begin().await.unwrap();
    tx.add("m4-screw", 500).await.unwrap();
    tx.commit(&add()).await.unwrap();
    for change in [
        "insert into stock.part values ('m5-screw', 1)",
        "update stock.part set pieces = 0",
        "delete from stock.part",
    ] {
        let end = pool.execute(change).await;
        let text = end.as_ref().err().map(ToString::to_string).unwrap_or_default();
        assert!(
            text.contains("change to stock.part without an entry"),
            "{change}: {text}"
        );
        assert_eq!(code(end), "KG002", "{change}");
        // The entry of an earlier transaction, and one that says it was refused, are none.
        let mut tx = pool.begin().await.unwrap();
        tx.execute(change).await.unwrap();
        tx.execute("insert into ledger.entry (id, actor_type, actor_id, action, entity, outcome, reason, request_id) values (gen_random_uuid(), 'user', gen_random_uuid(), 'part.take', 'x', 'refused', 'no', gen_random_uuid())").await.unwrap();
        assert_eq!(code(tx.commit().await), "KG002", "{change}");
    }
    assert_eq!(code(pool.execute("truncate stock.part").await), "42501");
    // The program itself, when it forgets: the transaction is undone with its connection.
    let mut tx = ledger.begin().await.unwrap();
    tx.add("m4-screw", 1).await.unwrap();
    assert_eq!(code(tx.conn().execute("commit").await), "KG002");
    drop(tx);
    assert_eq!(ledger.begin().await.unwrap().pieces("m4-screw").await, Some(500));
    copy(&ledger).await.assert_verified(1);
    db.drop().await;
}

#[tokio::test]
async fn a_role_that_owns_nothing_appends_and_changes_nothing_else() {
    let db = TestDb::new().await;
    let (pool, ledger) = prepared(&db).await;
    fill(&ledger, 2).await;
    ledger.checkpoint().await.unwrap();
    let service = PgPoolOptions::new()
        .max_connections(2)
        .connect_lazy_with(db.options(Role::App));
    let opened = Ledger::postgres(service.clone(), note_signer(NAME)).await;
    assert!(matches!(opened, Err(LedgerError::NotMigrated)), "{opened:?}");
    pool.execute("select ledger.admit('kg_app'); grant usage on schema stock to kg_app; grant select, insert, update on stock.part to kg_app")
        .await
        .unwrap();
    let ledger = Ledger::postgres(service.clone(), note_signer(NAME)).await.unwrap();
    ledger.audited("stock.part", &["part.add"]).await.unwrap();
    let mut tx = ledger.begin().await.unwrap();
    tx.add("m4-screw", 500).await.unwrap();
    assert_eq!(tx.commit(&add()).await.unwrap().index, 2);
    copy(&ledger).await.assert_verified(3);
    for attack in [
        "update ledger.entry set entity = 'x'",
        "delete from ledger.entry where idx = 2",
        "truncate ledger.entry",
        "update ledger.head set size = 0",
        "delete from ledger.head",
        "insert into ledger.tile values (1, 9, sha256(''))",
        "insert into ledger.entry (idx, id) values (9, gen_random_uuid())",
        "insert into ledger.checkpoint (size, root, note) values (99, sha256(''), '')",
        "update ledger.checkpoint set note = ''",
        "insert into ledger.action values ('user.create')",
        "alter table stock.part disable trigger audited",
        "drop trigger audited on stock.part",
        "alter table ledger.entry disable trigger all",
        "create or replace function ledger.must_be_audited() returns trigger language plpgsql as 'begin return null; end'",
        "update stock.part set pieces = 0",
    ] {
        let refused = code(service.execute(attack).await);
        assert!(["42501", "KG002"].contains(&refused.as_str()), "{attack}: {refused}");
    }
    let other = ledger.audited("ledger.head", &["part.add"]).await;
    assert!(
        matches!(other, Err(LedgerError::Store(StoreError::Forbidden))),
        "{other:?}"
    );
    copy(&ledger).await.assert_verified(3);
    db.drop().await;
}

#[tokio::test]
async fn what_the_owner_changes_behind_the_guards_is_found() {
    let db = TestDb::new().await;
    let (pool, ledger) = prepared(&db).await;
    fill(&ledger, 300).await;
    let signed = ledger.checkpoint().await.unwrap();
    for guarded in [
        "update ledger.entry set entity = 'x'",
        "update ledger.head set size = size + 1",
        "delete from ledger.entry",
        "delete from ledger.checkpoint",
    ] {
        assert_eq!(code(pool.execute(guarded).await), "42501", "{guarded}");
    }
    for open in ["entry", "head", "tile", "checkpoint"] {
        let statement = match open {
            "entry" => "alter table ledger.entry disable trigger nochange",
            "head" => "alter table ledger.head disable trigger guard",
            "tile" => "alter table ledger.tile disable trigger nochange",
            _ => "alter table ledger.checkpoint disable trigger nochange",
        };
        pool.execute(statement).await.unwrap();
    }
    pool.execute("update ledger.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'refused', 'failed'), 'UTF8') where idx = 41")
        .await
        .unwrap();
    assert_eq!(copy(&ledger).await.tampered(Some(&signed.note)).0, Some(41));
    // With its hash, and the root above it left alone: the next checkpoint would not contain the last one.
    pool.execute("update ledger.entry set leaf = leaf || '\\x20', leaf_hash = sha256('\\x00' || leaf || '\\x20') where idx = 290")
        .await
        .unwrap();
    fill(&ledger, 1).await;
    let cut = ledger.checkpoint().await;
    assert!(matches!(cut, Err(LedgerError::Log(LogFault::Forked(300)))), "{cut:?}");
    // Taken back, head and all: this database agrees with itself, but for its own checkpoint.
    pool.execute("update ledger.head set size = 0, edge = '{}'")
        .await
        .unwrap();
    let shrunk = ledger.checkpoint().await;
    assert!(
        matches!(shrunk, Err(LedgerError::Log(LogFault::Shrank { signed: 300, size: 0 }))),
        "{shrunk:?}"
    );
    db.drop().await;
}

#[tokio::test]
async fn another_seal_in_the_place_of_the_database_s_commits_nothing() {
    let db = TestDb::new().await;
    let (pool, ledger) = prepared(&db).await;
    pool.execute("create function ledger.lie() returns trigger language plpgsql as $$ begin new.entity := 'part:gold'; return new; end $$")
        .await
        .unwrap();
    pool.execute("create trigger a_lie before insert on ledger.entry for each row execute function ledger.lie()")
        .await
        .unwrap();
    let lied = ledger.refused(&add(), "out-of-stock").await;
    assert!(
        matches!(lied, Err(LedgerError::Log(LogFault::EntryChanged(_)))),
        "{lied:?}"
    );
    assert_eq!(ledger.entry(0).await.unwrap(), None);
    db.drop().await;
}

#[tokio::test]
async fn writers_side_by_side_leave_no_gap() {
    let db = TestDb::new().await;
    let (_, ledger) = prepared(&db).await;
    let writers = (0..8).map(|writer| {
        let ledger = ledger.clone();
        tokio::spawn(async move {
            for _ in 0..10 {
                let mut tx = ledger.begin().await.unwrap();
                tx.add(&format!("part-{writer}"), 1).await.unwrap();
                tx.commit(&add()).await.unwrap();
                ledger.checkpoint().await.unwrap();
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    copy(&ledger).await.assert_verified(80);
    db.drop().await;
}

/// The tree in SQL against the one in Rust, where a tile of tiles becomes full. The leaves before are set, not written.
#[tokio::test]
async fn the_database_s_tree_is_ours_where_tiles_of_tiles_begin() {
    const BEFORE: u64 = 65_535;
    let db = TestDb::new().await;
    let (pool, ledger) = prepared(&db).await;
    let mut tree: MemoryTree = (0..BEFORE).map(|n| leaf_hash(&n.to_be_bytes())).collect();
    let mut edge = Frontier::default();
    (0..BEFORE).for_each(|n| _ = edge.push(leaf_hash(&n.to_be_bytes())));
    pool.execute("alter table ledger.head disable trigger guard")
        .await
        .unwrap();
    let bytes: Vec<_> = edge.edge().iter().map(|hash| hash.as_bytes().to_vec()).collect();
    sqlx::query("update ledger.head set size = 65535, edge = $1")
        .bind(bytes)
        .execute(&pool)
        .await
        .unwrap();
    for index in BEFORE..BEFORE + 3 {
        let receipt = ledger.refused(&add(), "out-of-stock").await.unwrap();
        assert_eq!(receipt.index, index);
        tree.push(receipt.leaf_hash);
        edge.push(receipt.leaf_hash);
    }
    let (size, stored): (i64, Vec<Vec<u8>>) = sqlx::query_as("select size, edge from ledger.head")
        .fetch_one(&pool)
        .await
        .unwrap();
    assert_eq!(size, 65_538);
    assert!(
        stored
            .iter()
            .map(Vec::as_slice)
            .eq(edge.edge().iter().map(|hash| &hash.as_bytes()[..]))
    );
    let tiles: Vec<(i16, i64, Vec<u8>)> = sqlx::query_as("select level, idx, root from ledger.tile order by level")
        .fetch_all(&pool)
        .await
        .unwrap();
    let root = |level, index| tree.read(level, index).unwrap().as_bytes().to_vec();
    assert_eq!(tiles, [(1, 255, root(8, 255)), (2, 0, root(16, 0))]);
    db.drop().await;
}

#[tokio::test]
async fn a_database_that_is_not_ready_says_what_to_do() {
    let db = TestDb::new().await;
    let pool = owner(&db).await;
    let none = Ledger::postgres(pool.clone(), note_signer(NAME)).await.unwrap_err();
    assert!(none.to_string().contains("`keepgate_audit::ledger::migrate`"), "{none}");
    ledger::migrate(&pool, NAME).await.unwrap();
    ledger::migrate(&pool, NAME).await.unwrap();
    let other = NAME.replace("001", "002");
    let found = Ledger::postgres(pool.clone(), note_signer(&other)).await;
    assert!(matches!(found, Err(LedgerError::OtherLedger)), "{found:?}");
    assert!(matches!(
        ledger::migrate(&pool, &other).await,
        Err(LedgerError::OtherLedger)
    ));
    let ledger = Ledger::postgres(pool.clone(), note_signer(NAME)).await.unwrap();
    for none in [
        "stock.part",
        "part",
        "ledger.none",
        "pg_catalog.pg_tables",
        "; drop schema ledger",
    ] {
        let told = ledger.audited(none, &["part.add"]).await;
        assert!(matches!(told, Err(LedgerError::NotWatched { .. })), "{none}: {told:?}");
    }
    pool.execute("insert into ledger.version (number) values (2)")
        .await
        .unwrap();
    let newer = Ledger::postgres(pool.clone(), note_signer(NAME)).await;
    assert!(matches!(newer, Err(LedgerError::Newer(2))), "{newer:?}");
    assert!(matches!(ledger::migrate(&pool, NAME).await, Err(LedgerError::Newer(2))));
    db.drop().await;
    let away = PgPoolOptions::new()
        .acquire_timeout(std::time::Duration::from_millis(200))
        .connect_lazy_with(PgConnectOptions::new().host("127.0.0.1").port(1));
    let away = Ledger::postgres(away, note_signer(NAME)).await;
    assert!(
        matches!(away, Err(LedgerError::Store(StoreError::Unavailable(_)))),
        "{away:?}"
    );
}

#[tokio::test]
async fn the_example_runs_on_both() {
    let proof = stock::in_memory(note_signer(NAME), ann()).await.unwrap();
    assert_eq!(proof.index, 0);
    let db = TestDb::new().await;
    let pool = owner(&db).await;
    for index in [0, 2] {
        let proof = stock::on_postgres(pool.clone(), note_signer(NAME), ann())
            .await
            .unwrap();
        assert_eq!(proof.index, index);
    }
    db.drop().await;
}
