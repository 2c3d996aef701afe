//! Becoming somebody else in the database, or taking a wall down with its own tools.
use sqlx::Connection;

use crate::{
    attack::{Attack, Ending, Verdict, Who, code, ends_with, refused, sql},
    siege::{Claims, Siege, one, run},
};

const ROLES: [&str; 7] = [
    "kg_owner",
    "kg_sec",
    "kg_migrator",
    "kg_auth",
    "kg_integrator",
    "kg_auditor",
    "postgres",
];

async fn each_refused(siege: &Siege, who: Who, statements: Vec<String>) -> Verdict {
    for statement in &statements {
        match siege.try_sql(who, statement).await {
            Ok(_) => return Verdict::Breach(format!("accepted: {statement}")),
            // No such role, no right, not the owner, in a transaction.
            Err(error) if ["42501", "42704", "25001", "22023", "42809"].contains(&error.code.as_str()) => {}
            Err(error) => return Verdict::Broken(format!("{statement}: {error}")),
        }
    }
    Verdict::Blocked(format!("{} refused", statements.len()))
}

fn set_role(siege: &Siege) -> Ending<'_> {
    let all = ROLES.iter().flat_map(|role| {
        [
            format!("set role {role}"),
            format!("set local role {role}"),
            format!("set session authorization {role}"),
        ]
    });
    Box::pin(each_refused(siege, Who::App("t5"), all.collect()))
}

fn set_role_of_auth(siege: &Siege) -> Ending<'_> {
    let all = ["kg_app", "kg_owner", "kg_sec", "kg_migrator", "postgres"].map(|role| format!("set role {role}"));
    Box::pin(each_refused(siege, Who::Auth("t"), all.to_vec()))
}

fn walls_down(siege: &Siege) -> Ending<'_> {
    let all = [
        "alter table rbac.principal disable row level security",
        "alter table rbac.principal no force row level security",
        "alter table rbac.role_assignment disable trigger guard",
        "alter table rbac.principal owner to kg_app",
        "drop policy app_r on rbac.principal",
        "alter policy app_r on rbac.principal using (true)",
        "create policy mine on rbac.principal to kg_app using (true)",
        "drop trigger guard on rbac.role_assignment",
        "drop table channels.message",
        "drop function sec.guard_assignment() cascade",
        "create or replace function gate.hat() returns text language sql as 'select null'",
        "alter function gate.hat() owner to kg_app",
        "grant kg_owner to kg_app",
        "grant all on identity.password to kg_app",
        "alter role kg_app superuser",
        "alter role kg_app bypassrls",
        "create role thief superuser",
        "alter system set row_security = off",
        "alter default privileges for role kg_owner grant all on tables to kg_app",
        "security label on table rbac.principal is 'x'",
    ];
    Box::pin(each_refused(siege, Who::App("t5"), all.map(str::to_owned).to_vec()))
}

fn own_objects(siege: &Siege) -> Ending<'_> {
    let all = [
        "public",
        "rbac",
        "identity",
        "keys",
        "channels",
        "audit",
        "doorway",
        "gate",
        "sec",
        "pg_catalog",
    ]
    .into_iter()
    .flat_map(|schema| {
        [
            format!("create table {schema}.mine (a int)"),
            format!("create function {schema}.mine() returns int language sql as 'select 1'"),
            format!("create view {schema}.mine as select 1"),
        ]
    });
    let more = [
        "create schema mine",
        "create temp table mine (a int)",
        "create extension dblink",
        "create event trigger e on ddl_command_end execute function sec.deny()",
    ];
    Box::pin(each_refused(
        siege,
        Who::App("t5"),
        all.chain(more.map(str::to_owned)).collect(),
    ))
}

/// Functions and operators of an attacker in front of the real ones: those the hot functions without a `SET` clause use.
fn hijacked_search_path(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut admin = siege.db.admin().await;
        run(
            &mut admin,
            "create schema if not exists evil;
             create or replace function evil.yes_text(text, text) returns bool language sql as 'select true';
             create or replace function evil.yes_uuid(uuid, uuid) returns bool language sql as 'select true';
             create or replace function evil.no_int(int, int) returns bool language sql as 'select false';
             create or replace function evil.\"right\"(text, int) returns text language sql as $$ select repeat('0', 64) $$;
             create or replace function evil.sha256(bytea) returns bytea language sql as $$ select decode(repeat('00', 32), 'hex') $$;
             create or replace function evil.length(text) returns int language sql as 'select 100';
             create or replace function evil.string_to_array(text, text) returns text[] language sql as $$ select array['x'] $$;
             create or replace function evil.now() returns timestamptz language sql as $$ select timestamptz '2000-01-01' $$;
             grant usage on schema evil to kg_app; grant execute on all functions in schema evil to kg_app",
        )
        .await
        .unwrap();
        for (name, left, function) in [
            ("=", "text", "yes_text"),
            ("=", "uuid", "yes_uuid"),
            ("<", "int", "no_int"),
            (">", "int", "no_int"),
        ] {
            let _there = run(
                &mut admin,
                &format!(
                    "create operator evil.{name} (leftarg = {left}, rightarg = {left}, function = evil.{function})"
                ),
            )
            .await;
        }
        let mut connection = siege.within(Who::Nobody).await.unwrap();
        run(&mut connection, "set local search_path = evil, pg_catalog")
            .await
            .unwrap();
        let live = one(
            &mut connection,
            "select (1 < 2)::text || right('x', 1) || ('a'::text = 'b'::text)::text",
        )
        .await
        .unwrap();
        if !live.starts_with("false000") || !live.ends_with("0true") {
            return Verdict::Broken(format!("the hijack is not live: {live}"));
        }
        let mut seen = Vec::new();
        for context in [
            String::new(),
            format!(
                "{}|ses|x|{}|5|-|-|t|{}",
                crate::cast::id("t5"),
                crate::cast::id("t"),
                "0".repeat(64)
            ),
        ] {
            run(&mut connection, &format!("set local kg.ctx = '{context}'"))
                .await
                .unwrap();
            seen.push(
                one(&mut connection, "select count(*)::text from rbac.principal")
                    .await
                    .unwrap(),
            );
        }
        drop(connection);
        let mut connection = siege.within(Who::App("t2")).await.unwrap();
        run(&mut connection, "set local search_path = evil, pg_catalog")
            .await
            .unwrap();
        seen.push(
            one(
                &mut connection,
                "select count(*)::text from rbac.principal where tenant_id OPERATOR(pg_catalog.<>) {t}",
            )
            .await
            .unwrap(),
        );
        seen.push(
            one(
                &mut connection,
                "select count(*)::text from channels.message where sender_id OPERATOR(pg_catalog.=) {t1u}",
            )
            .await
            .unwrap(),
        );
        Verdict::of(seen.iter().all(|count| count == "0"), format!("{seen:?} rows"))
    })
}

/// A setting on one's own role lasts for later connections; it must change nothing.
fn poisoned_role(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        // In this database alone: the whole role's would meet every other test of the cluster.
        let here = siege.ask("select quote_ident(current_database())").await;
        let mut connection = siege.within(Who::App("t2")).await.unwrap();
        let set = run(
            &mut connection,
            &format!("alter role kg_app in database {here} set kg.ctx = 'forged'; alter role kg_app in database {here} set search_path = 'evil'; commit"),
        )
        .await;
        if let Err(error) = set {
            return Verdict::Blocked(error.to_string());
        }
        let _gone = connection.close().await;
        let mut fresh = siege.within(Who::Nobody).await.unwrap();
        let nobody = one(&mut fresh, "select count(*)::text from rbac.principal")
            .await
            .unwrap();
        Claims::of("t2").enter(&mut fresh).await.unwrap();
        let foreign = one(
            &mut fresh,
            "select count(*)::text from rbac.principal where tenant_id <> {t}",
        )
        .await
        .unwrap();
        let mut admin = siege.db.admin().await;
        run(&mut admin, &format!("alter role kg_app in database {here} reset all"))
            .await
            .unwrap();
        Verdict::of(nobody == "0" && foreign == "0", format!("{nobody} and {foreign} rows"))
    })
}

pub fn attacks() -> Vec<Attack> {
    let me = Who::App("t5");
    vec![
        code("SET ROLE and SET SESSION AUTHORIZATION", me, set_role),
        code("SET ROLE by the log-in's role", me, set_role_of_auth),
        refused(
            "row_security = off",
            me,
            "set local row_security = off; select 1 from rbac.principal",
        ),
        refused(
            "session_replication_role = replica",
            me,
            "set local session_replication_role = replica",
        ),
        code("ALTER, DROP, GRANT on the walls", me, walls_down),
        code("objects of one's own", me, own_objects),
        code("search_path and operators hijacked", me, hijacked_search_path),
        code("settings left on one's own role", me, poisoned_role),
        refused("COPY from a program", me, "copy channels.recipient from program 'id'"),
        refused("COPY to a file", me, "copy channels.recipient to '/tmp/stolen'"),
        refused("a server file read", me, "select pg_read_file('/etc/passwd')"),
        refused("a large object from a file", me, "select lo_import('/etc/passwd')"),
        ends_with(
            "a function by its definer's name",
            me,
            "select sec.guard_assignment()",
            &["42501"],
        ),
        refused("the sealed context's reader", me, "select gate.ctx()"),
        refused(
            "the genesis again",
            me,
            "select sec.genesis('{}'::jsonb)".replace("{}", "[]"),
        ),
        refused(
            "a claim key of one's own",
            me,
            "select sec.install_claim_key('mine', decode(repeat('00', 64), 'hex'), decode(repeat('00', 64), 'hex'))",
        ),
        refused(
            "policies made by the migrations' helper",
            me,
            "select sec.mask_hats('rbac.principal')",
        ),
        refused(
            "partitions made by the service",
            me,
            "select audit.ensure_partitions(current_date, 1)",
        ),
        sql(
            "a second statement through query_to_xml",
            me,
            "select 1 from query_to_xml('select set_config(''kg.ctx'', '''', true)', true, true, '')",
        )
        .locked_down(),
        refused("DO block", me, "do $$ begin perform 1; end $$").locked_down(),
        refused("other backends killed", me, "select pg_terminate_backend(0)").locked_down(),
        refused("other sessions' queries", me, "select query from pg_stat_activity").locked_down(),
        refused("large objects as a store", me, "select lo_from_bytea(0, 'x')").locked_down(),
        refused("advisory locks hogged", me, "select pg_advisory_lock(1)").locked_down(),
        refused("time as an oracle", me, "select pg_sleep(0)").locked_down(),
        refused("notifications in our name", me, "select pg_notify('x', 'y')").locked_down(),
        refused(
            "settings through a function",
            me,
            "select set_config('role', 'kg_app', true)",
        )
        .locked_down(),
    ]
}
