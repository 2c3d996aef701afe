//! What the signer refuses, whatever the database says. PostgreSQL only.
use std::{path::Path, sync::Arc, time::Duration};

use keepgate_audit::{HeadFile, LogFault, postgres::Integrator};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    tile::{TileKind, TilePath},
};
use keepgate_policy::OpContext;
use keepgate_store::{
    postgres::Role,
    testing::{TestDb, World},
};

use crate::{
    integrator::tamper,
    support::{Signer, Tx, admin, append, copy, done, drain, host, integrator, integrator_of, note_signer},
};

/// An integrator that remembers in `dir` what it signed, as a process that starts does.
fn remembering(db: &TestDb, dir: &Path) -> Integrator {
    integrator(db.options(Role::Integrator), Arc::new(Signer)).remembering(Arc::new(HeadFile::open(dir).unwrap()))
}

async fn append_one(world: &World<dyn Tx>, entity: &str) {
    append(world, &admin(world), &done(world.now, entity)).await;
}

/// The newest checkpoint of `context`'s log.
async fn checkpoint(world: &World<dyn Tx>, context: &OpContext) -> Checkpoint {
    let mut tx = world.begin(context).await;
    let origin = tx.log_info().await.unwrap().unwrap().origin;
    let note = tx.checkpoint(None).await.unwrap().unwrap().note;
    Checkpoint::open(note.as_bytes(), &origin, &[note_signer(&origin).verifier().clone()]).unwrap()
}

/// Takes the database back to where the log had `size` of three leaves, so that everything in it agrees.
const TAKEN_BACK: &str =
    "delete from audit.meta_checkpoint where size = 3; delete from audit.meta_entry where idx = 2; delete from audit.meta_leaf where idx = 2;
     update audit.meta_head set size = 2, frontier = array[(select sha256('\\x01'::bytea || a.leaf_hash || b.leaf_hash)
       from audit.meta_leaf a, audit.meta_leaf b where a.idx = 0 and b.idx = 1)];
     delete from audit.checkpoint where size = 3; delete from audit.leaf where idx = 2; delete from audit.entry where entity = 'msg_2';
     update audit.head set size = 2, frontier = array[(select sha256('\\x01'::bytea || a.leaf_hash || b.leaf_hash)
       from audit.leaf a, audit.leaf b where a.idx = 0 and b.idx = 1)]";

async fn three(db: &TestDb, world: &World<dyn Tx>, dir: &Path) {
    let mut integrator = remembering(db, dir);
    for n in 0..3 {
        append_one(world, &format!("msg_{n}")).await;
        drain(&mut integrator).await;
    }
}

/// Passes until a log is found to be behind.
async fn behind(integrator: &mut Integrator) -> (Vec<LogFault>, Option<LogFault>, usize) {
    for _ in 0..3_000 {
        let report = integrator.pass().await.unwrap();
        if report.holding > 0 && (!report.held.is_empty() || report.meta_fault.is_some()) {
            let held = report.held.into_iter().map(|(_, fault)| fault).collect();
            return (held, report.meta_fault, report.holding);
        }
    }
    panic!("nothing was found")
}

#[tokio::test]
async fn a_database_that_was_taken_back_is_refused_by_the_next_process_too() {
    let (db, dir) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let world = World::<dyn Tx>::postgres(&db).await;
    three(&db, &world, dir.path()).await;
    tamper(&db, TAKEN_BACK).await;
    // Without a single new entry it is seen, of the log and of the log of logs.
    let mut next = remembering(&db, dir.path());
    let (held, meta, holding) = behind(&mut next).await;
    assert!(
        matches!(held.as_slice(), [LogFault::Shrank { signed: 3, size: 2 }]),
        "{held:?}"
    );
    assert_eq!(holding, 1 + usize::from(meta.is_some()));
    // Another entry in the place of the one that was taken away does not help.
    append_one(&world, "another").await;
    let mut next = remembering(&db, dir.path());
    let (held, ..) = behind(&mut next).await;
    assert!(
        held.iter()
            .all(|fault| matches!(fault, LogFault::Shrank { signed: 3, size: 2 })),
        "{held:?}"
    );
    for _ in 0..50 {
        next.pass().await.unwrap();
    }
    assert_eq!(checkpoint(&world, &admin(&world)).await.size, 2, "nothing was signed");
    // Without the memory nothing in the database tells it.
    drain(&mut integrator_of(&db)).await;
    assert_eq!(checkpoint(&world, &admin(&world)).await.size, 3);
    db.drop().await;
}

#[tokio::test]
async fn a_fork_is_refused_until_somebody_gives_the_signed_state_up() {
    let (db, dir) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let world = World::<dyn Tx>::postgres(&db).await;
    three(&db, &world, dir.path()).await;
    tamper(&db, TAKEN_BACK).await;
    // Somebody else, who knows nothing, signs another third entry.
    append_one(&world, "another").await;
    drain(&mut integrator_of(&db)).await;
    append_one(&world, "fourth").await;
    let mut next = remembering(&db, dir.path());
    let mut forked = Vec::new();
    for _ in 0..3_000 {
        let report = next.pass().await.unwrap();
        forked.extend(report.held);
        if !forked.is_empty() {
            break;
        }
        // Transactions of other databases of the cluster hold the mark back for a moment; no event tells when they end.
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(
        forked.iter().any(|(_, fault)| matches!(fault, LogFault::Forked(3))),
        "{forked:?}"
    );
    assert_eq!(
        checkpoint(&world, &admin(&world)).await.size,
        3,
        "the fork is not signed"
    );

    let file = HeadFile::open(dir.path()).unwrap();
    for origin in [host().origin(admin(&world).tenant()), host().meta_origin()] {
        file.abandon(&origin).unwrap();
    }
    drop(file);
    let mut after = remembering(&db, dir.path());
    for _ in 0..3_000 {
        after.pass().await.unwrap();
        if checkpoint(&world, &admin(&world)).await.size == 4 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    copy(&world, &admin(&world)).await.assert_verified(4);
    db.drop().await;
}

#[tokio::test]
async fn what_can_t_be_remembered_is_not_signed_and_a_changed_memory_stops_everything() {
    let (db, dir) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let world = World::<dyn Tx>::postgres(&db).await;
    three(&db, &world, dir.path()).await;
    let mut running = remembering(&db, dir.path());
    running.pass().await.unwrap();
    append_one(&world, "more").await;
    // Nothing can be renamed into a place where a directory stands.
    let heads = dir.path().join("heads");
    let kept = std::fs::read(&heads).unwrap();
    std::fs::remove_file(&heads).unwrap();
    std::fs::create_dir_all(heads.join("in-the-way")).unwrap();
    let mut refused = false;
    for _ in 0..3_000 {
        refused |= running.pass().await.is_err();
        if refused {
            break;
        }
    }
    assert!(refused);
    assert_eq!(checkpoint(&world, &admin(&world)).await.size, 3, "no signature left");
    std::fs::remove_dir_all(&heads).unwrap();
    std::fs::write(&heads, [kept.as_slice(), b"garbage\n"].concat()).unwrap();
    assert!(remembering(&db, dir.path()).pass().await.is_err());
    std::fs::write(&heads, kept).unwrap();
    drain(&mut remembering(&db, dir.path())).await;
    assert_eq!(checkpoint(&world, &admin(&world)).await.size, 4);
    db.drop().await;
}

#[tokio::test]
async fn instances_with_memories_of_their_own_sign_one_log() {
    let (db, dirs) = (TestDb::new().await, [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let world = World::<dyn Tx>::postgres(&db).await;
    let [mut first, mut second] = [&dirs[0], &dirs[1]].map(|dir| remembering(&db, dir.path()));
    for n in 0..6 {
        append_one(&world, &format!("a{n}")).await;
        drain(&mut first).await;
        append_one(&world, &format!("b{n}")).await;
        append_one(&world, &format!("c{n}")).await;
        drain(&mut second).await;
    }
    copy(&world, &admin(&world)).await.assert_verified(18);
    // The one that has not signed for a while proves the way from where it stood.
    for n in 0..300 {
        append_one(&world, &format!("d{n}")).await;
    }
    drain(&mut second).await;
    append_one(&world, "last").await;
    drain(&mut first).await;
    copy(&world, &admin(&world)).await.assert_verified(319);
    db.drop().await;
}

#[tokio::test]
async fn signing_waits_for_its_second_and_covers_everything() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let mut integrator = integrator_of(&db).sign_every(Duration::from_secs(3600));
    append_one(&world, "first").await;
    drain(&mut integrator).await;
    assert_eq!(
        checkpoint(&world, &admin(&world)).await.size,
        1,
        "a log's first entry is signed at once"
    );
    append_one(&world, "second").await;
    let mut checkpoints = 0;
    for _ in 0..3_000 {
        let report = integrator.pass().await.unwrap();
        checkpoints += report.checkpoints;
        if report.lag.is_none() {
            break;
        }
    }
    assert_eq!(checkpoints, 0, "it is numbered, and not signed yet");
    let mut tx = world.begin(&admin(&world)).await;
    assert_eq!(
        tx.log_info().await.unwrap().unwrap().size,
        1,
        "what no checkpoint covers is not shown"
    );
    let path = TilePath::new(TileKind::Hashes(0), 0, 2).unwrap();
    assert_eq!(tx.tile(&path).await.unwrap(), None, "nor in a tile");
    drop(tx);
    // The next process finds what is unsigned, as after a crash.
    drain(&mut integrator_of(&db)).await;
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(checkpoint(&world, &admin(&world)).await.size, 2);
    db.drop().await;
}

#[tokio::test]
async fn an_idle_log_is_signed_again_after_ten_minutes_and_then_less_and_less_often() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    append_one(&world, "first").await;
    drain(&mut integrator_of(&db)).await;
    let age = |what: &'static str| {
        let db = &db;
        async move { tamper(db, what).await }
    };
    let count = || async {
        let (tenant, meta): (i64, i64) = sqlx::query_as(
            "select (select count(*) from audit.checkpoint), (select count(*) from audit.meta_checkpoint)",
        )
        .fetch_one(&mut db.admin().await)
        .await
        .unwrap();
        (tenant, meta)
    };
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(count().await, (1, 1), "nothing rests yet");
    age(
        "update audit.checkpoint set created_at = created_at - interval '11 minutes';
         update audit.meta_checkpoint set created_at = created_at - interval '11 minutes'",
    )
    .await;
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(count().await, (2, 2), "signed again, and no new leaf");
    age(
        "update audit.checkpoint set created_at = created_at - interval '10 minutes';
         update audit.meta_checkpoint set created_at = created_at - interval '10 minutes'",
    )
    .await;
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(count().await, (2, 3), "eleven minutes come before the next one");
    age("update audit.checkpoint set created_at = created_at - interval '2 minutes'").await;
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(count().await, (3, 3));
    db.drop().await;
}
