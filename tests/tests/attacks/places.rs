//! Levels 1 to 3 in their place; hats; freshness; what a person does to a message's journey.
use crate::attack::{Attack, Who, refused, sql};

const CHANGES: [(&str, &str); 8] = [
    (
        "makes a principal",
        "insert into rbac.principal (tenant_id, id, kind, email) values ({t}, {x}, 'user', 'x@example.org')",
    ),
    (
        "gives a level",
        "update rbac.role_assignment set level = 1, granted_by = (select gate.subject()) where principal_id = {t2}",
    ),
    (
        "disables somebody",
        "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t2}",
    ),
    (
        "ends somebody's session",
        "update identity.session set revoked_at = now() where principal_id = {t2}",
    ),
    (
        "makes a code",
        "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t2}, sha256('y'), now() + interval '1 hour')",
    ),
    ("revokes a key", "update identity.api_key set revoked_at = now()"),
    ("changes a recipient", "update channels.recipient set name = 'x'"),
    ("deletes a route", "delete from channels.route"),
];

const STALE: [(&str, &str); 5] = [
    (
        "gives a level",
        "update rbac.role_assignment set level = 4, unit_id = null, granted_by = {stale} where principal_id = {t2}",
    ),
    (
        "disables somebody",
        "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t2}",
    ),
    (
        "makes a code",
        "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t2}, sha256('y'), now() + interval '1 hour')",
    ),
    (
        "makes a key",
        "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {stale}, 'x', '$argon2id$x')",
    ),
    (
        "replaces a key's secret",
        "update identity.api_key set phc = '$argon2id$mine'",
    ),
];

pub fn attacks() -> Vec<Attack> {
    let mut all = vec![
        sql(
            "level 1 reads a colleague",
            Who::App("t1"),
            "select 1 from rbac.principal where id <> {t1}",
        ),
        sql(
            "level 1 reads a colleague's level",
            Who::App("t1"),
            "select 1 from rbac.role_assignment where principal_id <> {t1}",
        ),
        sql(
            "level 1 reads a colleague's message",
            Who::App("t1"),
            "select 1 from channels.message where sender_id <> {t1}",
        ),
        sql(
            "level 1 reads a colleague's delivery",
            Who::App("t1"),
            "select 1 from channels.delivery where message_id <> {m1}",
        ),
        sql(
            "level 1 reads a colleague's stream",
            Who::App("t1"),
            "select 1 from channels.stream_event",
        ),
        sql(
            "level 1 reads a colleague's answers",
            Who::App("t1"),
            "select 1 from doorway.idempotency",
        ),
        sql("level 1 reads the log", Who::App("t1"), "select 1 from audit.entry"),
        sql(
            "level 1 reads sessions of others",
            Who::App("t1"),
            "select 1 from identity.session where principal_id <> {t1}",
        ),
        sql("level 1 reads keys", Who::App("t1"), "select id from identity.api_key"),
        sql(
            "level 2 reads people of another unit",
            Who::App("t2"),
            "select 1 from rbac.principal where id in ({t1u}, {t2u}, {t3u}, {t4}, {t5})",
        ),
        sql(
            "level 2 reads messages of another unit",
            Who::App("t2"),
            "select 1 from channels.message where id in ({mu}, {m4})",
        ),
        sql(
            "level 3 reads people of another unit",
            Who::App("t3"),
            "select 1 from rbac.principal where id in ({t1u}, {t2u}, {t3u}, {t4}, {t5})",
        ),
        sql(
            "level 3 reads levels of another unit",
            Who::App("t3"),
            "select 1 from rbac.role_assignment where principal_id in ({t1u}, {t2u}, {t3u}, {t4}, {t5})",
        ),
        sql(
            "level 3 reads messages of another unit",
            Who::App("t3"),
            "select 1 from channels.message where id in ({mu}, {m4})",
        ),
        sql(
            "level 3 reads attempts of another unit",
            Who::App("t3"),
            "select 1 from channels.attempt where message_id in ({mu}, {m4})",
        ),
        sql(
            "level 3 acknowledges a message of another unit",
            Who::App("t3"),
            "update channels.delivery set status = 'acknowledged', acked_at = now(), acked_kind = 'user', acked_by = {t3}, ended_at = now() where message_id = {mu}",
        ),
        sql(
            "a key reads messages of another unit",
            Who::App("key:t"),
            "select 1 from channels.message where id in ({mu}, {m4})",
        ),
        sql(
            "level 3 moves itself to another unit",
            Who::App("t3"),
            "update rbac.role_assignment set unit_id = {yard}, granted_by = {t3} where principal_id = {t3}",
        ),
        sql(
            "level 3 moves somebody to its unit",
            Who::App("t3"),
            "update rbac.role_assignment set unit_id = {unit}, granted_by = {t3} where principal_id = {t1u}",
        ),
        refused(
            "a message sent in another's name",
            Who::App("t1"),
            message("{t1b}", "{unit}"),
        ),
        refused(
            "a message sent for another unit",
            Who::App("t1"),
            message("{t1}", "{yard}"),
        ),
        refused("a message sent for no unit", Who::App("t1"), message("{t1}", "null")),
        refused(
            "a message sent into another tenant",
            Who::App("t1"),
            message("{t1}", "{unit}").replace("values ({t}", "values ({o}"),
        ),
        refused(
            "a message sent by the platform",
            Who::App("p7"),
            message("{p7}", "null").replace("values ({t}", "values ({p}"),
        ),
        refused(
            "a message changed",
            Who::App("t5"),
            "update channels.message set priority = 'low'",
        ),
        refused("a message deleted", Who::App("t5"), "delete from channels.message"),
        sql(
            "a delivery moved by a person",
            Who::App("t5"),
            "update channels.delivery set step = 2, wake_at = now()",
        ),
        sql(
            "a delivery failed by a person",
            Who::App("t5"),
            "update channels.delivery set status = 'failed', ended_at = now()",
        ),
        sql(
            "a delivery cancelled by level 1",
            Who::App("t1"),
            "update channels.delivery set status = 'cancelled', ended_at = now()",
        ),
        sql(
            "a delivery acknowledged in another's name",
            Who::App("t2"),
            "update channels.delivery set status = 'acknowledged', acked_at = now(), acked_kind = 'user', acked_by = {t5}, ended_at = now() where message_id = {m1}",
        ),
        sql(
            "an attempt reported by a person",
            Who::App("t5"),
            "update channels.attempt set state = 'delivered'",
        ),
        refused(
            "a callback made by a person",
            Who::App("t5"),
            "insert into channels.callback (tenant_id, attempt_id, event, stage, received_at, parked) values ({t}, {a-m1}, 'x', 'delivered', now(), false)",
        ),
        refused(
            "a stream made by a person",
            Who::App("t5"),
            "insert into channels.stream (tenant_id, principal_id, last_seq) values ({t}, {t5}, 1)",
        ),
        refused(
            "a data key made by a person",
            Who::App("t5"),
            "insert into keys.data_key (tenant_id, version, kek, wrapped) values ({t}, 9, '0123456789abcdef', decode(repeat('00', 60), 'hex'))",
        ),
        sql(
            "level 1 changes a recipient",
            Who::App("t1"),
            "update channels.recipient set name = 'x'",
        ),
        sql(
            "level 2 changes a route",
            Who::App("t2"),
            "update channels.route set require_ack = true",
        ),
        refused(
            "level 3 registers a webhook",
            Who::App("t3"),
            "insert into channels.webhook (tenant_id, id, url, events, secret, created_at) values ({t}, {x}, 'https://evil.example', array[]::text[], 'x', now())",
        ),
        sql(
            "hat taken off by its wearer",
            Who::App("hatted5"),
            "update rbac.role_assignment set hat = null, granted_by = {hatted5} where principal_id = {hatted5}",
        ),
        sql(
            "a peer's hat taken off",
            Who::App("t4"),
            "update rbac.role_assignment set hat = null, granted_by = {t4} where principal_id = {hatted}",
        ),
    ];
    for hat in ["hatted", "hatted5"] {
        all.extend(
            CHANGES
                .iter()
                .map(|(what, text)| sql(format!("{hat} {what}"), Who::App(hat), *text)),
        );
    }
    all.extend(STALE.iter().map(|(what, text)| {
        refused(
            format!("a session of seven minutes ago {what}"),
            Who::App("stale"),
            *text,
        )
    }));
    all.push(refused(
        "a session of seven minutes ago appoints an owner",
        Who::App("stale7"),
        "insert into rbac.principal (tenant_id, id, kind, email) values ({o}, {x}, 'user', 'x@example.org');
         insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({o}, {x}, 5, {stale7})",
    ));
    all
}

fn message(sender: &str, unit: &str) -> String {
    format!(
        "insert into channels.message (tenant_id, id, accepted_at, sender_kind, sender_id, unit_id, contacts, addressees, route, payload, content_type, priority, require_ack, deadline)
           values ({{t}}, {{x}}, now(), 'user', {sender}, {unit}, '[1]', array[]::uuid[], jsonb_build_object(), 'sealed', 'text/plain', 'normal', false, now() + interval '1 hour')"
    )
}
