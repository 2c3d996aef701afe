//! Sinks: who reads what it takes to be let in, who moves one, and what of the log a worker sees.
use crate::attack::{Attack, Who, ends_with, refused, sql};

/// A sink of the tenant and one elsewhere, in nobody's hand.
pub const ARRANGED: &str = "
    alter table audit.sink disable trigger audited; alter table audit.sink_secret disable trigger audited;
    insert into audit.sink (tenant_id, id, name, format, target, batch_size, max_delay_seconds, created_at, lease_token) values
      ({t}, {tsnk}, 'siem', 'jsonl', jsonb_build_object('kind', 's3'), 1, 0, now(), 5), ({o}, {osnk}, 'siem', 'jsonl', jsonb_build_object('kind', 's3'), 1, 0, now(), 5);
    insert into audit.sink_secret (tenant_id, sink_id, sealed) values ({t}, {tsnk}, 'sealed'), ({o}, {osnk}, 'sealed');
    alter table audit.sink enable always trigger audited; alter table audit.sink_secret enable always trigger audited;";

const NEW: &str =
    "insert into audit.sink (tenant_id, id, name, format, target, batch_size, max_delay_seconds, created_at)
    values ({t}, {x}, 'mine', 'jsonl', jsonb_build_object('kind', 's3'), 1, 0, now())";

fn reads() -> Vec<Attack> {
    let mut all = vec![
        sql(
            "level 3 sees where the log is sent",
            Who::App("t3"),
            "select 1 from audit.sink",
        ),
        sql(
            "an owner sees where another's log is sent",
            Who::App("t5"),
            "select 1 from audit.sink where tenant_id <> {t}",
        ),
        sql(
            "a worker sees where another's log is sent",
            Who::Worker("t"),
            "select 1 from audit.sink where tenant_id <> {t}",
        ),
        sql(
            "the platform's worker sees a tenant's sinks",
            Who::Worker("p"),
            "select 1 from audit.sink",
        ),
        sql(
            "an owner reads another's credentials",
            Who::App("t5"),
            "select 1 from audit.sink_secret where tenant_id <> {t}",
        ),
        sql(
            "a worker reads entries beside its claims",
            Who::Worker("t"),
            "select 1 from audit.entry",
        ),
        sql(
            "a worker reads records without a claim",
            Who::Worker("t"),
            "select 1 from gate.sink_records({tsnk}, 5, 0, 500)",
        ),
        sql(
            "another tenant's worker claims a sink",
            Who::Worker("o"),
            "select 1 from gate.claim_sink({tsnk}, 30) c where c.token is not null",
        ),
        sql(
            "an owner claims a sink",
            Who::App("t5"),
            "select 1 from gate.claim_sink({tsnk}, 30) c where c.token is not null",
        ),
        sql(
            "a tenant's worker asks for everybody's sinks",
            Who::Worker("t"),
            "select 1 from gate.due_sinks(9)",
        ),
        sql(
            "an owner asks how far everybody is behind",
            Who::App("t5"),
            "select 1 from gate.sink_lags()",
        ),
    ];
    for (name, who) in [
        ("an administrator reads credentials of sinks", "t4"),
        ("an auditor reads credentials of sinks", "hatted"),
        ("a privacy officer reads credentials of sinks", "hatted5"),
        ("an owner of seven minutes ago reads credentials of sinks", "stale"),
    ] {
        all.push(sql(name, Who::App(who), "select 1 from audit.sink_secret"));
    }
    for (name, who) in [
        ("log-in's role reads sinks", Who::Auth("t")),
        ("the integrator reads sinks", Who::Integrator),
    ] {
        all.push(refused(name, who, "select 1 from audit.sink"));
    }
    all
}

fn writes() -> Vec<Attack> {
    let mut all = Vec::new();
    for (name, who) in [
        ("an administrator makes a sink", Who::App("t4")),
        ("an auditor makes a sink", Who::App("hatted")),
        ("a privacy officer makes a sink", Who::App("hatted5")),
        ("an owner of seven minutes ago makes a sink", Who::App("stale")),
        ("another's owner makes a sink here", Who::App("o5")),
        ("a worker makes a sink", Who::Worker("t")),
    ] {
        all.push(refused(name, who, NEW));
    }
    let owner = Who::App("t5");
    let worker = Who::Worker("t");
    all.extend([
        refused("an owner makes a sink unseen", owner, format!("{NEW}; set constraints all immediate")),
        sql("an administrator removes a sink", Who::App("t4"), "delete from audit.sink returning 1"),
        sql("a worker removes a sink", worker, "delete from audit.sink returning 1"),
        sql("an owner removes another's sink", owner, "delete from audit.sink where tenant_id <> {t} returning 1"),
        refused("an owner removes a sink unseen", owner, "delete from audit.sink; set constraints all immediate"),
        refused("a worker sends the log elsewhere", worker, "update audit.sink set target = jsonb_build_object('kind', 'https')"),
        refused("a worker resumes a sink", worker, "update audit.sink set paused = not paused"),
        refused("a late worker lowers the fence", worker, "update audit.sink set lease_token = 1"),
        refused("a worker moves a sink beyond what is signed", worker, "update audit.sink set next_index = 1000000"),
        refused("a worker stops a sink unseen", worker, "update audit.sink set state = 'failing', reason = 'x'; set constraints all immediate"),
        refused("an owner says that a sink fares well", owner, "update audit.sink set delivered_at = now(), lease_token = lease_token + 1"),
        refused("an owner moves a sink under a worker's hand", owner, "update audit.sink set paused = true"),
        refused("an owner moves a sink beyond what is signed", owner, "update audit.sink set next_index = 1000000, lease_token = lease_token + 1"),
        ends_with("a sink begins before the log", owner, "update audit.sink set next_index = -1, lease_token = lease_token + 1", &["23514"]),
        refused("a worker replaces credentials", worker, "insert into audit.sink_secret (tenant_id, sink_id, sealed) values ({t}, {tsnk}, 'mine') on conflict (tenant_id, sink_id) do update set sealed = 'mine'"),
        refused("an owner makes a dead letter", owner, "insert into audit.sink_dead (tenant_id, sink_id, first_index, last_index, reason, at) values ({t}, {tsnk}, 0, 0, 'x', now())"),
    ]);
    all
}

pub fn attacks() -> Vec<Attack> {
    reads().into_iter().chain(writes()).collect()
}
