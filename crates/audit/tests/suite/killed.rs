//! An integrator in a process of its own that is killed at each step of its work. PostgreSQL only.
use std::{path::Path, process::Stdio, sync::Arc};

use keepgate_audit::{HeadFile, postgres::Step};
use keepgate_kernel::Level;
use keepgate_merkle::checkpoint::Checkpoint;
use keepgate_store::{
    postgres::Role,
    testing::{TestDb, World},
};
use sqlx::postgres::PgConnectOptions;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

use crate::{
    integrator::entities,
    support::{Signer, Tx, admin, append, copy, done, drain, host, integrator, note_signer},
};

const STEPS: [Step; 6] = [
    Step::Locked,
    Step::Numbered,
    Step::Signed,
    Step::Kept,
    Step::Stored,
    Step::Committed,
];

#[expect(clippy::disallowed_methods, reason = "how a test tells its child what to do")]
fn told(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What the child process is: this test, told where to stop. It says so and stands still until it is killed.
#[tokio::test]
#[ignore = "only the other test of this file runs it"]
async fn child() {
    let (Some(database), Some(heads), Some(wanted)) = (told("KG_DATABASE"), told("KG_HEADS"), told("KG_STEP")) else {
        return;
    };
    let url: PgConnectOptions = told("DATABASE_URL").unwrap().parse().unwrap();
    let options = url.database(&database).username(Role::Integrator.name());
    let mut integrator = integrator(options, Arc::new(Signer))
        .remembering(Arc::new(HeadFile::open(Path::new(&heads)).unwrap()))
        .on_step(move |step| {
            if format!("{step:?}") == wanted {
                println!("at {step:?}");
                loop {
                    std::thread::park();
                }
            }
        });
    loop {
        integrator.pass().await.unwrap();
    }
}

/// Runs the child until it stands at `step`, and kills it there.
async fn kill_at(db: &TestDb, heads: &Path, step: Step) {
    let name: String = sqlx::query_scalar("select current_database()::text")
        .fetch_one(&mut db.admin().await)
        .await
        .unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "killed::child", "--ignored", "--nocapture"])
        .env("KG_DATABASE", name)
        .env("KG_HEADS", heads)
        .env("KG_STEP", format!("{step:?}"))
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let wanted = format!("at {step:?}");
    loop {
        let line = lines.next_line().await.unwrap().expect("the child comes to the step");
        if line.ends_with(&wanted) {
            break;
        }
    }
    child.kill().await.unwrap();
}

#[tokio::test]
async fn killed_at_any_step_it_leaves_no_gap_no_duplicate_and_signs_one_history() {
    let (db, dir) = (TestDb::new().await, tempfile::tempdir().unwrap());
    let world = World::<dyn Tx>::postgres(&db).await;
    let (here, there) = (admin(&world), world.stranger(Level::TenantAdmin));
    let mut expected = Vec::new();
    for (round, step) in STEPS.into_iter().cycle().take(2 * STEPS.len()).enumerate() {
        for n in 0..3 {
            let entity = format!("r{round}:{n}");
            append(&world, &here, &done(world.now, &entity)).await;
            append(&world, &there, &done(world.now, &entity)).await;
            expected.push(entity);
        }
        kill_at(&db, dir.path(), step).await;
        // Sometimes the next process finds new entries, sometimes what it was.
        if round % 2 == 0 {
            let entity = format!("r{round}:after");
            append(&world, &here, &done(world.now, &entity)).await;
            append(&world, &there, &done(world.now, &entity)).await;
            expected.push(entity);
        }
    }
    let heads = Arc::new(HeadFile::open(dir.path()).unwrap());
    let mut next = integrator(db.options(Role::Integrator), Arc::new(Signer)).remembering(heads);
    drain(&mut next).await;
    next.pass().await.unwrap();
    for context in [&here, &there] {
        assert_eq!(entities(&world, context).await, expected);
        copy(&world, context).await.assert_verified(expected.len() as u64);
    }
    let forked: i64 = sqlx::query_scalar(
        "select (select count(*) from (select 1 from audit.checkpoint group by tenant_id, size having count(distinct root) > 1) t)
              + (select count(*) from (select 1 from audit.meta_checkpoint group by size having count(distinct root) > 1) m)",
    )
    .fetch_one(&mut db.admin().await)
    .await
    .unwrap();
    assert_eq!(forked, 0, "one root for each size");
    the_log_of_logs_holds(&db).await;
    db.drop().await;
}

/// Its leaves, hashed again, are what its newest checkpoint signs, and each is a state of a log.
async fn the_log_of_logs_holds(db: &TestDb) {
    let rows: Vec<(Vec<u8>, i64, Vec<u8>, String)> = sqlx::query_as(
        "select f.leaf_hash, e.size, e.root, l.origin from audit.meta_leaf f join audit.meta_entry e using (idx)
         join audit.log l on l.tenant_id = e.tenant_id order by f.idx",
    )
    .fetch_all(&mut db.admin().await)
    .await
    .unwrap();
    let leaves: Vec<_> = rows
        .into_iter()
        .map(|(hash, size, root, origin)| {
            let checkpoint = Checkpoint {
                origin,
                size: u64::try_from(size).unwrap(),
                root: root.as_slice().try_into().unwrap(),
            };
            let computed = keepgate_merkle::hash::leaf_hash(checkpoint.to_string().as_bytes());
            assert_eq!(computed.as_bytes().as_slice(), hash);
            computed
        })
        .collect();
    let note: String = sqlx::query_scalar("select note from audit.meta_checkpoint order by size desc limit 1")
        .fetch_one(&mut db.admin().await)
        .await
        .unwrap();
    let meta = host().meta_origin();
    let keys = [note_signer(&meta).verifier().clone()];
    let signed = Checkpoint::open(note.as_bytes(), &meta, &keys).unwrap();
    assert_eq!(signed.size, leaves.len() as u64);
    assert_eq!(signed.root, keepgate_merkle::tree::root_of(&leaves));
}
