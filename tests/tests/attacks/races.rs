//! Between looking and writing: each change of authority under way while somebody decides by it, at three isolation levels.
use std::time::Duration;

use crate::{
    attack::{Attack, Ending, Verdict, Who, code},
    cast::fill,
    siege::{Siege, Tried, run},
};

/// The first does `change` and waits; the second, which saw the world before, does `abuse`; then both commit.
struct Race {
    change: (Who, &'static str),
    abuse: (Who, &'static str),
}

const LOGGED: &str = "; select gate.append_entry(gen_random_uuid(), 'test.mark', 'test', 'done', null, gen_random_uuid(), null, null, null)";

/// Whether the second waits for a lock the first holds.
async fn waits(siege: &Siege) -> bool {
    siege.ask("select count(*)::text from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())").await != "0"
}

async fn run_race(siege: &Siege, race: &Race, isolation: &str) -> Verdict {
    let mut first = siege.within(race.change.0).await.unwrap();
    let mut second = siege.within_at(race.abuse.0, isolation).await.unwrap();
    run(&mut second, "select 1 from rbac.role_assignment").await.unwrap(); // the snapshot is taken
    if let Err(error) = run(&mut first, &fill(&format!("{}{LOGGED}", race.change.1))).await {
        return Verdict::Broken(format!("the change itself: {error}"));
    }
    let text = fill(&format!("{}{LOGGED}; commit", race.abuse.1));
    let abuse = tokio::spawn(async move { run(&mut second, &text).await });
    for _ in 0..200 {
        if abuse.is_finished() || waits(siege).await {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let overtook = abuse.is_finished();
    let changed = run(&mut first, "commit").await;
    let abused: Tried<u64> = abuse.await.unwrap();
    match (changed, abused) {
        (Ok(_), Err(error)) if ["42501", "40001"].contains(&error.code.as_str()) => Verdict::Blocked(error.to_string()),
        (Ok(_), Ok(_)) => Verdict::Breach(
            if overtook {
                "it went ahead of the change"
            } else {
                "it went through after the change"
            }
            .into(),
        ),
        other => Verdict::Broken(format!("{other:?}")),
    }
}

const BACK: &str = "update rbac.role_assignment set level = 4, unit_id = null, revoked_at = null, hat = null, granted_by = null where principal_id = {t4};
    update rbac.role_assignment set level = 2, unit_id = {unit}, granted_by = null where principal_id = {t2};
    update rbac.principal set status = 'active', epoch = 0 where id in ({t4}, {t2}); update rbac.principal set email = 't2@example.org' where id = {t2};
    delete from identity.enrolment where principal_id = {t2}; delete from identity.api_key where id = {x}";

async fn at_each_isolation(siege: &Siege, race: Race) -> Verdict {
    let mut told = String::new();
    for isolation in ["read committed", "repeatable read", "serializable"] {
        let verdict = run_race(siege, &race, isolation).await;
        siege.arrange(BACK).await;
        match verdict {
            Verdict::Blocked(why) => told += &format!("{isolation}: {why}; "),
            Verdict::Breach(why) => return Verdict::Breach(format!("{isolation}: {why}")),
            broken => return broken,
        }
    }
    Verdict::Blocked(told)
}

const DEMOTION: (Who, &str) = (
    Who::App("t5"),
    "update rbac.role_assignment set level = 3, unit_id = {unit}, granted_by = {t5} where principal_id = {t4}",
);
const REVOCATION: (Who, &str) = (
    Who::App("t5"),
    "update rbac.role_assignment set revoked_at = now(), granted_by = {t5} where principal_id = {t4}",
);
const DISABLING: (Who, &str) = (
    Who::App("t5"),
    "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t4}",
);
const PROMOTION: (Who, &str) = (
    Who::App("t5"),
    "update rbac.role_assignment set level = 4, unit_id = null, granted_by = {t5} where principal_id = {t2}",
);

const GRANT: (Who, &str) = (
    Who::App("t4"),
    "update rbac.role_assignment set level = 3, granted_by = {t4} where principal_id = {t2}",
);
const CODE: (Who, &str) = (
    Who::App("t4"),
    "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, gen_random_uuid(), {t2}, sha256('race'), now() + interval '1 hour')",
);
const DISABLE: (Who, &str) = (
    Who::App("t4"),
    "update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = {t2}",
);
const KEY: (Who, &str) = (
    Who::App("t4"),
    "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {t4}, 'x', '$argon2id$x')",
);

macro_rules! races {
    ($($name:ident: $change:expr, $abuse:expr),+ $(,)?) => { $(
        fn $name(siege: &Siege) -> Ending<'_> {
            Box::pin(at_each_isolation(siege, Race { change: $change, abuse: $abuse }))
        }
    )+ };
}
races! {
    demoted_and_granting: DEMOTION, GRANT,
    revoked_and_granting: REVOCATION, GRANT,
    disabled_and_granting: DISABLING, GRANT,
    demoted_and_making_a_code: DEMOTION, CODE,
    disabled_and_making_a_code: DISABLING, CODE,
    demoted_and_disabling: DEMOTION, DISABLE,
    demoted_and_making_a_key: DEMOTION, KEY,
    promoted_and_coded: PROMOTION, CODE,
    promoted_and_disabled: PROMOTION, DISABLE,
}

pub fn attacks() -> Vec<Attack> {
    let all: [(&'static str, for<'a> fn(&'a Siege) -> Ending<'a>); 9] = [
        ("race: grants while being demoted", demoted_and_granting),
        ("race: grants while its level is taken away", revoked_and_granting),
        ("race: grants while being disabled", disabled_and_granting),
        ("race: makes a code while being demoted", demoted_and_making_a_code),
        ("race: makes a code while being disabled", disabled_and_making_a_code),
        ("race: disables while being demoted", demoted_and_disabling),
        ("race: makes a key while being demoted", demoted_and_making_a_key),
        ("race: makes a code for somebody being promoted", promoted_and_coded),
        ("race: disables somebody being promoted", promoted_and_disabled),
    ];
    all.into_iter()
        .map(|(name, run)| code(name, Who::App("t4"), run))
        .collect()
}
