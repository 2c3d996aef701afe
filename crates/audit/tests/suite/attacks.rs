//! Attacks on the log in PostgreSQL, from the service's role up to the superuser. What the database refuses is refused;
//! what it can't refuse its owner, the verifier finds.
use keepgate_kernel::Level;
use keepgate_store::{
    postgres::Role,
    testing::{TestDb, World},
};
use sqlx::{ConnectOptions, PgConnection};

use crate::support::{Tx, admin, append, copy, done, drain, integrator_of};

/// Runs `sql` and returns the SQLSTATE of its error, `None` if it went through.
async fn attempt(conn: &mut PgConnection, sql: &'static str) -> Option<String> {
    let outcome = sqlx::raw_sql(sql).execute(&mut *conn).await;
    if outcome.is_err() {
        let _cleared = sqlx::raw_sql("rollback").execute(conn).await;
    }
    outcome
        .err()
        .map(|error| error.as_database_error().unwrap().code().unwrap().into_owned())
}

async fn refused(conn: &mut PgConnection, sql: &'static str) {
    assert_eq!(attempt(conn, sql).await.as_deref(), Some("42501"), "{sql}");
}

/// A log of `count` numbered entries, `thing:0` and so on.
async fn log(count: usize) -> (TestDb, World<dyn Tx>) {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    for n in 0..count {
        append(&world, &admin(&world), &done(world.now, &format!("thing:{n}"))).await;
    }
    drain(&mut integrator_of(&db)).await;
    (db, world)
}

#[tokio::test]
async fn the_service_can_only_read_the_log() {
    let (db, _world) = log(1).await;
    let mut app = db.options(Role::App).connect().await.unwrap();
    for sql in [
        "update audit.entry set outcome = 'done'",
        "delete from audit.entry",
        "truncate audit.entry",
        "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
           values (gen_random_uuid(), gen_random_uuid(), 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', '')",
        "update audit.leaf set idx = 7",
        "delete from audit.leaf",
        "insert into audit.leaf values (gen_random_uuid(), 0, gen_random_uuid(), now(), sha256(''))",
        "delete from audit.tile",
        "delete from audit.checkpoint",
        "update audit.head set size = 0",
        "delete from audit.opening",
        "insert into audit.opening values (gen_random_uuid(), gen_random_uuid(), 'source', sha256(''), 'x')",
        "delete from audit.sealed_opening",
        "update audit.sealed_opening set sealed = sealed",
        "insert into audit.sealed_opening values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 'source', sha256('') || sha256(''))",
        "delete from keys.subject_key",
        "update keys.subject_key set subject = gen_random_uuid()",
        "insert into keys.subject_key (tenant_id, id, subject, kek, wrapped) values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), '', '')",
        "delete from audit.erasure",
        "update audit.hold set released_at = now()",
        "delete from audit.hold",
        "select sec.wipe(gen_random_uuid(), gen_random_uuid())",
        "select gate.erase_subject(gen_random_uuid(), gen_random_uuid(), 'because I can', gen_random_uuid(), gen_random_uuid())",
        "select gate.erase_again(gen_random_uuid(), gen_random_uuid(), gen_random_uuid())",
        "select gate.release_hold(gen_random_uuid(), gen_random_uuid())",
        "delete from audit.log",
        "select * from audit.progress",
        "select audit.ensure_partitions(now()::date, 1)",
        "select sec.seal_entry()",
        "set session_replication_role = replica",
        "set role kg_owner",
        "set role kg_sec",
        "set role kg_integrator",
        "create table audit.mine ()",
        "alter table audit.entry disable trigger all",
    ] {
        refused(&mut app, sql).await;
    }
    db.drop().await;
}

#[tokio::test]
async fn no_partition_can_be_read_or_written_past_its_parent() {
    let (db, _world) = log(1).await;
    let mut admin = db.admin().await;
    let may: Vec<String> = sqlx::query_scalar(
        "select c.relname || ' ' || r || ' ' || p from pg_inherits i join pg_class c on c.oid = i.inhrelid,
           unnest(array['kg_app', 'kg_integrator', 'kg_sec', 'kg_migrator', 'public']) r, unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p
         where i.inhparent = 'audit.entry'::regclass and has_table_privilege(r, c.oid, p)",
    )
    .fetch_all(&mut admin)
    .await
    .unwrap();
    assert_eq!(may, Vec::<String>::new());
    db.drop().await;
}

#[tokio::test]
async fn the_integrator_numbers_and_can_do_nothing_else() {
    let (db, _world) = log(2).await;
    let mut conn = db.options(Role::Integrator).connect().await.unwrap();
    for sql in [
        "update audit.entry set outcome = 'done'",
        "delete from audit.entry",
        "insert into audit.entry (tenant_id) values (gen_random_uuid())",
        "select * from audit.opening",
        "select * from audit.sealed_opening",
        "select * from keys.subject_key",
        "select * from audit.erasure",
        "update audit.leaf set idx = 7",
        "delete from audit.leaf",
        "update audit.tile set idx = 7",
        "update audit.checkpoint set note = ''",
        "delete from audit.checkpoint",
        "update audit.head set size = size - 1",
        "delete from audit.head",
        "truncate audit.leaf",
        "select gate.append_entry(gen_random_uuid(), 'a.b', 'x', 'done', null, gen_random_uuid(), null, null, null)",
    ] {
        refused(&mut conn, sql).await;
    }
    db.drop().await;
}

#[tokio::test]
async fn nobody_appends_without_having_entered() {
    let (db, _world) = log(0).await;
    let mut app = db.options(Role::App).connect().await.unwrap();
    let sql = "select gate.append_entry(gen_random_uuid(), 'a.b', 'x', 'done', null, gen_random_uuid(), null, 'user', gen_random_uuid())";
    assert_eq!(attempt(&mut app, sql).await.as_deref(), Some("KG001"));
    let forged = "begin; set local kg.ctx = 'a|sys|a|a|0|-|0000000000000000000000000000000000000000000000000000000000000000';
        select gate.append_entry(gen_random_uuid(), 'a.b', 'x', 'done', null, gen_random_uuid(), null, 'user', gen_random_uuid())";
    assert_eq!(attempt(&mut app, forged).await.as_deref(), Some("KG001"));
    db.drop().await;
}

/// A call of `$function` with the columns of one entry, in the name of somebody else.
macro_rules! several {
    ($function:literal) => {
        concat!(
            "select * from ", $function, "array[gen_random_uuid()], array['user.delete'], array['x'], array['done'], array[null]::text[],
             array[gen_random_uuid()], array[null]::bytea[], array['user'], array[gen_random_uuid()], array[null]::timestamptz[],
             array[null]::uuid[], array[null]::bytea[], array[null]::text[], array[null]::bytea[])"
        )
    };
}

fn code(outcome: Result<impl Sized, sqlx::Error>) -> Option<String> {
    let error = outcome.err()?;
    Some(error.as_database_error()?.code()?.into_owned())
}

#[tokio::test]
async fn several_entries_are_written_by_nobody_but_a_worker() {
    let (db, world) = log(0).await;
    let mut app = db.options(Role::App).connect().await.unwrap();
    let together = several!("gate.append_entries(");
    assert_eq!(attempt(&mut app, together).await.as_deref(), Some("42501"));
    let forged = several!("gate.append_group('v2|test|x|sys|x|x|0|9999999999999|1', 'x', ");
    assert_eq!(attempt(&mut app, forged).await.as_deref(), Some("KG001"));
    assert_eq!(
        attempt(&mut app, several!("gate.append_group(null, null, "))
            .await
            .as_deref(),
        Some("KG001")
    );
    for level in [Level::Operator, Level::TenantOwner] {
        let mut tx = db.store().begin(&world.caller(level)).await.unwrap();
        let outcome = sqlx::raw_sql(together).execute(tx.conn()).await;
        assert_eq!(code(outcome).as_deref(), Some("42501"));
    }
    // The claims of one connection are worth nothing on another.
    let store = db.store();
    let (mine, mut other) = (store.lane().await.unwrap(), store.lane().await.unwrap());
    let (claims, signature) = mine.claims(&world.worker());
    let stolen = sqlx::query(several!("gate.append_group($1, $2, "))
        .bind(claims)
        .bind(signature);
    assert_eq!(code(stolen.execute(other.conn()).await).as_deref(), Some("KG001"));
    drop((mine, other));
    db.drop().await;
}

#[tokio::test]
async fn injected_sql_can_t_write_in_another_s_name_or_tenant() {
    let (db, world) = log(0).await;
    let operator = world.caller(Level::Operator);
    let mut tx = db.store().begin(&operator).await.unwrap();
    sqlx::raw_sql("select gate.append_entry(gen_random_uuid(), 'user.delete', 'x', 'done', null, gen_random_uuid(), null, 'system', gen_random_uuid())")
        .execute(tx.conn())
        .await
        .unwrap();
    commit(tx).await;
    drain(&mut integrator_of(&db)).await;
    let entry = world.begin(&admin(&world)).await.entry(0).await.unwrap().unwrap();
    assert_eq!(entry.leaf.actor, operator.principal().id);
    assert_eq!(entry.leaf.tenant, operator.tenant());
    db.drop().await;
}

#[expect(clippy::disallowed_methods, reason = "no doorway in this suite")]
async fn commit(tx: keepgate_store::PgTx) {
    keepgate_store::Transaction::commit(Box::new(tx)).await.unwrap();
}

#[tokio::test]
async fn an_entry_can_t_be_backdated_and_seals_itself() {
    let (db, _world) = log(0).await;
    let mut conn = db.admin().await;
    sqlx::raw_sql("grant usage on schema audit to kg_sec; set role kg_sec")
        .execute(&mut conn)
        .await
        .unwrap();
    for sql in [
        "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash, recorded_at)
           values (gen_random_uuid(), gen_random_uuid(), 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', '', now() - interval '6 seconds')",
        "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash, recorded_at)
           values (gen_random_uuid(), gen_random_uuid(), 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', '', now() + interval '1 minute')",
    ] {
        refused(&mut conn, sql).await;
    }
    // Even its own role can't choose leaf, hash or transaction.
    sqlx::raw_sql(
        "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, xid, leaf, leaf_hash)
           values (gen_random_uuid(), gen_random_uuid(), 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '3', 'forged', sha256('forged'))",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    let (leaf, hash, xid): (Vec<u8>, Vec<u8>, String) =
        sqlx::query_as("select leaf, leaf_hash, xid::text from audit.entry")
            .fetch_one(&mut conn)
            .await
            .unwrap();
    assert!(keepgate_audit::Leaf::parse(&leaf).is_ok());
    assert_eq!(hash, keepgate_audit::leaf::leaf_hash(&leaf));
    assert_ne!(xid, "3");
    db.drop().await;
}

/// Each partition has its own guards, on in every replication role.
pub async fn every_partition_is_guarded(admin: &mut PgConnection) {
    let bare: Vec<String> = sqlx::query_scalar(
        "select c.relname || ' ' || wanted from pg_inherits i join pg_class c on c.oid = i.inhrelid, unnest(array['nochange', 'notruncate', 'seal']) wanted
         where i.inhparent = 'audit.entry'::regclass
           and (not c.relrowsecurity or not c.relforcerowsecurity
             or not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = wanted and t.tgenabled = 'A'))",
    )
    .fetch_all(&mut *admin)
    .await
    .unwrap();
    assert_eq!(bare, Vec::<String>::new());
    let partitions: i64 =
        sqlx::query_scalar("select count(*) from pg_inherits where inhparent = 'audit.entry'::regclass")
            .fetch_one(admin)
            .await
            .unwrap();
    assert!(partitions >= 4);
}

/// On the parent and on each partition, tries to change, delete and truncate; raises if one of them works. Row guards say
/// nothing about a table without rows: at least the parents have some.
const CHANGE_EVERYTHING: &str = "do $$ declare t regclass; change text; rows bigint; begin
    for t in select 'audit.entry'::regclass union select inhrelid::regclass from pg_inherits where inhparent = 'audit.entry'::regclass
        union select unnest(array['audit.log', 'audit.leaf', 'audit.checkpoint']::regclass[]) loop
      execute format('select count(*) from %s', t) into rows;
      if rows = 0 and t::text not like 'audit.entry_%' then raise exception 'kg: % is empty', t; end if;
      foreach change in array array['update %s set tenant_id = tenant_id', 'delete from %s', 'truncate %s cascade'] loop
        continue when rows = 0 and change not like 'truncate%';
        begin
          execute format(change, t);
          raise exception 'kg: % went through', format(change, t);
        exception when insufficient_privilege then null;
        end;
      end loop;
    end loop; end $$";

#[tokio::test]
async fn not_even_the_owner_or_the_superuser_changes_an_entry_while_the_guards_are_on() {
    let (db, world) = log(2).await;
    let mut conn = db.admin().await;
    every_partition_is_guarded(&mut conn).await;
    assert_eq!(attempt(&mut conn, CHANGE_EVERYTHING).await, None, "superuser");
    sqlx::raw_sql("set session_replication_role = replica")
        .execute(&mut conn)
        .await
        .unwrap();
    assert_eq!(
        attempt(&mut conn, CHANGE_EVERYTHING).await,
        None,
        "superuser as a replica"
    );
    sqlx::raw_sql("reset session_replication_role")
        .execute(&mut conn)
        .await
        .unwrap();
    // Row-level security hides the rows from the owner; without it the guards still stand.
    sqlx::raw_sql(
        "do $$ declare t regclass; begin
           for t in select 'audit.entry'::regclass union select inhrelid::regclass from pg_inherits where inhparent = 'audit.entry'::regclass
               union select unnest(array['audit.log', 'audit.leaf', 'audit.checkpoint']::regclass[]) loop
             execute format('alter table %s disable row level security', t);
           end loop; end $$; grant usage on schema audit to kg_owner; set role kg_owner",
    )
    .execute(&mut conn)
    .await
    .unwrap();
    assert_eq!(attempt(&mut conn, CHANGE_EVERYTHING).await, None, "owner");
    copy(&world, &admin(&world)).await.assert_verified(2);
    db.drop().await;
}

/// As its superuser: guards down, `sql`, guards up again. Leaves no trace in the catalogue.
async fn tamper(db: &TestDb, sql: &'static str) {
    let mut conn = db.admin().await;
    for statement in [
        "alter table audit.entry disable trigger user",
        "alter table audit.leaf disable trigger user",
        "alter table audit.checkpoint disable trigger user",
        "alter table audit.head disable trigger user",
        "alter table audit.tile disable trigger user",
        sql,
        "alter table audit.entry enable always trigger seal; alter table audit.entry enable always trigger nochange;
         alter table audit.leaf enable always trigger nochange; alter table audit.checkpoint enable always trigger nochange;
         alter table audit.head enable always trigger guard; alter table audit.tile enable always trigger nochange",
    ] {
        sqlx::raw_sql(statement).execute(&mut conn).await.unwrap();
    }
}

#[tokio::test]
async fn an_entry_edited_by_the_superuser_is_named_by_its_index() {
    let (db, world) = log(10).await;
    tamper(
        &db,
        "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'thing:7', 'thing:8'), 'UTF8') where entity = 'thing:7'",
    )
    .await;
    let (index, words) = copy(&world, &admin(&world)).await.tampered(None);
    assert_eq!(index, Some(7), "{words}");
    db.drop().await;
}

#[tokio::test]
async fn an_entry_edited_together_with_its_hashes_does_not_give_the_signed_root() {
    let (db, world) = log(10).await;
    let since = copy(&world, &admin(&world)).await.checkpoint;
    tamper(
        &db,
        "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), 'thing:7', 'thing:8'), 'UTF8') where entity = 'thing:7';
         update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf);
         update audit.leaf l set leaf_hash = e.leaf_hash from audit.entry e where e.id = l.entry_id",
    )
    .await;
    let copy = copy(&world, &admin(&world)).await;
    let said = copy.tampered(None).1;
    assert!(
        said.starts_with("the entries do not give the root that the checkpoint signs"),
        "{said}"
    );
    let said = copy.tampered(Some(&since)).1;
    assert!(
        said.starts_with("the first 10 entries are not those the older checkpoint signed"),
        "{said}"
    );
    db.drop().await;
}

#[tokio::test]
async fn a_deleted_entry_is_named_by_its_index() {
    let (db, world) = log(10).await;
    tamper(&db, "delete from audit.entry where entity = 'thing:4'").await;
    let (index, words) = copy(&world, &admin(&world)).await.tampered(None);
    assert_eq!(
        (index, words.as_str()),
        (Some(4), "the entry is missing from bundle tile/entries/000.p/10")
    );
    let mut tx = world.begin(&admin(&world)).await;
    assert!(tx.entry(4).await.is_err(), "a reader is told, too");
    assert!(tx.entries(&Default::default()).await.is_err());
    db.drop().await;
}

#[tokio::test]
async fn swapped_entries_are_named_by_the_first_of_them() {
    let (db, world) = log(10).await;
    tamper(
        &db,
        "alter table audit.leaf drop constraint leaf_tenant_id_entry_id_recorded_at_key;
         update audit.leaf a set entry_id = b.entry_id, recorded_at = b.recorded_at from audit.leaf b where a.idx = 11 - b.idx and a.idx in (5, 6)",
    )
    .await;
    assert_eq!(copy(&world, &admin(&world)).await.tampered(None).0, Some(5));
    db.drop().await;
}

#[tokio::test]
async fn removed_newest_entries_are_found_with_an_older_checkpoint() {
    let (db, world) = log(6).await;
    let mut integrator = integrator_of(&db);
    for n in 6..10 {
        append(&world, &admin(&world), &done(world.now, &format!("thing:{n}"))).await;
    }
    drain(&mut integrator).await;
    let since = copy(&world, &admin(&world)).await.checkpoint;
    tamper(
        &db,
        "delete from audit.entry where entity in ('thing:6', 'thing:7', 'thing:8', 'thing:9'); delete from audit.leaf where idx >= 6;
         delete from audit.checkpoint where size > 6; update audit.head set size = 6",
    )
    .await;
    let copy = copy(&world, &admin(&world)).await;
    copy.assert_verified(6); // by itself the shorter log is flawless
    assert_eq!(copy.tampered(Some(&since)).0, Some(6));
    db.drop().await;
}

#[tokio::test]
async fn an_entry_moved_into_another_tenant_s_log_is_refused_by_its_content() {
    let (db, world) = log(3).await;
    append(&world, &world.stranger(Level::TenantAdmin), &done(world.now, "theirs")).await;
    drain(&mut integrator_of(&db)).await;
    // A thief of the signing key numbers a foreign entry: hashes and signature are in order, the tenant is not.
    tamper(
        &db,
        "update audit.entry e set tenant_id = o.tenant_id from audit.log o where e.tenant_id <> o.tenant_id and e.entity = 'thing:0';
         update audit.progress set last_xid = '0', last_id = '00000000-0000-0000-0000-000000000000';
         delete from audit.leaf; delete from audit.checkpoint; update audit.head set size = 0, frontier = '{}'",
    )
    .await;
    drain(&mut integrator_of(&db)).await;
    let (index, words) = copy(&world, &world.stranger(Level::TenantAdmin)).await.tampered(None);
    assert_eq!((index, words.as_str()), (Some(0), "entry 0 is of another tenant"));
    db.drop().await;
}
