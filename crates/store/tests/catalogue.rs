//! What every migration must leave behind, read from the catalogue: a table somebody adds later is held to it as well.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]
use keepgate_store::{
    postgres::{Catalogue, GUARD_SQL, MigrateError, Role, catalogue},
    testing::TestDb,
};
use sqlx::{ConnectOptions, PgConnection};

async fn is_empty(sql: &'static str, why: &str) {
    let db = TestDb::new().await;
    let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut db.admin().await).await.unwrap();
    db.drop().await;
    assert_eq!(found, Vec::<String>::new(), "{why}");
}

#[tokio::test]
async fn whoever_wears_a_hat_writes_to_no_table() {
    is_empty(
        "select c.oid::regclass || ' ' || w.what
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           cross join (values ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) as w (what, command)
          where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$)'
            and case when w.what = 'DELETE' then has_table_privilege('kg_app', c.oid, 'DELETE')
                     else has_any_column_privilege('kg_app', c.oid, w.what) end
            and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive
                              and p.polcmd in (w.command::\"char\", '*') and 'kg_app'::regrole = any (p.polroles)
                              and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') || coalesce(pg_get_expr(p.polqual, p.polrelid), '') ~ 'gate.hat\\(\\)')
          order by 1",
        "a migration that lets kg_app write calls sec.mask_hats for the table",
    )
    .await;
}

#[tokio::test]
async fn verifiers_and_secrets_of_people_are_out_of_the_service_s_reach() {
    is_empty(
        "select a.attrelid::regclass || '.' || a.attname
           from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and n.nspname in ('identity', 'rbac', 'sso') and a.attnum > 0 and not a.attisdropped
            and (a.attname ~ 'phc|code_hash|secret|seed|public_key' or c.relname in ('password', 'throttle'))
            and has_column_privilege('kg_app', c.oid, a.attnum, 'SELECT')
          order by 1",
        "kg_auth alone reads what somebody proves itself with",
    )
    .await;
}

async fn differences(connection: &mut PgConnection) -> Vec<String> {
    let found = catalogue(connection).await.unwrap();
    found.differences.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_freshly_migrated_database_is_what_the_binary_expects_with_and_without_event_triggers() {
    let db = TestDb::new().await;
    let mut admin = db.admin().await;
    let found = catalogue(&mut admin).await.unwrap();
    assert_eq!(
        found,
        Catalogue::default(),
        "run `cargo xtask catalogue` after a migration"
    );
    for _ in 0..2 {
        sqlx::raw_sql(GUARD_SQL).execute(&mut admin).await.unwrap();
        let found = catalogue(&mut admin).await.unwrap();
        assert_eq!((found.differences, found.guarded), (vec![], true));
    }
    sqlx::raw_sql("select audit.ensure_partitions(date '2031-01-01', 3)")
        .execute(&mut db.options(Role::Integrator).connect().await.unwrap())
        .await
        .unwrap();
    assert_eq!(differences(&mut admin).await, Vec::<String>::new(), "more months");
    db.drop().await;
}

/// What somebody with the owner's or a superuser's rights may do to a wall, and what it is called then.
const BREACHES: &[(&str, &str)] = &[
    (
        "alter table audit.leaf disable trigger nochange",
        "trigger audit.leaf nochange was changed",
    ),
    (
        "alter table audit.leaf enable trigger nochange",
        "trigger audit.leaf nochange was changed",
    ),
    (
        "drop trigger notruncate on audit.tile",
        "trigger audit.tile notruncate is missing",
    ),
    (
        "drop trigger notruncate on audit.entry_{month}",
        "trigger audit.entry_{month} notruncate is missing",
    ),
    (
        "alter table audit.entry_{month} disable trigger seal",
        "trigger audit.entry_{month} seal was changed",
    ),
    (
        "create or replace function sec.deny() returns trigger language plpgsql as 'begin return new; end'",
        "function sec.deny() was changed",
    ),
    (
        "alter function gate.enter(text, bytea) security invoker",
        "function gate.enter(p_claims text, p_sig bytea) was changed",
    ),
    (
        "alter function sec.seal_entry() set search_path = public",
        "function sec.seal_entry() was changed",
    ),
    (
        "alter function sec.seal_entry() owner to kg_owner",
        "function sec.seal_entry() was changed",
    ),
    (
        "grant execute on function sec.install_claim_key(text, bytea, bytea) to kg_app",
        "function sec.install_claim_key(p_kid text, p_ipad bytea, p_opad bytea) was changed",
    ),
    (
        "create function gate.door() returns void language sql security definer as 'delete from audit.leaf'",
        "function gate.door() was added",
    ),
    (
        "create function audit.sha256(bytea) returns bytea language sql as 'select $1'",
        "function audit.sha256(bytea) was added",
    ),
    (
        "create operator audit.|| (leftarg = bytea, rightarg = bytea, function = pg_catalog.byteacat)",
        "operator audit.||(bytea,bytea) was added",
    ),
    (
        "create rule r as on insert to audit.leaf do instead nothing",
        "rule audit.leaf r was added",
    ),
    (
        "create function audit.f() returns trigger language plpgsql as 'begin return null; end'; create trigger a before insert on audit.entry for each row execute function audit.f()",
        "trigger audit.entry a was added",
    ),
    (
        "alter table audit.entry no force row level security",
        "table audit.entry was changed",
    ),
    (
        "alter table audit.entry_{month} disable row level security",
        "table audit.entry_{month} was changed",
    ),
    (
        "grant update on audit.leaf to kg_integrator",
        "table audit.leaf was changed",
    ),
    (
        "grant update (leaf) on audit.entry to kg_app",
        "columns of audit.entry was changed",
    ),
    (
        "grant select on audit.entry_{month} to public",
        "table audit.entry_{month} was changed",
    ),
    (
        "alter table audit.checkpoint owner to kg_sec",
        "table audit.checkpoint was changed",
    ),
    (
        "alter policy app_r on audit.entry using (true)",
        "policies of audit.entry was changed",
    ),
    (
        "drop policy app_r on rbac.principal",
        "policies of rbac.principal was changed",
    ),
    (
        "alter table audit.leaf drop constraint leaf_leaf_hash_check",
        "constraints of audit.leaf was changed",
    ),
    (
        "alter table audit.leaf alter column leaf_hash drop not null",
        "columns of audit.leaf was changed",
    ),
    (
        "alter table audit.entry alter column recorded_at set default now() - interval '1 day'",
        "columns of audit.entry was changed",
    ),
    ("drop index audit.entry_id", "indexes of audit.entry was changed"),
    ("alter table audit.leaf set unlogged", "table audit.leaf was changed"),
    (
        "alter table audit.entry detach partition audit.entry_{month}",
        "table audit.entry_{month} was added",
    ),
    ("create table audit.mine ()", "table audit.mine was added"),
    ("drop table keys.data_key cascade", "table keys.data_key is missing"),
    ("alter schema sec owner to kg_app", "schema sec is missing"),
    ("grant create on schema audit to kg_app", "schema audit was changed"),
    (
        "alter default privileges for role kg_owner grant select on tables to public",
        "default rights kg_owner r was added",
    ),
    (
        "alter table rbac.role_assignment disable trigger all",
        "foreign key triggers of rbac.role_assignment was changed",
    ),
    (
        "update public.schema_migrations set checksum = '' where version = 5",
        "migration 0005 was changed",
    ),
    (
        "set session_replication_role = replica",
        "setting this connection session_replication_role was added",
    ),
    ("alter event trigger kg_ddl disable", "event trigger kg_ddl was changed"),
    ("drop event trigger kg_drop", "event trigger kg_drop is missing"),
    (
        "drop trigger migration on kg_guard.change",
        "guard kg_guard.change was changed",
    ),
    (
        "create or replace function kg_guard.judge(p_schema text, p_command text, p_what text) returns void language sql as ''",
        "guard kg_guard.judge was changed",
    ),
];

#[tokio::test]
async fn every_breach_is_named() {
    let db = TestDb::new().await;
    let mut admin = db.admin().await;
    sqlx::raw_sql(GUARD_SQL).execute(&mut admin).await.unwrap();
    let month: String = sqlx::query_scalar("select to_char(now() at time zone 'UTC', 'YYYYMM')")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    for (breach, named) in BREACHES {
        // Whoever may disable the event triggers does so first, and everything is undone by the end of the transaction.
        let open = if breach.contains("event trigger") {
            ""
        } else {
            "alter event trigger kg_ddl disable; alter event trigger kg_drop disable;"
        };
        let sql = format!("begin; {open} {}", breach.replace("{month}", &month));
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut admin)
            .await
            .unwrap_or_else(|error| panic!("{breach}: {error}"));
        let told = differences(&mut admin).await;
        sqlx::raw_sql("rollback; reset session_replication_role")
            .execute(&mut admin)
            .await
            .unwrap();
        let named = named.replace("{month}", &month);
        assert!(told.contains(&named), "{breach} is told as {told:?}");
        assert_eq!(differences(&mut admin).await, Vec::<String>::new(), "undone");
    }
    db.drop().await;
}

#[tokio::test]
async fn rights_to_settings_and_settings_of_the_database_are_named() {
    let db = TestDb::new().await;
    let mut admin = db.admin().await;
    let name: String = sqlx::query_scalar("select current_database()")
        .fetch_one(&mut admin)
        .await
        .unwrap();
    for (breach, named) in [
        (
            format!("alter database {name} set session_replication_role = replica"),
            "setting everybody session_replication_role was added",
        ),
        (
            format!("alter role kg_auditor in database {name} set search_path = public"),
            "setting kg_auditor search_path was added",
        ),
        (
            "grant set on parameter session_replication_role to kg_auditor".into(),
            "right to a setting session_replication_role kg_auditor was added",
        ),
    ] {
        let sql = format!("begin; {breach}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut admin)
            .await
            .unwrap();
        let told = differences(&mut admin).await;
        sqlx::raw_sql("rollback").execute(&mut admin).await.unwrap();
        assert_eq!(told, [named]);
    }
    db.drop().await;
}

#[tokio::test]
async fn whoever_owns_the_schema_changes_it_by_migrations_only() {
    let db = TestDb::new().await;
    let mut admin = db.admin().await;
    sqlx::raw_sql(GUARD_SQL).execute(&mut admin).await.unwrap();
    let mut migrator = db.options(Role::Migrator).connect().await.unwrap();
    sqlx::raw_sql("grant insert, select on public.schema_migrations to kg_migrator")
        .execute(&mut admin)
        .await
        .unwrap();
    for sql in [
        "begin; set local role kg_owner; alter table audit.entry disable trigger all; commit",
        "begin; set local role kg_owner; drop trigger notruncate on audit.leaf; commit",
        "begin; set local role kg_sec; create or replace function sec.deny() returns trigger language plpgsql as 'begin return new; end'; commit",
        "begin; set local role kg_owner; create table audit.p (like audit.entry including defaults including constraints);
           alter table audit.entry attach partition audit.p for values from ('2001-01-01') to ('2001-02-01'); commit",
    ] {
        let refused = sqlx::raw_sql(sql).execute(&mut migrator).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}");
        sqlx::raw_sql("rollback").execute(&mut migrator).await.unwrap();
        let refused = sqlx::raw_sql(sql).execute(&mut admin).await.unwrap_err();
        assert_eq!(refused.as_database_error().unwrap().code().as_deref(), Some("42501"), "{sql}");
        sqlx::raw_sql("rollback").execute(&mut admin).await.unwrap();
    }
    // A migration that says so goes through, and is what the binary does not know.
    let migration = "begin; set local role kg_owner; create table rbac.more (); reset role;
        insert into public.schema_migrations (version, description, success, checksum, execution_time) values (9999, '', true, '', 0); commit";
    sqlx::raw_sql(migration).execute(&mut migrator).await.unwrap();
    assert!(matches!(catalogue(&mut admin).await, Err(MigrateError::Unknown(9999))));
    db.drop().await;
}
