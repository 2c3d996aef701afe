//! What the database refuses, and what goes through without touching anything.
use crate::scene::Scene;

/// An attempt that must not get anywhere.
pub struct Attempt {
    /// Who makes it.
    pub who: Who,
    pub what: &'static str,
    pub sql: &'static str,
    /// What it is refused with; `None` when it goes through and finds nothing it may touch.
    pub state: Option<&'static str>,
}

/// In whose name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Service,
    LogIn,
    Integrator,
    Auditor,
    Migrator,
    Owner,
    Superuser,
}

impl Who {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::LogIn => "log-in service",
            Self::Integrator => "integrator",
            Self::Auditor => "auditor",
            Self::Migrator => "migrator",
            Self::Owner => "owner of the tables",
            Self::Superuser => "superuser",
        }
    }

    /// The login role, and the statement that takes on another.
    fn role(self, superuser: &str) -> (&str, &'static str) {
        match self {
            Self::Service => ("kg_app", ""),
            Self::LogIn => ("kg_auth", ""),
            Self::Integrator => ("kg_integrator", ""),
            Self::Migrator => ("kg_migrator", "set role kg_owner; "),
            Self::Auditor => (superuser, "set role kg_auditor; "),
            Self::Owner => (superuser, "set role kg_owner; "),
            Self::Superuser => (superuser, ""),
        }
    }
}

const DENIED: Option<&str> = Some("42501");

const fn no(who: Who, what: &'static str, sql: &'static str) -> Attempt {
    Attempt {
        who,
        what,
        sql,
        state: DENIED,
    }
}

const fn in_vain(who: Who, what: &'static str, sql: &'static str) -> Attempt {
    Attempt {
        who,
        what,
        sql,
        state: None,
    }
}

use Who::{Auditor, Integrator, LogIn, Migrator, Owner, Service, Superuser};

pub const ATTEMPTS: &[Attempt] = &[
    no(Service, "change an entry", "update audit.entry set outcome = 'done'"),
    no(Service, "delete entries", "delete from audit.entry"),
    no(Service, "truncate the log", "truncate audit.entry"),
    no(
        Service,
        "insert an entry of one's own, back-dated",
        "insert into audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, gen_random_uuid(), now() - interval '1 day', 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', '')",
    ),
    no(
        Service,
        "change an entry through an upsert",
        "insert into audit.entry select * from audit.entry on conflict (recorded_at, tenant_id, id) do update set outcome = 'done'",
    ),
    no(
        Service,
        "address a month past its parent",
        "update {month} set outcome = 'done'",
    ),
    no(
        Service,
        "write a leaf",
        "insert into audit.leaf values ({t}, 0, gen_random_uuid(), now(), sha256(''))",
    ),
    no(Service, "delete checkpoints", "delete from audit.checkpoint"),
    no(
        Service,
        "switch triggers off by a setting",
        "set session_replication_role = replica",
    ),
    no(Service, "take the owner's role", "set role kg_owner"),
    no(
        Service,
        "switch triggers off",
        "alter table audit.entry disable trigger all",
    ),
    no(
        Service,
        "put a rule before the log",
        "create rule r as on insert to audit.entry do instead nothing",
    ),
    no(LogIn, "change an entry", "update audit.entry set outcome = 'done'"),
    no(Integrator, "change an entry", "update audit.entry set outcome = 'done'"),
    no(Integrator, "renumber leaves", "update audit.leaf set idx = idx + 1"),
    no(Integrator, "delete a leaf", "delete from audit.leaf where idx = 150"),
    no(Integrator, "shrink a log", "update audit.head set size = size - 1"),
    no(
        Integrator,
        "delete the newest checkpoint",
        "delete from audit.checkpoint where size = {n}",
    ),
    no(Integrator, "change a tile", "update audit.tile set hashes = hashes"),
    no(
        Integrator,
        "write an entry",
        "insert into audit.entry (tenant_id) values ({t})",
    ),
    no(
        Auditor,
        "write a leaf",
        "insert into audit.leaf values ({t}, 0, gen_random_uuid(), now(), sha256(''))",
    ),
    no(Auditor, "delete an entry", "delete from audit.entry"),
    no(
        Auditor,
        "read what addresses are kept under",
        "select * from audit.sealed_opening",
    ),
    no(Migrator, "truncate a month", "truncate {month}"),
    no(
        Migrator,
        "switch triggers off outside of a migration",
        "alter table audit.entry disable trigger all",
    ),
    no(Migrator, "drop a month outside of a migration", "drop table {month}"),
    no(
        Migrator,
        "attach a month without guards",
        "create table audit.bare (like audit.entry including defaults including constraints); alter table audit.entry attach partition audit.bare for values from ('2001-01-01') to ('2001-02-01')",
    ),
    in_vain(
        Owner,
        "change entries past row security",
        "update audit.entry set outcome = 'done'",
    ),
    in_vain(Owner, "delete leaves past row security", "delete from audit.leaf"),
    no(Owner, "truncate the log", "truncate audit.entry"),
    no(
        Owner,
        "truncate a month, whose trigger is not inherited",
        "truncate {month}",
    ),
    no(
        Owner,
        "rewrite a column through ALTER TYPE USING",
        "alter table audit.entry alter column leaf type bytea using set_byte(leaf, 10, 65)",
    ),
    no(
        Owner,
        "switch triggers off",
        "alter table audit.entry disable trigger all",
    ),
    no(
        Owner,
        "detach a month",
        "alter table audit.entry detach partition {month}",
    ),
    no(Owner, "drop a month", "drop table {month}"),
    no(
        Owner,
        "put a rule before the log that swallows entries",
        "create rule r as on insert to audit.entry do instead nothing",
    ),
    no(
        Owner,
        "put a trigger before the log that swallows entries",
        "create function audit.f() returns trigger language plpgsql as 'begin return null; end'; create trigger a before insert on audit.entry for each row execute function audit.f()",
    ),
    no(
        Owner,
        "open the row security",
        "alter table audit.entry no force row level security",
    ),
    no(
        Owner,
        "give the service the right to change entries",
        "set role none; create or replace function sec.deny() returns trigger language plpgsql as 'begin return new; end'",
    ),
    no(Superuser, "change an entry", "update audit.entry set outcome = 'done'"),
    no(Superuser, "delete an entry", "delete from audit.entry"),
    no(
        Superuser,
        "change an entry as a replica",
        "set session_replication_role = replica; update audit.entry set outcome = 'done'",
    ),
    no(
        Superuser,
        "truncate as a replica",
        "set session_replication_role = replica; truncate audit.leaf",
    ),
    no(
        Superuser,
        "insert a back-dated entry as logical replication would",
        "set session_replication_role = replica; insert into audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, gen_random_uuid(), now() - interval '1 minute', 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', '')",
    ),
    no(Superuser, "shrink a log", "update audit.head set size = size - 1"),
    no(
        Superuser,
        "change a leaf through a function of one's own, called by the service",
        "create function public.f() returns void language sql security definer as 'delete from audit.leaf'; grant execute on function public.f() to kg_app; set role kg_app; select public.f()",
    ),
    in_vain(
        Superuser,
        "put a false sha256 before the real one",
        "create schema evil; create function evil.sha256(bytea) returns bytea language sql as 'select ''\\x00''::bytea'; set search_path = evil, pg_catalog; insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, gen_random_uuid(), 'user', gen_random_uuid(), 'a.b', 'x', 'done', gen_random_uuid(), '', ''); delete from pg_catalog.pg_class where exists (select from audit.entry where leaf_hash <> pg_catalog.sha256('\\x00'::bytea || leaf))",
    ),
    no(
        Superuser,
        "change the record of changes",
        "update kg_guard.change set what = null",
    ),
];

#[tokio::test]
async fn what_must_not_get_anywhere_does_not() {
    let scene = Scene::prepare().await;
    let database = scene.copy("").await;
    for attempt in ATTEMPTS {
        let what = format!("{}: {}", attempt.who.name(), attempt.what);
        let (role, prelude) = attempt.who.role(scene.fleet.superuser());
        let sql = scene.fill(&format!("{prelude}{}", attempt.sql));
        let ended = scene.fleet.attempt(&database, role, &sql).await;
        let state = ended.as_ref().err().map(String::as_str);
        assert_eq!(state, attempt.state, "{what}: {ended:?}");
        println!("{what}: {}", state.unwrap_or("touches nothing"));
    }
    scene.window().await;
    // None of it left a trace in the log.
    let honest = scene.verify(&database, true).await;
    assert_eq!(honest.code, Some(0), "{honest:?}");
}
