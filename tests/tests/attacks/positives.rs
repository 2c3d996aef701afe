//! What still has to work: walls that refuse everything prove nothing.
use crate::{attack::Who, siege::Siege};

/// Statements, by whom, and how many rows they must see or touch.
const WORKS: [(&str, Who, &str, u64); 41] = [
    ("a second global admin approves", Who::App("p7b"), "update rbac.approval set approved_by = {p7b}, approved_at = now() where id = {ap-open}", 1),
    ("two global admins make a third", Who::App("p7"), "update rbac.role_assignment set level = 7, granted_by = {p7}, approval_id = {ap-given} where principal_id = {p6}", 1),
    ("an admin approves what its owner asked for", Who::App("t4"), "update rbac.approval set approved_by = {t4}, approved_at = now() where id = {ap-key}", 1),
    ("an owner makes an admin", Who::App("t5"), "update rbac.role_assignment set level = 4, unit_id = null, granted_by = {t5} where principal_id = {t2}", 1),
    ("an admin makes a supervisor", Who::App("t4"), "update rbac.role_assignment set level = 3, granted_by = {t4} where principal_id = {t2}", 1),
    ("an admin takes a level away", Who::App("t4"), "update rbac.role_assignment set revoked_at = now(), granted_by = {t4} where principal_id = {t2}", 1),
    ("a supervisor makes a device and its code", Who::App("t3"), "insert into rbac.principal (tenant_id, id, kind, display_name, owner_id) values ({t}, {x}, 'device', 'x', {t1});
        insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ({t}, {x}, 1, {unit}, {t3});
        insert into identity.device_code (tenant_id, id, principal_id, made_by, code_hash, expires_at) values ({t}, {y}, {x}, {t3}, sha256('y'), now() + interval '1 hour')", 3),
    ("a supervisor disables a device", Who::App("t3"), "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {tdev}", 1),
    ("an admin moves a device", Who::App("t4"), "update rbac.role_assignment set unit_id = {yard}, granted_by = {t4} where principal_id = {tdev}", 1),
    ("a stale session makes a device's code", Who::App("stale"), "insert into identity.device_code (tenant_id, id, principal_id, made_by, code_hash, expires_at) values ({t}, {y}, {tdev}, {stale}, sha256('y'), now() + interval '1 hour')", 1),
    ("a device joins", Who::Auth("t"), "select 1 where gate.join_device(sha256('tdev'), sha256('key')) is not null", 1),
    ("an admin disables an operator", Who::App("t4"), "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t2}", 1),
    ("an admin makes a code", Who::App("t4"), "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t2}, sha256('y'), now() + interval '1 hour')", 1),
    ("an owner makes a key", Who::App("t5"), "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {t5}, 'x', '$argon2id$x')", 1),
    ("an owner replaces a key's secret", Who::App("t5"), "update identity.api_key set phc = '$argon2id$new', old_until = now() + interval '1 hour' where id = {tkey}", 1),
    ("an owner ends an admin's session", Who::App("t5"), "update identity.session set revoked_at = now() where principal_id = {t4}", 1),
    ("an agent ends its own session", Who::App("t1"), "update identity.session set revoked_at = now()", 1),
    ("an auditor ends its own session", Who::App("hatted"), "update identity.session set revoked_at = now() where principal_id = {hatted}", 1),
    ("an auditor reads the tenant's people", Who::App("hatted"), "select 1 from rbac.principal", 17),
    ("a stale session revokes a key", Who::App("stale"), "update identity.api_key set revoked_at = now()", 1),
    ("a stale session writes a recipient", Who::App("stale"), "update channels.recipient set name = 'x'", 1),
    ("an agent reads its own message", Who::App("t1"), "select 1 from channels.message", 1),
    ("an agent sends", Who::App("t1"), "insert into channels.message (tenant_id, id, accepted_at, sender_kind, sender_id, unit_id, contacts, addressees, route, payload, content_type, priority, require_ack, deadline)
        values ({t}, {x}, now(), 'user', {t1}, {unit}, '[1]', array[]::uuid[], jsonb_build_object(), 'sealed', 'text/plain', 'normal', false, now() + interval '1 hour')", 1),
    ("an operator reads its unit's messages", Who::App("t2"), "select 1 from channels.message", 2),
    ("a supervisor reads its unit's people", Who::App("t3"), "select 1 from rbac.principal", 6),
    ("an admin reads the tenant's messages", Who::App("t4"), "select 1 from channels.message", 4),
    ("a key reads its unit's messages", Who::App("key:t"), "select 1 from channels.message", 2),
    ("an operator writes a recipient", Who::App("t2"), "insert into channels.recipient (tenant_id, id, name, contacts, created_at) values ({t}, {x}, 'x', '[1]', now())", 1),
    ("a supervisor cancels", Who::App("t3"), "update channels.delivery set status = 'cancelled', ended_at = now() where message_id = {m1}", 1),
    ("a global admin makes a tenant and its owner", Who::App("p7"), "insert into rbac.tenant (id, name, kind) values ({x}, 'new', 'customer'); insert into rbac.principal (tenant_id, id, kind, email) values ({x}, {y}, 'user', 'y@example.org');
        insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({x}, {y}, 5, {p7});
        insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({x}, {z}, {y}, sha256('y'), now() + interval '1 hour')", 4),
    ("a global admin suspends a tenant", Who::App("p7"), "update rbac.tenant set status = 'suspended' where id = {o}", 1),
    ("a worker takes a delivery", Who::Worker("t"), "update channels.delivery set lease_token = lease_token + 1, lease_owner = 'w', lease_until = now() + interval '1 minute'", 4),
    ("a worker reads its tenant's data keys", Who::Worker("t"), "select 1 from keys.data_key", 2),
    ("a worker seals a payload anew", Who::Worker("t"), "select 1 where gate.reseal('payload', {m1}::uuid::text, decode('0100000001' || repeat('ab', 40), 'hex'), decode('0200000002' || repeat('cd', 72), 'hex'), 2)", 1),
    ("a worker seals a seed anew", Who::Worker("t"), "select 1 where gate.reseal('totp-seed', {rfac}::uuid::text, decode('0100000001' || repeat('ab', 40), 'hex'), decode('0200000002' || repeat('cd', 72), 'hex'), 2)", 1),
    ("a worker wraps a person's key anew", Who::Worker("t"), "select 1 where gate.reseal('subject-key', {rsub}::uuid::text, decode(repeat('ab', 60), 'hex'), decode(repeat('cd', 60), 'hex'), 2)", 1),
    ("a worker comes by every message", Who::Worker("t"), "select 1 from gate.sealed_next('payload', null, 9)", 4),
    ("a worker takes up a walk", Who::Worker("t"), "select 1 from gate.claim_reseal(9)", 1),
    ("the log-in reads its tenant's verifiers", Who::Auth("t"), "select phc from identity.password", 14),
    ("the log-in opens a session", Who::Auth("t"), "insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ({t}, {x}, {t2}, 1, 0, now() + interval '1 hour')", 1),
    ("the log-in counts failures", Who::Auth("p"), "insert into identity.throttle (bucket, failures, blocked_until) values (sha256('new'), 1, now())", 1),
];

/// The names of those that don't.
pub async fn failing(siege: &Siege) -> Vec<String> {
    let mut failing = Vec::new();
    for (name, who, sql, rows) in WORKS {
        let done = siege.try_sql(who, sql).await;
        if !matches!(done, Ok(seen) if seen == rows) {
            failing.push(format!("{name}: {done:?} instead of {rows}"));
        }
    }
    failing
}
