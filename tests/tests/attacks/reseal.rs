//! Sealed values: replaced by the one function, for their own tenant's worker, under a newer key, and not otherwise.
use crate::attack::{Attack, Who, refused, sql};

/// Two live keys of both customers; a message, an app and a person's key of the tenant that are under the first.
pub const ARRANGED: &str = "
    insert into keys.data_key (tenant_id, version, kek, wrapped) values ({t}, 2, '0123456789abcdef', decode(repeat('00', 60), 'hex')),
      ({o}, 2, '0123456789abcdef', decode(repeat('00', 60), 'hex'));
    update channels.message set payload = decode('0100000001' || repeat('ab', 40), 'hex') where id = {m1};
    insert into identity.factor (tenant_id, id, principal_id, kind, name, material) values ({t}, {rfac}, {t3}, 'totp', 'app', decode('0100000001' || repeat('ab', 40), 'hex'));
    insert into keys.subject_key (tenant_id, id, subject, kek, wrapped) values ({t}, {rsub}, {t3}, 'tenant:1', decode(repeat('ab', 60), 'hex'));";

/// The payload as it is.
const OLD: &str = "decode('0100000001' || repeat('ab', 40), 'hex')";
/// A value of a newer key and of the right size.
const NEW: &str = "decode('0200000002' || repeat('cd', 72), 'hex')";

fn call(kind: &str, row: &str, old: &str, new: &str, version: u8) -> String {
    format!("select 1 where gate.reseal('{kind}', {row}::uuid::text, {old}, {new}, {version})")
}

fn replacing() -> Vec<Attack> {
    let good = call("payload", "{m1}", OLD, NEW, 2);
    let worker = Who::Worker("t");
    let as_worker = |name: &'static str, old: &str, new: &str, version| {
        refused(name, worker, call("payload", "{m1}", old, new, version))
    };
    vec![
        refused("an owner seals anew", Who::App("t5"), good.clone()),
        refused("nobody seals anew", Who::Nobody, good.clone()),
        refused("log-in's role seals anew", Who::Auth("t"), good.clone()),
        refused("the integrator seals anew", Who::Integrator, good.clone()),
        refused(
            "the platform's worker seals a tenant's anew",
            Who::Worker("p"),
            good.clone(),
        ),
        sql("another tenant's worker seals anew", Who::Worker("o"), good),
        sql(
            "a value that is not there any more is sealed anew",
            worker,
            call(
                "payload",
                "{m1}",
                NEW,
                "decode('0200000002' || repeat('cd', 72), 'hex')",
                2,
            ),
        ),
        sql(
            "a value is put into a row that it was not read from",
            worker,
            call("payload", "{m1b}", OLD, NEW, 2),
        ),
        as_worker(
            "a value goes back to an older key",
            OLD,
            "decode('0200000001' || repeat('cd', 72), 'hex')",
            1,
        ),
        as_worker(
            "a value says another version than it is",
            OLD,
            "decode('0200000001' || repeat('cd', 72), 'hex')",
            2,
        ),
        as_worker(
            "a value grows",
            OLD,
            "decode('0200000002' || repeat('cd', 73), 'hex')",
            2,
        ),
        as_worker("a value is emptied", OLD, "decode('0200000002', 'hex')", 2),
        as_worker(
            "a value is of the former suite",
            OLD,
            "decode('0100000002' || repeat('cd', 72), 'hex')",
            2,
        ),
        as_worker(
            "a value is under a key that is not",
            OLD,
            "decode('0200000009' || repeat('cd', 72), 'hex')",
            9,
        ),
        refused(
            "a value of no kind is sealed anew",
            worker,
            call("password", "{m1}", OLD, NEW, 2),
        ),
        refused(
            "a person's key goes back",
            worker,
            call(
                "subject-key",
                "{rsub}",
                "decode(repeat('ab', 60), 'hex')",
                "decode(repeat('cd', 60), 'hex')",
                1,
            ),
        ),
        refused(
            "a person's key grows",
            worker,
            call(
                "subject-key",
                "{rsub}",
                "decode(repeat('ab', 60), 'hex')",
                "decode(repeat('cd', 61), 'hex')",
                2,
            ),
        ),
    ]
}

fn around() -> Vec<Attack> {
    let worker = Who::Worker("t");
    vec![
        refused(
            "a worker changes a payload by hand",
            worker,
            format!("update channels.message set payload = {NEW} where id = {{m1}}"),
        ),
        refused(
            "the superuser changes a payload",
            Who::Superuser,
            format!("update channels.message set payload = {NEW} where id = {{m1}}"),
        ),
        refused(
            "the functions' owner changes a message's priority",
            Who::Superuser,
            "set local role kg_sec; update channels.message set priority = 'low' where id = {m1}",
        ),
        refused(
            "the superuser changes a seed",
            Who::Superuser,
            format!("update identity.factor set material = {NEW} where id = {{rfac}}"),
        ),
        refused(
            "the superuser wraps a person's key",
            Who::Superuser,
            "update keys.subject_key set kek = 'tenant:2', wrapped = decode(repeat('cd', 60), 'hex') where id = {rsub}",
        ),
        refused(
            "an owner reads sealed values",
            Who::App("t5"),
            "select gate.sealed_next('payload', null, 9)",
        ),
        sql(
            "a worker reads another's sealed values",
            Who::Worker("o"),
            "select 1 from gate.sealed_next('payload', null, 9) n where n.name = {m1}::uuid::text",
        ),
        sql(
            "a tenant's worker asks for everybody's rotations",
            worker,
            "select 1 from gate.tenants_to_reseal(9)",
        ),
        sql(
            "a walk is moved on by who does not hold it",
            worker,
            "select 1 where gate.sealed_walked('payload', 0, null, 1, 5, 0, 9)",
        ),
        refused(
            "an owner takes up a walk",
            Who::App("t5"),
            "select gate.claim_reseal(9)",
        ),
        refused("a worker reads how far walks are", worker, "select 1 from keys.reseal"),
        refused(
            "a worker says that nothing is left",
            worker,
            "update keys.sealed_left set remaining = 0",
        ),
    ]
}

pub fn attacks() -> Vec<Attack> {
    replacing().into_iter().chain(around()).collect()
}
