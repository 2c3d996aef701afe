//! What two people have to want: asked for, approved and used by one, or for something else, or too late.
use crate::attack::{Attack, Who, refused, sql};

/// Level 7 for somebody who has another, resting on an approval.
fn seven(target: &str, by: &str, approval: &str) -> String {
    format!(
        "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by, approval_id) values ({{p}}, {{{target}}}, 7, {{{by}}}, {{{approval}}})
         on conflict (tenant_id, principal_id) do update set level = 7, granted_by = {{{by}}}, approval_id = {{{approval}}}"
    )
}

fn asked(tenant: &str, action: &str, target: &str, by: &str) -> String {
    let column = if target.starts_with('\'') {
        "target_email"
    } else if action == "key.destroy" {
        "target_key"
    } else {
        "target_principal"
    };
    format!(
        "insert into rbac.approval (tenant_id, id, action, {column}, reason, requested_by) values ({{{tenant}}}, {{x}}, '{action}', {target}, 'a very good reason', {{{by}}})"
    )
}

fn approved(approval: &str, by: &str) -> String {
    format!("update rbac.approval set approved_by = {{{by}}}, approved_at = now() where id = {{{approval}}}")
}

/// The approvals of the cast: open, given for `p6`, past its end, used, about the one who would approve, and a tenant's own.
pub const ARRANGED: &str = "insert into rbac.approval (tenant_id, id, action, target_principal, target_email, target_key, reason, requested_by, requested_at, expires_at, approved_by, approved_at, consumed_at) values
    ({p}, {ap-open}, 'role.grant_global', null, 'new@example.org', null, 'a very good reason', {p7}, now(), now() + interval '4 hours', null, null, null),
    ({p}, {ap-given}, 'role.grant_global', {p6}, null, null, 'a very good reason', {p7}, now(), now() + interval '4 hours', {p7b}, now(), null),
    ({p}, {ap-old}, 'role.grant_global', {p6}, null, null, 'a very good reason', {p7}, now() - interval '5 hours', now() - interval '1 hour', {p7b}, now() - interval '2 hours', null),
    ({p}, {ap-late}, 'role.grant_global', {p6}, null, null, 'a very good reason', {p7}, now() - interval '5 hours', now() - interval '1 hour', null, null, null),
    ({p}, {ap-used}, 'role.grant_global', {p6}, null, null, 'a very good reason', {p7}, now() - interval '1 hour', now() + interval '3 hours', {p7b}, now() - interval '30 minutes', now() - interval '20 minutes'),
    ({p}, {ap-self}, 'role.grant_global', {p7b}, null, null, 'a very good reason', {p7}, now(), now() + interval '4 hours', null, null, null),
    ({t}, {ap-key}, 'key.destroy', null, null, 1, 'a very good reason', {t5}, now(), now() + interval '4 hours', null, null, null);";

pub fn attacks() -> Vec<Attack> {
    let (me, other) = (Who::App("p7"), Who::App("p7b"));
    vec![
        sql("an approval of one's own request", me, approved("ap-open", "p7")),
        sql("an approval in a colleague's name", me, approved("ap-open", "p7b")),
        refused(
            "an approval signed with the requester's name",
            other,
            approved("ap-open", "p7"),
        ),
        sql("an approval by the one it is about", other, approved("ap-self", "p7b")),
        sql("an approval past its end", other, approved("ap-late", "p7b")),
        sql("an approval given twice", other, approved("ap-used", "p7b")),
        sql("an approval by level 6", Who::App("p6"), approved("ap-open", "p6")),
        sql(
            "an approval by an owner of a tenant",
            Who::App("t5"),
            approved("ap-open", "t5"),
        ),
        sql("an approval by level 3", Who::App("t3"), approved("ap-key", "t3")),
        sql(
            "an owner's approval of its own request",
            Who::App("t5"),
            approved("ap-key", "t5"),
        ),
        sql(
            "an approval with a hat",
            Who::App("hatted5"),
            approved("ap-key", "hatted5"),
        ),
        refused(
            "an approval long after the log-in",
            Who::App("stale"),
            approved("ap-key", "stale"),
        ),
        refused(
            "a request in another's name",
            me,
            asked("p", "role.grant_global", "'new@example.org'", "p7b"),
        ),
        refused(
            "a request for oneself",
            me,
            asked("p", "role.grant_global", "{p7}", "p7"),
        ),
        refused(
            "a request by level 6",
            Who::App("p6"),
            asked("p", "role.grant_global", "'new@example.org'", "p6"),
        ),
        refused(
            "a request by an owner for the platform",
            Who::App("t5"),
            asked("p", "role.grant_global", "'new@example.org'", "t5"),
        ),
        refused(
            "a request by an admin",
            Who::App("t4"),
            asked("t", "key.destroy", "1", "t4"),
        ),
        refused(
            "a request with a hat",
            Who::App("hatted5"),
            asked("t", "key.destroy", "1", "hatted5"),
        ),
        refused(
            "a request long after the log-in",
            Who::App("stale7"),
            asked("p", "role.grant_global", "'new@example.org'", "stale7"),
        ),
        refused(
            "a request approved from the start",
            me,
            "insert into rbac.approval (tenant_id, id, action, target_email, reason, requested_by, approved_by, approved_at) values ({p}, {x}, 'role.grant_global', 'new@example.org', 'a very good reason', {p7}, {p7b}, now())",
        ),
        refused(
            "a request with a longer end",
            me,
            "update rbac.approval set expires_at = now() + interval '9 hours'",
        ),
        refused(
            "a request about somebody else afterwards",
            me,
            "update rbac.approval set target_principal = {p6} where id = {ap-given}",
        ),
        refused(
            "an approval unused again",
            me,
            "update rbac.approval set consumed_at = null",
        ),
        refused("approvals deleted", me, "delete from rbac.approval"),
        sql(
            "approvals of the platform read by a tenant",
            Who::App("t5"),
            "select 1 from rbac.approval where tenant_id = {p}",
        ),
        sql(
            "approvals of a tenant read by the platform",
            me,
            "select 1 from rbac.approval where tenant_id = {t}",
        ),
        refused("level 7 without an approval", me, seven("p6", "p7", "x")),
        refused(
            "level 7 with a request nobody approved",
            me,
            seven("p6", "p7", "ap-open"),
        ),
        refused("level 7 with an approval past its end", me, seven("p6", "p7", "ap-old")),
        refused("level 7 with a used approval", me, seven("p6", "p7", "ap-used")),
        refused("level 7 with a tenant's approval", me, seven("p6", "p7", "ap-key")),
        refused(
            "level 7 with an approval about somebody else",
            me,
            "insert into rbac.principal (tenant_id, id, kind, email) values ({p}, {x}, 'user', 'x@example.org'); insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by, approval_id) values ({p}, {x}, 7, {p7}, {ap-given})",
        ),
        refused(
            "level 7 with an approval, by somebody else",
            Who::App("stale7"),
            seven("p6", "stale7", "ap-given"),
        ),
        refused(
            "level 7 with an approval, by its target",
            Who::App("p6"),
            seven("p6", "p6", "ap-given"),
        ),
        refused(
            "level 7 with a good approval, twice",
            me,
            format!(
                "{}; update rbac.role_assignment set level = 6, granted_by = {{p7}} where principal_id = {{p6}}; {}",
                seven("p6", "p7", "ap-given"),
                seven("tsvc", "p7", "ap-given")
            ),
        ),
        refused(
            "superuser approves as a replica",
            Who::Superuser,
            "set local session_replication_role = replica; update rbac.approval set approved_by = {p6}, approved_at = now() where id = {ap-open}",
        ),
        refused(
            "superuser deletes approvals as a replica",
            Who::Superuser,
            "set local session_replication_role = replica; delete from rbac.approval",
        ),
    ]
}
