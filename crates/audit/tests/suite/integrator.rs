//! The integrator under load, beside others, and after accidents. PostgreSQL only.
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use keepgate_audit::{EntryQuery, LogFault, LogKeys, LogSigner, SignerError};
use keepgate_kernel::{Level, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{
    postgres::Role,
    testing::{TestDb, World},
};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::support::{Signer, Tx, admin, append, commit, copy, done, drain, integrator, integrator_of};

async fn size(world: &World<dyn Tx>, context: &OpContext) -> u64 {
    world
        .begin(context)
        .await
        .log_info()
        .await
        .unwrap()
        .map_or(0, |info| info.size)
}

/// Every entity in the log, in order, and the proof that it has no gap.
pub async fn entities(world: &World<dyn Tx>, context: &OpContext) -> Vec<String> {
    let (mut found, mut next) = (Vec::new(), Some(0));
    while let Some(start) = next {
        let query = EntryQuery {
            start,
            limit: 500,
            ..EntryQuery::default()
        };
        let page = world.begin(context).await.entries(&query).await.unwrap();
        for entry in page.items {
            assert_eq!(entry.index, found.len() as u64, "no gap");
            found.push(entry.leaf.entity);
        }
        next = page.next;
    }
    found
}

/// Eight writers at once, `each` commits apiece.
async fn write(world: &Arc<World<dyn Tx>>, each: usize) {
    let writers = (0..8).map(|writer| {
        let world = world.clone();
        tokio::spawn(async move {
            for n in 0..each {
                append(&world, &admin(&world), &done(world.now, &format!("w{writer}:{n}"))).await;
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn nothing_above_an_open_transaction_is_numbered_until_it_ends() {
    let db = TestDb::new().await;
    let world = Arc::new(World::<dyn Tx>::postgres(&db).await);
    let mut integrator = integrator_of(&db);
    let mut old = world.begin(&admin(&world)).await;
    old.append(&done(world.now, "old")).await.unwrap();
    write(&world, 25).await;
    for _ in 0..3 {
        let report = integrator.pass().await.unwrap();
        assert_eq!(report.numbered, 0);
        assert!(report.lag.is_some(), "what waits is told");
    }
    assert_eq!(size(&world, &admin(&world)).await, 0);
    commit(old).await.unwrap();
    drain(&mut integrator).await;
    let found = entities(&world, &admin(&world)).await;
    assert_eq!(found.len(), 201);
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 201, "none twice");
    assert_eq!(
        found[0], "old",
        "the older transaction comes first, though it committed last"
    );
    for writer in 0..8 {
        let own: Vec<_> = found
            .iter()
            .filter(|entity| entity.starts_with(&format!("w{writer}:")))
            .collect();
        assert_eq!(
            own,
            (0..25)
                .map(|n| format!("w{writer}:{n}"))
                .collect::<Vec<_>>()
                .iter()
                .collect::<Vec<_>>()
        );
    }
    copy(&world, &admin(&world)).await.assert_verified(201);
    db.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_and_an_integrator_leave_no_gap_and_no_duplicate() {
    let db = TestDb::new().await;
    let world = Arc::new(World::<dyn Tx>::postgres(&db).await);
    let stop = Arc::new(AtomicBool::new(false));
    let mut integrator = integrator_of(&db).sign_every(Duration::from_millis(20));
    let numbering = tokio::spawn({
        let stop = stop.clone();
        async move {
            while !stop.load(Ordering::Relaxed) {
                assert!(integrator.pass().await.unwrap().held.is_empty());
            }
        }
    });
    let writers = (0..4).map(|_| {
        let world = world.clone();
        tokio::spawn(async move { write(&world, 12).await })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    numbering.await.unwrap();
    drain(&mut integrator_of(&db)).await;
    integrator_of(&db).pass().await.unwrap();
    assert_eq!(
        entities(&world, &admin(&world)).await.len(),
        4 * 8 * 12,
        "without a gap"
    );
    let (leaves, entries): (i64, i64) =
        sqlx::query_as("select (select count(distinct entry_id) from audit.leaf), (select count(*) from audit.entry)")
            .fetch_one(&mut db.admin().await)
            .await
            .unwrap();
    assert_eq!(leaves, entries);
    copy(&world, &admin(&world)).await.assert_verified(4 * 8 * 12);
    db.drop().await;
}

#[tokio::test]
async fn a_prepared_transaction_holds_numbering_up_and_is_told_until_it_ends() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let mut admin_connection = db.admin().await;
    let held = format!("kg_{}", admin(&world).tenant().uuid());
    let prepare = format!("begin; select pg_current_xact_id(); prepare transaction '{held}'");
    sqlx::raw_sql(sqlx::AssertSqlSafe(prepare))
        .execute(&mut admin_connection)
        .await
        .unwrap();
    append(&world, &admin(&world), &done(world.now, "msg_1")).await;
    let mut integrator = integrator_of(&db);
    for _ in 0..3 {
        let report = integrator.pass().await.unwrap();
        assert!(report.numbered == 0 && report.lag.is_some(), "{report:?}");
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("commit prepared '{held}'")))
        .execute(&mut admin_connection)
        .await
        .unwrap();
    drain(&mut integrator).await;
    assert_eq!(size(&world, &admin(&world)).await, 1);
    db.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_integrators_never_number_an_entry_twice() {
    let db = TestDb::new().await;
    let world = Arc::new(World::<dyn Tx>::postgres(&db).await);
    let stop = Arc::new(AtomicBool::new(false));
    let passes = [integrator_of(&db), integrator_of(&db)].map(|mut integrator| {
        let stop = stop.clone();
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                integrator.pass().await.unwrap();
            }
            integrator
        })
    });
    write(&world, 40).await;
    stop.store(true, Ordering::Relaxed);
    for pass in passes {
        drain(&mut pass.await.unwrap()).await;
    }
    let found = entities(&world, &admin(&world)).await;
    assert_eq!((found.len(), found.iter().collect::<BTreeSet<_>>().len()), (320, 320));
    copy(&world, &admin(&world)).await.assert_verified(320);
    db.drop().await;
}

#[tokio::test]
async fn a_second_integrator_does_nothing_while_the_first_is_at_work() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    append(&world, &admin(&world), &done(world.now, "msg_1")).await;
    let mut first = db.admin().await;
    sqlx::raw_sql("begin; select pg_advisory_xact_lock(hashtext('keepgate audit integrator'))")
        .execute(&mut first)
        .await
        .unwrap();
    let report = integrator_of(&db).pass().await.unwrap();
    assert!(report.busy && report.numbered == 0);
    sqlx::raw_sql("rollback").execute(&mut first).await.unwrap();
    drain(&mut integrator_of(&db)).await;
    assert_eq!(size(&world, &admin(&world)).await, 1);
    db.drop().await;
}

/// Has no key for one tenant until it is told otherwise.
struct Without(TenantId, Arc<AtomicBool>);

#[async_trait]
impl LogSigner for Without {
    async fn keys_for(&self, tenant: TenantId, origin: &str) -> Result<Arc<LogKeys>, SignerError> {
        if tenant == self.0 && !self.1.load(Ordering::Relaxed) {
            return Err("no key".into());
        }
        Signer.keys_for(tenant, origin).await
    }
}

#[tokio::test]
async fn a_log_that_can_t_be_signed_holds_up_no_other_and_loses_nothing() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let (here, there) = (admin(&world), world.stranger(Level::TenantAdmin));
    let key = Arc::new(AtomicBool::new(false));
    let mut integrator = integrator(
        db.options(Role::Integrator),
        Arc::new(Without(here.tenant(), key.clone())),
    );
    let mut held = 0;
    for n in 0..60 {
        append(&world, &here, &done(world.now, &format!("here:{n}"))).await;
        append(&world, &there, &done(world.now, &format!("there:{n}"))).await;
        let report = integrator.pass().await.unwrap();
        held += report.held.len();
        assert!(
            report
                .held
                .iter()
                .all(|(tenant, fault)| *tenant == here.tenant() && matches!(fault, LogFault::Signer(_)))
        );
    }
    assert!((1..10).contains(&held), "tried now and then, not each time: {held}");
    assert_eq!(size(&world, &here).await, 0);
    key.store(true, Ordering::Relaxed);
    for _ in 0..20 {
        integrator.pass().await.unwrap();
    }
    drain(&mut integrator).await;
    for (context, word) in [(&here, "here"), (&there, "there")] {
        let expected: Vec<_> = (0..60).map(|n| format!("{word}:{n}")).collect();
        assert_eq!(entities(&world, context).await, expected);
        copy(&world, context).await.assert_verified(60);
    }
    db.drop().await;
}

#[tokio::test]
async fn after_a_restore_into_another_cluster_nothing_is_left_out_or_numbered_twice() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    append(&world, &admin(&world), &done(world.now, "before")).await;
    drain(&mut integrator_of(&db)).await;
    append(&world, &admin(&world), &done(world.now, "unnumbered")).await;
    // As a dump of another cluster would arrive: transaction numbers far beyond ours.
    sqlx::raw_sql("update audit.progress set cluster = cluster - 1, last_xid = '900000000'")
        .execute(&mut db.admin().await)
        .await
        .unwrap();
    drain(&mut integrator_of(&db)).await;
    append(&world, &admin(&world), &done(world.now, "after")).await;
    drain(&mut integrator_of(&db)).await;
    assert_eq!(
        entities(&world, &admin(&world)).await,
        ["before", "unnumbered", "after"]
    );
    copy(&world, &admin(&world)).await.assert_verified(3);
    db.drop().await;
}

#[tokio::test]
async fn the_loop_goes_on_after_its_connection_was_cut_and_stops_when_told() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let (passed, mut passes) = mpsc::unbounded_channel();
    let (stop, stopped) = oneshot::channel::<()>();
    let wake = Arc::new(Notify::new());
    let running = tokio::spawn(
        integrator_of(&db)
            .on_pass(move |outcome| _ = passed.send(outcome.as_ref().map_or(usize::MAX, |report| report.numbered)))
            .run(wake.clone(), async { _ = stopped.await }),
    );
    append(&world, &admin(&world), &done(world.now, "msg_1")).await;
    wake.notify_one();
    while passes.recv().await.unwrap() != 1 {}
    let cut = "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'kg_integrator' and datname = current_database()";
    sqlx::raw_sql(cut).execute(&mut db.admin().await).await.unwrap();
    append(&world, &admin(&world), &done(world.now, "msg_2")).await;
    while passes.recv().await.unwrap() != 1 {}
    stop.send(()).unwrap();
    running.await.unwrap();
    copy(&world, &admin(&world)).await.assert_verified(2);
    db.drop().await;
}

#[tokio::test]
async fn partitions_are_made_ahead_with_their_guards() {
    let db = TestDb::new().await;
    let integrator = integrator_of(&db);
    assert_eq!(
        integrator.ensure_partitions().await.unwrap(),
        0,
        "the migration made them"
    );
    let mut admin = db.admin().await;
    let drop = "do $$ declare t text; begin
        select max(c.relname) into t from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'audit.entry'::regclass;
        execute 'drop table audit.' || t; end $$";
    sqlx::raw_sql(drop).execute(&mut admin).await.unwrap();
    assert_eq!(integrator.ensure_partitions().await.unwrap(), 1);
    crate::attacks::every_partition_is_guarded(&mut admin).await;
    db.drop().await;
}

/// What holds the logs up, once something does; nothing when all entries got their indices. How long that takes depends on the
/// oldest transaction of the whole cluster, so only the test runner's limit ends the wait.
async fn faults(integrator: &mut keepgate_audit::postgres::Integrator) -> Vec<String> {
    loop {
        let report = integrator.pass().await.unwrap();
        let settled = !report.busy && !report.more && report.lag.is_none();
        if !report.held.is_empty() || settled {
            return report.held.iter().map(|(_, fault)| fault.to_string()).collect();
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Runs `sql` as the superuser with the triggers of the log off.
pub async fn tamper(db: &TestDb, sql: &'static str) {
    let mut admin = db.admin().await;
    sqlx::raw_sql(
        "do $$ declare t text; begin foreach t in array array['entry', 'leaf', 'tile', 'checkpoint', 'head', 'meta_leaf',
           'meta_entry', 'meta_tile', 'meta_checkpoint', 'meta_head'] loop
           execute 'alter table audit.' || t || ' disable trigger user'; end loop; end $$",
    )
    .execute(&mut admin)
    .await
    .unwrap();
    sqlx::raw_sql(sql).execute(&mut admin).await.unwrap();
    sqlx::raw_sql("alter table audit.entry enable always trigger seal")
        .execute(&mut admin)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_log_whose_stored_head_was_changed_is_not_signed_again() {
    let changes = [
        "update audit.head set size = size - 1",
        "update audit.head set frontier[1] = sha256('x')",
        "update audit.leaf set leaf_hash = sha256('x') where idx = 1",
        "delete from audit.leaf where idx = 2",
        "delete from audit.checkpoint",
    ];
    for change in changes {
        let db = TestDb::new().await;
        let world = World::<dyn Tx>::postgres(&db).await;
        for _ in 0..3 {
            append(&world, &admin(&world), &done(world.now, "msg_1")).await;
        }
        drain(&mut integrator_of(&db)).await;
        tamper(&db, change).await;
        append(&world, &admin(&world), &done(world.now, "msg_2")).await;
        let found = faults(&mut integrator_of(&db)).await;
        assert_eq!(found.len(), 1, "{change}: {found:?}");
        db.drop().await;
    }
}

#[tokio::test]
async fn a_log_whose_checkpoints_are_gone_gets_no_new_one_even_if_nothing_is_added() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    append(&world, &admin(&world), &done(world.now, "msg_1")).await;
    drain(&mut integrator_of(&db)).await;
    tamper(&db, "delete from audit.checkpoint").await;
    // A new integrator looks at all logs in its first pass.
    let report = integrator_of(&db).pass().await.unwrap();
    assert_eq!((report.checkpoints, report.held.len()), (0, 1), "{report:?}");
    db.drop().await;
}

#[tokio::test]
async fn a_log_that_was_taken_back_is_not_signed_again_by_who_signed_it() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let mut integrator = integrator_of(&db);
    for n in 0..3 {
        append(&world, &admin(&world), &done(world.now, &format!("msg_{n}"))).await;
        drain(&mut integrator).await;
    }
    // A restore of the state after two entries: everything agrees with everything.
    tamper(
        &db,
        "delete from audit.checkpoint where size = 3; delete from audit.leaf where idx = 2; delete from audit.entry where entity = 'msg_2';
         update audit.head set size = 2, frontier = array[(select sha256('\\x01'::bytea || a.leaf_hash || b.leaf_hash)
           from audit.leaf a, audit.leaf b where a.idx = 0 and b.idx = 1)]",
    )
    .await;
    append(&world, &admin(&world), &done(world.now, "another")).await;
    assert_eq!(faults(&mut integrator).await, ["the log had 3 leaves and now has 2"]);
    db.drop().await;
}

#[tokio::test]
async fn an_entry_that_was_changed_before_it_was_numbered_is_found() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    append(&world, &admin(&world), &done(world.now, "msg_1")).await;
    tamper(
        &db,
        "update audit.entry set leaf = replace(convert_from(leaf, 'UTF8'), 'msg_1', 'msg_2')::bytea",
    )
    .await;
    let found = faults(&mut integrator_of(&db)).await;
    assert!(found[0].ends_with("is not that of its leaf"), "{found:?}");
    db.drop().await;
}

/// As if the database's clock had been an hour ahead when the entries that wait were stamped.
async fn stamped_ahead(db: &TestDb) {
    let mut admin = db.admin().await;
    let waiting: Vec<(keepgate_kernel::Uuid, Vec<u8>)> = sqlx::query_as(
        "select e.id, e.leaf from audit.entry e where not exists (select from audit.leaf l where l.entry_id = e.id)",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    let months: Vec<String> = sqlx::query_scalar(
        "select inhrelid::regclass::text from pg_inherits where inhparent = 'audit.entry'::regclass",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    for month in months {
        let off = format!("alter table {month} disable trigger all");
        sqlx::raw_sql(sqlx::AssertSqlSafe(off))
            .execute(&mut admin)
            .await
            .unwrap();
    }
    for (id, leaf) in waiting {
        let mut leaf = keepgate_audit::Leaf::parse(&leaf).unwrap();
        leaf.recorded_at += chrono::TimeDelta::hours(1);
        let bytes = leaf.to_bytes();
        sqlx::query("update audit.entry set recorded_at = $2, leaf = $3, leaf_hash = $4 where id = $1")
            .bind(id)
            .bind(leaf.recorded_at)
            .bind(&bytes)
            .bind(keepgate_audit::leaf::leaf_hash(&bytes).as_slice())
            .execute(&mut admin)
            .await
            .unwrap();
    }
    // A new entry must be sealed again.
    let on =
        "do $$ declare g record; begin for g in select t.tgrelid::regclass as of, t.tgname as name from pg_trigger t
        join pg_inherits i on i.inhrelid = t.tgrelid where i.inhparent = 'audit.entry'::regclass and not t.tgisinternal
        loop execute format('alter table %s enable always trigger %I', g.of, g.name); end loop; end $$";
    sqlx::raw_sql(on).execute(&mut admin).await.unwrap();
}

/// Passes until nothing waits; where times went back, and by how many minutes.
async fn steps(integrator: &mut keepgate_audit::postgres::Integrator) -> Vec<(u64, i64)> {
    let mut found = Vec::new();
    loop {
        let report = integrator.pass().await.unwrap();
        found.extend(report.steps.iter().map(|step| (step.index, step.back.num_minutes())));
        if !report.busy && !report.more && report.lag.is_none() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn times_that_go_back_are_told_once_also_by_one_who_did_not_number_what_was_before() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    let mut one = integrator_of(&db);
    append(&world, &admin(&world), &done(world.now, "a")).await;
    stamped_ahead(&db).await;
    assert_eq!(steps(&mut one).await, [], "forward is not back");
    append(&world, &admin(&world), &done(world.now, "b")).await;
    let mut another = integrator_of(&db);
    assert_eq!(
        steps(&mut another).await,
        [(1, 59)],
        "it read the last times from the log"
    );
    append(&world, &admin(&world), &done(world.now, "c")).await;
    assert_eq!(steps(&mut another).await, [], "once");
    append(&world, &admin(&world), &done(world.now, "d")).await;
    assert_eq!(steps(&mut one).await, [], "others went on meanwhile");
    append(&world, &admin(&world), &done(world.now, "e")).await;
    assert_eq!(steps(&mut integrator_of(&db)).await, [], "nor after a start");
    copy(&world, &admin(&world)).await.assert_verified(5);
    db.drop().await;
}
