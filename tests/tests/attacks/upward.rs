//! Vertical escalation: every pair of levels that matters, and every statement that could change a level.
use crate::attack::{Attack, Who, ends_with, refused, sql};

const CUSTOMERS: [(&str, u8); 5] = [("t1", 1), ("t2", 2), ("t3", 3), ("t4", 4), ("t5", 5)];

/// Who is there at each level to be taken over: never the attacker itself.
fn victim(level: u8) -> &'static str {
    match level {
        1 => "t1b",
        2 => "t2u",
        3 => "t3u",
        4 => "t4b",
        _ => "t5b",
    }
}

/// The rule, told once more: from 4 up, strictly downwards.
const fn may(own: u8, other: u8) -> bool {
    own >= 4 && other < own
}

fn new_principal(level: &str, granted_by: &str) -> String {
    let unit = if ["1", "2", "3"].contains(&level) {
        "{unit}"
    } else {
        "null"
    };
    format!(
        "insert into rbac.principal (tenant_id, id, kind, email) values ({{t}}, {{x}}, 'user', 'x@example.org');
         insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ({{t}}, {{x}}, {level}, {unit}, {granted_by})"
    )
}

fn pairs() -> Vec<Attack> {
    let mut all = Vec::new();
    for (me, own) in CUSTOMERS {
        let who = Who::App(me);
        for other in 1..=7 {
            if !may(own, other) {
                all.push(refused(
                    format!("level {own} gives level {other} to somebody new"),
                    who,
                    new_principal(&other.to_string(), &format!("{{{me}}}")),
                ));
            }
        }
        for other in 1..=5 {
            if may(own, other) {
                continue;
            }
            let them = victim(other);
            for (what, text) in [
                (
                    "demotes",
                    format!(
                        "update rbac.role_assignment set level = 1, unit_id = {{unit}}, granted_by = {{{me}}} where principal_id = {{{them}}}"
                    ),
                ),
                (
                    "disables",
                    format!("update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {{{them}}}"),
                ),
                (
                    "takes the address of",
                    format!("update rbac.principal set email = 'thief@example.org' where id = {{{them}}}"),
                ),
                (
                    "ends the session of",
                    format!("update identity.session set revoked_at = now() where principal_id = {{{them}}}"),
                ),
                (
                    "makes a code for",
                    format!(
                        "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({{t}}, {{x}}, {{{them}}}, sha256('y'), now() + interval '1 hour')"
                    ),
                ),
            ] {
                all.push(sql(format!("level {own} {what} level {other}"), who, text));
            }
        }
    }
    all
}

pub fn attacks() -> Vec<Attack> {
    let (owner, admin, global) = (Who::App("t5"), Who::App("t4"), Who::App("p7"));
    let mut all = vec![
        sql(
            "an admin raises itself",
            admin,
            "update rbac.role_assignment set level = 5, granted_by = {t4} where principal_id = {t4}",
        ),
        refused("an admin grants in the owner's name", admin, new_principal("3", "{t5}")),
        refused("an admin grants in nobody's name", admin, new_principal("3", "null")),
        refused(
            "an upsert raises a subordinate above its granter",
            admin,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {t2}, 5, {t4}) on conflict (tenant_id, principal_id) do update set level = 5, unit_id = null, granted_by = {t4}",
        ),
        refused(
            "an upsert raises oneself",
            admin,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {t4}, 3, {t4}) on conflict (tenant_id, principal_id) do update set level = 5, granted_by = {t4}",
        ),
        refused(
            "an upsert lowers a peer",
            admin,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ({t}, {t4b}, 1, {unit}, {t4}) on conflict (tenant_id, principal_id) do update set level = 1, unit_id = {unit}, granted_by = {t4}",
        ),
        refused(
            "a MERGE raises a subordinate",
            admin,
            "merge into rbac.role_assignment r using (values (1)) v on r.principal_id = {t2} when matched then update set level = 5, unit_id = null, granted_by = {t4}",
        ),
        refused(
            "a MERGE gives a level above",
            admin,
            "merge into rbac.role_assignment r using (values (1)) v on false when not matched then insert (tenant_id, principal_id, level, granted_by) values ({t}, {x}, 5, {t4})",
        ),
        refused(
            "a writable CTE raises a subordinate",
            admin,
            "with w as (update rbac.role_assignment set level = 5, unit_id = null, granted_by = {t4} where principal_id = {t2} returning 1) select count(*) from w",
        ),
        refused(
            "an assignment moves to another principal",
            owner,
            "update rbac.role_assignment set principal_id = {x} where principal_id = {t4}",
        ),
        refused(
            "an assignment moves to another tenant",
            owner,
            "update rbac.role_assignment set tenant_id = {o} where principal_id = {t4}",
        ),
        refused("assignments deleted", owner, "delete from rbac.role_assignment"),
        refused("assignments truncated", owner, "truncate rbac.role_assignment"),
        refused("principals deleted", owner, "delete from rbac.principal"),
        sql(
            "a level with a hat taken by an update",
            admin,
            "update rbac.role_assignment set revoked_at = null, granted_by = {t4} where principal_id = {t5}",
        ),
        sql(
            "an admin takes the owner's level away",
            admin,
            "update rbac.role_assignment set revoked_at = now(), granted_by = {t4} where principal_id = {t5}",
        ),
        refused(
            "an owner makes a level of the platform",
            owner,
            new_principal("6", "{t5}"),
        ),
        refused(
            "an owner grants in another tenant",
            owner,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({o}, {osvc}, 4, {t5})",
        ),
        refused(
            "a level 7 alone makes another",
            global,
            "insert into rbac.principal (tenant_id, id, kind, email) values ({p}, {x}, 'user', 'x@example.org'); insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({p}, {x}, 7, {p7})",
        ),
        refused(
            "a level 7 raises a 6",
            global,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({p}, {p6}, 7, {p7}) on conflict (tenant_id, principal_id) do update set level = 7, granted_by = {p7}",
        ),
        sql(
            "a level 7 lowers its peer",
            global,
            "update rbac.role_assignment set level = 6, granted_by = {p7} where principal_id = {p7b}",
        ),
        refused(
            "a level 7 makes itself an owner",
            global,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {p7}, 5, {p7})",
        ),
        refused(
            "a level 7 becomes its own twin in a tenant",
            global,
            "insert into rbac.principal (tenant_id, id, kind, email) values ({t}, {p7}, 'user', 'twin@example.org'); insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {p7}, 5, {p7})",
        ),
        refused(
            "a level 7 makes an admin in a tenant",
            global,
            "insert into rbac.principal (tenant_id, id, kind, email) values ({t}, {x}, 'user', 'x@example.org'); insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {x}, 4, {p7})",
        ),
        refused(
            "a level 7 makes a code for an owner it did not appoint",
            global,
            "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t5}, sha256('y'), now() + interval '1 hour')",
        ),
        refused(
            "a level 6 appoints an owner",
            Who::App("p6"),
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {t4}, 5, {p6})",
        ),
        refused(
            "a level 6 makes a tenant",
            Who::App("p6"),
            "insert into rbac.tenant (id, name, kind) values ({x}, 'x', 'customer')",
        ),
        sql(
            "a level 6 suspends a tenant",
            Who::App("p6"),
            "update rbac.tenant set status = 'suspended' where id = {t}",
        ),
        refused(
            "an owner makes a tenant",
            owner,
            "insert into rbac.tenant (id, name, kind) values ({x}, 'x', 'customer')",
        ),
        sql(
            "an owner unsuspends its tenant",
            owner,
            "update rbac.tenant set status = 'active'",
        ),
        ends_with(
            "a second platform",
            global,
            "insert into rbac.tenant (id, name, kind) values ({x}, 'x', 'platform')",
            &["42501", "23505"],
        ),
        sql(
            "the platform suspended",
            global,
            "update rbac.tenant set status = 'suspended' where kind = 'platform'",
        ),
        refused(
            "a key in another's name",
            owner,
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {t5b}, 'x', '$argon2id$x')",
        ),
        refused(
            "a key for a person",
            owner,
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {t4}, {t5}, 'x', '$argon2id$x')",
        ),
        refused(
            "a key revived",
            owner,
            "update identity.api_key set revoked_at = now() where id = {tkey}; update identity.api_key set revoked_at = null where id = {tkey}",
        ),
        refused(
            "a key given to another service",
            owner,
            "update identity.api_key set principal_id = {t5}",
        ),
        refused(
            "a key with wider scopes",
            owner,
            "update identity.api_key set scopes = null",
        ),
        refused(
            "a key issues a key",
            Who::App("key:t"),
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {tsvc}, 'x', '$argon2id$x')",
        ),
        refused(
            "a key makes a principal",
            Who::App("key:t"),
            new_principal("1", "{tsvc}"),
        ),
        sql(
            "a worker replaces a key's secret",
            Who::Worker("t"),
            "update identity.api_key set phc = '$argon2id$mine'",
        ),
        refused("a worker gives a level", Who::Worker("t"), new_principal("1", "{t}")),
        sql(
            "a worker disables an owner",
            Who::Worker("t"),
            "update rbac.principal set status = 'disabled'",
        ),
        sql(
            "a worker ends sessions",
            Who::Worker("t"),
            "update identity.session set revoked_at = now()",
        ),
        sql(
            "a session revived",
            owner,
            "update identity.session set revoked_at = null",
        ),
        refused(
            "a session prolonged",
            owner,
            "update identity.session set expires_at = now() + interval '8 hours'",
        ),
        refused(
            "a session's factors raised",
            owner,
            "update identity.session set factors = 'two'",
        ),
        refused(
            "an epoch turned back",
            owner,
            "update rbac.principal set epoch = -1 where id = {t2}",
        ),
        refused(
            "a principal's kind changed",
            owner,
            "update rbac.principal set kind = 'service' where id = {t2}",
        ),
        refused(
            "a deleted principal revived",
            owner,
            "update rbac.principal set status = 'deleted', email = null, epoch = 1 where id = {t2}; update rbac.principal set status = 'active', email = 'x@example.org' where id = {t2}",
        ),
        refused(
            "superuser gives level 7",
            Who::Superuser,
            "update rbac.role_assignment set level = 7 where principal_id = {p6}",
        ),
        refused(
            "superuser raises an operator as a replica",
            Who::Superuser,
            "set local session_replication_role = replica; update rbac.role_assignment set level = 5, unit_id = null where principal_id = {t2}",
        ),
        refused(
            "superuser deletes levels as a replica",
            Who::Superuser,
            "set local session_replication_role = replica; delete from rbac.role_assignment",
        ),
        refused(
            "superuser makes a code as a replica",
            Who::Superuser,
            "set local session_replication_role = replica; insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t5}, sha256('y'), now() + interval '1 hour')",
        ),
    ];
    all.extend(pairs());
    all
}
