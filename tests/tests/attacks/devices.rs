//! Devices: the one kind of principal that level 3 makes, and what it must not become.
use crate::{
    attack::{Attack, Ending, Verdict, Who, code, refused, sql},
    cast::fill,
    siege::{Siege, one, run},
};

/// A device in each unit of the tenant and one elsewhere, with codes, keys and sessions.
pub const ARRANGED: &str = "
    insert into rbac.principal (tenant_id, id, kind, display_name) values ({t}, {tdev}, 'device', 'here'), ({t}, {tdevu}, 'device', 'there'), ({o}, {odev}, 'device', 'elsewhere');
    insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id) values ({t}, {tdev}, 1, {unit}), ({t}, {tdevu}, 1, {yard}), ({o}, {odev}, 1, {quay});
    insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ({t}, {s-tdev}, {tdev}, 1, 0, now() + interval '7 hours');
    insert into identity.device_code (tenant_id, id, principal_id, made_by, code_hash, expires_at) values
      ({t}, {c-tdev}, {tdev}, {t3}, sha256('tdev'), now() + interval '1 hour'), ({o}, {c-odev}, {odev}, {o3}, sha256('odev'), now() + interval '1 hour');
    insert into identity.device_key (tenant_id, principal_id, public_key) values ({t}, {tdevu}, sha256('tdevu')), ({o}, {odev}, sha256('odev'));";

/// A new device, placed.
fn placed(tenant: &str, level: &str, unit: &str, by: &str) -> String {
    format!(
        "insert into rbac.principal (tenant_id, id, kind, display_name) values ({tenant}, {{x}}, 'device', 'x');
         insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ({tenant}, {{x}}, {level}, {unit}, {by})"
    )
}

fn coded(tenant: &str, device: &str, by: &str) -> String {
    format!(
        "insert into identity.device_code (tenant_id, id, principal_id, made_by, code_hash, expires_at) values ({tenant}, {{y}}, {device}, {by}, sha256('y'), now() + interval '1 hour')"
    )
}

/// Whoever plays `kg_app` sees none of it.
async fn none_may(siege: &Siege, statement: &str) -> Verdict {
    for who in [
        Who::App("t5"),
        Who::App("t3"),
        Who::App("dev:t"),
        Who::Worker("t"),
        Who::Worker("p"),
    ] {
        match siege.try_sql(who, statement).await {
            Ok(_) => return Verdict::Breach(format!("{who:?}: {statement}")),
            Err(error) if error.code == "42501" => {}
            Err(error) => return Verdict::Broken(format!("{statement}: {error}")),
        }
    }
    Verdict::Blocked("42501".into())
}

fn keys(siege: &Siege) -> Ending<'_> {
    Box::pin(none_may(siege, "select public_key from identity.device_key"))
}

fn codes(siege: &Siege) -> Ending<'_> {
    Box::pin(none_may(siege, "select code_hash from identity.device_code"))
}

fn key_written(siege: &Siege) -> Ending<'_> {
    Box::pin(none_may(
        siege,
        "update identity.device_key set public_key = sha256('mine')",
    ))
}

fn joined_by_the_service(siege: &Siege) -> Ending<'_> {
    Box::pin(none_may(
        siege,
        "select gate.join_device(sha256('tdev'), sha256('mine'))",
    ))
}

const JOIN: &str = "select coalesce(gate.join_device(sha256('tdev'), sha256('mine'))::text, 'nobody')";

fn code_elsewhere(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Auth("o")).await.unwrap();
        let joined = one(&mut connection, JOIN).await.unwrap();
        Verdict::of(joined == "nobody", joined)
    })
}

fn code_twice(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Auth("t")).await.unwrap();
        if one(&mut connection, JOIN).await.unwrap() == "nobody" {
            return Verdict::Broken("the code is not good".into());
        }
        let joined = one(&mut connection, JOIN).await.unwrap();
        Verdict::of(joined == "nobody", joined)
    })
}

/// A level and its device in one statement: the row guard can't see the device yet, the end of the transaction does.
fn raised_in_one_statement(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        let text = "with p as (insert into rbac.principal (tenant_id, id, kind, display_name) values ({t}, {x}, 'device', 'x'))
            insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, granted_by) values ({t}, {x}, 3, {unit}, {t5});
            set constraints rbac.stays_low immediate";
        match run(&mut connection, &fill(text)).await {
            Ok(_) => Verdict::Breach("a device of level 3".into()),
            Err(error) if error.code == "42501" => Verdict::Blocked(error.to_string()),
            Err(error) => Verdict::Broken(error.to_string()),
        }
    })
}

pub fn attacks() -> Vec<Attack> {
    let (lead, owner, device) = (Who::App("t3"), Who::App("t5"), Who::App("dev:t"));
    vec![
        refused("a supervisor places a device in another unit", lead, placed("{t}", "1", "{yard}", "{t3}")),
        refused("a supervisor places a device in another tenant", lead, placed("{o}", "1", "{quay}", "{t3}")),
        refused("a supervisor places a device at level 2", lead, placed("{t}", "2", "{unit}", "{t3}")),
        refused("a supervisor places a device in an admin's name", lead, placed("{t}", "1", "{unit}", "{t4}")),
        refused("an operator places a device", Who::App("t2"), placed("{t}", "1", "{unit}", "{t2}")),
        refused("a key places a device", Who::App("key:t"), placed("{t}", "1", "{unit}", "{tsvc}")),
        refused("a hat places a device", Who::App("hatted5"), placed("{t}", "1", "{unit}", "{hatted5}")),
        refused("a worker places a device", Who::Worker("t"), placed("{t}", "1", "{unit}", "{t}")),
        refused("a global admin places a device at a customer's", Who::App("p7"), placed("{t}", "1", "{unit}", "{p7}")),
        refused("an owner places a device at another customer's", owner, placed("{o}", "1", "{quay}", "{t5}")),
        refused("a device places a device", device, placed("{t}", "1", "{unit}", "{tdev}")),
        refused("a supervisor makes a user by the way of devices", lead, "insert into rbac.principal (tenant_id, id, kind, email) values ({t}, {x}, 'user', 'x@example.org')"),
        refused("a supervisor makes a service by the way of devices", lead, "insert into rbac.principal (tenant_id, id, kind, display_name) values ({t}, {x}, 'service', 'x')"),
        sql("a supervisor moves an operator as if it were a device", lead, "update rbac.role_assignment set level = 1, granted_by = {t3} where principal_id = {t2}"),
        sql("a supervisor disables an agent as if it were a device", lead, "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t1}"),
        sql("a supervisor takes a device out of another unit", lead, "update rbac.role_assignment set unit_id = {unit}, granted_by = {t3} where principal_id = {tdevu}"),
        refused("a supervisor sends a device to another unit", lead, "update rbac.role_assignment set unit_id = {yard}, granted_by = {t3} where principal_id = {tdev}"),
        sql("a supervisor disables a device of another unit", lead, "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {tdevu}"),
        sql("an owner disables another tenant's device", owner, "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {odev}"),
        refused("an owner raises a device", owner, "update rbac.role_assignment set level = 2, granted_by = {t5} where principal_id = {tdev}"),
        refused("an owner gives a device a hat", owner, "update rbac.role_assignment set hat = 'auditor', granted_by = {t5} where principal_id = {tdev}"),
        refused("an owner raises a device by an upsert", owner, "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {tdev}, 4, {t5}) on conflict (tenant_id, principal_id) do update set level = 4, unit_id = null, granted_by = {t5}"),
        code("an owner raises a device that it makes in the same statement", owner, raised_in_one_statement),
        refused("a removed device placed again", owner, "update rbac.principal set status = 'deleted', display_name = null, epoch = 1 where id = {tdev};
            update rbac.role_assignment set revoked_at = now(), granted_by = {t5} where principal_id = {tdev}; update rbac.role_assignment set revoked_at = null, granted_by = {t5} where principal_id = {tdev}"),
        refused("a device becomes a user", owner, "update rbac.principal set kind = 'user', email = 'x@example.org' where id = {tdev}"),
        refused("a user becomes a device", owner, "update rbac.principal set kind = 'device' where id = {t1}"),
        refused("a device carried by a stranger", lead, "update rbac.principal set owner_id = {o1} where id = {tdev}"),
        refused("a device carried by a service", lead, "update rbac.principal set owner_id = {tsvc} where id = {tdev}"),
        sql("a device raises itself", device, "update rbac.role_assignment set level = 2, granted_by = {tdev} where principal_id = {tdev}"),
        sql("a device moves itself", device, "update rbac.role_assignment set unit_id = {yard}, granted_by = {tdev} where principal_id = {tdev}"),
        sql("a device enables itself", device, "update rbac.principal set status = 'active' where id = {tdev}"),
        sql("a device reads its neighbours", device, "select 1 from rbac.principal where id <> {tdev}"),
        sql("a device reads its unit's messages", device, "select 1 from channels.message"),
        refused("a device makes a code for itself", device, coded("{t}", "{tdev}", "{tdev}")),
        refused("a supervisor makes a code for a device of another unit", lead, coded("{t}", "{tdevu}", "{t3}")),
        refused("a supervisor makes a code for another tenant's device", lead, coded("{o}", "{odev}", "{t3}")),
        refused("a supervisor makes a code in an admin's name", lead, coded("{t}", "{tdev}", "{t4}")),
        refused("a supervisor makes a device's code for a person", lead, coded("{t}", "{t1}", "{t3}")),
        refused("an owner makes a device's code for an admin", owner, coded("{t}", "{t4}", "{t5}")),
        refused("a key makes a device's code", Who::App("key:t"), coded("{t}", "{tdev}", "{tsvc}")),
        refused("log-in's role makes a device's code", Who::Auth("t"), coded("{t}", "{tdev}", "{t5}")),
        refused("log-in's role makes a device's key", Who::Auth("t"), "insert into identity.device_key (tenant_id, principal_id, public_key) values ({t}, {tdev}, sha256('mine'))"),
        refused("log-in's role replaces a device's key", Who::Auth("t"), "update identity.device_key set public_key = sha256('mine')"),
        refused("log-in's role revives a device's code", Who::Auth("t"), "update identity.device_code set used_at = null"),
        sql("log-in's role reads another tenant's device keys", Who::Auth("t"), "select 1 from identity.device_key where tenant_id = {o}"),
        sql("log-in's role asks for homes of devices as a tenant's worker", Who::Auth("t"), "select gate.homes_of_device({tdev})"),
        code("a device's code of another tenant", Who::Auth("o"), code_elsewhere),
        code("a device's code used twice", Who::Auth("t"), code_twice),
        code("keys of devices", owner, keys),
        code("codes of devices", owner, codes),
        code("a device's key written by the service", owner, key_written),
        code("a device's code used by the service", owner, joined_by_the_service),
    ]
}
