//! The audit log: its rows, its names, and changes without it.
use crate::{
    attack::{Attack, Ending, Verdict, Who, code, refused, sql},
    cast::fill,
    siege::{Siege, one, run},
};

const ENTRY: &str = "select gate.append_entry({x}, 'test.mark', 'test', 'done', null, {x}, null, 'user', {t4})";

/// An entry tells who really acted, whatever the statement says.
fn in_another_s_name(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        run(&mut connection, &fill(ENTRY)).await.unwrap();
        let actor = one(&mut connection, "select actor_id::text from audit.entry where id = {x}")
            .await
            .unwrap();
        Verdict::of(actor == crate::cast::id("t5").to_string(), actor)
    })
}

/// At the commit, a change without an entry goes.
fn unlogged(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for text in [
            "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t1b}",
            "update rbac.role_assignment set level = 2, granted_by = {t5} where principal_id = {t1b}",
            "update identity.session set revoked_at = now() where principal_id = {t1b}",
            "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t1b}, sha256('q'), now() + interval '1 hour')",
            "update identity.api_key set revoked_at = now() where id = {tkey}",
            "update channels.recipient set name = 'x' where id = {trec}",
            "set constraints all deferred; delete from channels.webhook",
        ] {
            let mut connection = siege.within(Who::App("t5")).await.unwrap();
            if let Err(error) = run(&mut connection, &fill(text)).await {
                return Verdict::Broken(format!("{text}: {error}"));
            }
            match run(&mut connection, "commit").await {
                Err(error) if error.code == "KG002" => {}
                other => return Verdict::Breach(format!("{text}: {other:?}")),
            }
        }
        Verdict::Blocked("KG002".into())
    })
}

pub fn attacks() -> Vec<Attack> {
    let (app, root) = (Who::App("t5"), Who::Superuser);
    let mut all = vec![
        code("an entry in another's name", app, in_another_s_name),
        code("a change without an entry", app, unlogged),
        refused("an entry without a context", Who::Nobody, ENTRY),
        refused(
            "an entry written directly",
            app,
            "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, {x}, 'user', {t4}, 'a.b', 'x', 'done', {x}, '', sha256(''))",
        ),
        refused(
            "an entry changed",
            app,
            "update audit.entry set outcome = 'refused', reason = 'x'",
        ),
        refused("an entry deleted", app, "delete from audit.entry"),
        refused("the log truncated", app, "truncate audit.entry"),
        refused("an opening erased by the service", app, "delete from audit.opening"),
        refused(
            "a leaf made by the service",
            app,
            "insert into audit.leaf (tenant_id, idx, entry_id, recorded_at, leaf_hash) values ({t}, 0, {x}, now(), sha256(''))",
        ),
        refused(
            "a checkpoint made by the service",
            app,
            "insert into audit.checkpoint (tenant_id, size, root, note) values ({t}, 0, sha256(''), 'x')",
        ),
        sql(
            "entries of another tenant",
            app,
            "select 1 from audit.entry where tenant_id <> {t}",
        ),
    ];
    for (what, text) in [
        (
            "changes an entry",
            "update audit.entry set outcome = 'refused', reason = 'x'",
        ),
        ("deletes an entry", "delete from audit.entry"),
        ("changes a message", "update channels.message set priority = 'low'"),
    ] {
        let seeded = format!("{}; set local session_replication_role = replica; {text}", seeded());
        all.push(refused(format!("superuser {what} as a replica"), root, seeded));
    }
    all.push(refused(
        "superuser truncates the log as a replica",
        root,
        "set local session_replication_role = replica; truncate audit.entry",
    ));
    all.push(refused("superuser backdates an entry", root, "insert into audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, {x}, now() - interval '1 hour', 'user', {t4}, 'a.b', 'x', 'done', {x}, '', sha256(''))"));
    all
}

/// An entry to be attacked.
fn seeded() -> &'static str {
    "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, {x}, 'user', {t4}, 'a.b', 'x', 'done', {x}, '', sha256(''))"
}
