//! Contexts that were made up, edited, replayed or swapped.
use sqlx::Connection;

use crate::{
    attack::{Attack, Ending, Verdict, Who, code, sql},
    cast::id,
    siege::{Claims, Siege, enter, one, run},
};

/// What a reader with any tenant's context would see.
const SEEN: &str = "select count(*)::text from rbac.principal";

fn set_context(value: &str) -> String {
    format!("select set_config('kg.ctx', '{value}', true)")
}

/// Sets what is no permission of the lockdown's: `set local` is a statement, not a function.
async fn seen_with(siege: &Siege, who: Who, change: impl FnOnce(&str) -> String + Send) -> Verdict {
    let mut connection = siege.within(who).await.unwrap();
    let sealed = one(&mut connection, "select current_setting('kg.ctx')").await.unwrap();
    let before = one(&mut connection, SEEN).await.unwrap();
    let edited = change(&sealed);
    if edited == sealed || before == "0" {
        return Verdict::Broken(format!("nothing was edited, or nothing to see: {before}"));
    }
    if let Err(error) = run(&mut connection, &format!("set local kg.ctx = '{edited}'")).await {
        return Verdict::Blocked(error.to_string());
    }
    match one(&mut connection, SEEN).await {
        Ok(seen) => Verdict::of(seen == "0", format!("{seen} of {before} rows")),
        Err(error) => Verdict::Blocked(error.to_string()),
    }
}

macro_rules! edit {
    ($name:ident, $who:expr, $change:expr) => {
        fn $name(siege: &Siege) -> Ending<'_> {
            Box::pin(seen_with(siege, $who, $change))
        }
    };
}

fn field(sealed: &str, at: usize, value: &str) -> String {
    let mut fields: Vec<&str> = sealed.split('|').collect();
    fields[at] = value;
    fields.join("|")
}

edit!(level_raised, Who::App("t2"), |sealed| field(sealed, 4, "5"));
edit!(tenant_swapped, Who::App("t5"), |sealed| field(
    sealed,
    3,
    &id("o").to_string()
));
edit!(subject_swapped, Who::App("t2"), |sealed| field(
    sealed,
    0,
    &id("t5").to_string()
));
edit!(unit_swapped, Who::App("t3"), |sealed| field(
    sealed,
    5,
    &id("yard").to_string()
));
edit!(hat_taken_off, Who::App("hatted"), |sealed| field(sealed, 6, "-"));
edit!(freshness_claimed, Who::App("stale"), |sealed| field(sealed, 7, "t"));
edit!(made_a_worker, Who::App("t2"), |sealed| field(sealed, 4, "0"));
edit!(seal_cut_off, Who::App("t5"), |sealed| sealed[..sealed.len() - 1]
    .to_owned());
edit!(seal_of_zeros, Who::App("t5"), |sealed| format!(
    "{}{}",
    &sealed[..sealed.len() - 64],
    "0".repeat(64)
));
edit!(field_added, Who::App("t5"), |sealed| format!("x|{sealed}"));

fn replayed_later(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        let sealed = one(&mut connection, "select current_setting('kg.ctx')").await.unwrap();
        run(&mut connection, &format!("commit; set kg.ctx = '{sealed}'; begin"))
            .await
            .unwrap();
        let seen = one(&mut connection, SEEN).await.unwrap();
        Verdict::of(seen == "0", format!("{seen} rows"))
    })
}

fn replayed_elsewhere(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        let sealed = one(&mut connection, "select current_setting('kg.ctx')").await.unwrap();
        let mut other = siege.within(Who::Nobody).await.unwrap();
        run(&mut other, &format!("set local kg.ctx = '{sealed}'"))
            .await
            .unwrap();
        let seen = one(&mut other, SEEN).await.unwrap();
        let _still_open = connection.close().await;
        Verdict::of(seen == "0", format!("{seen} rows"))
    })
}

/// The context survives nothing: not the end of its transaction, not a rollback to before it.
fn left_behind(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Nobody).await.unwrap();
        run(&mut connection, "savepoint before").await.unwrap();
        Claims::of("t5").enter(&mut connection).await.unwrap();
        run(&mut connection, "rollback to before").await.unwrap();
        let rolled = one(&mut connection, SEEN).await.unwrap();
        Claims::of("t5").enter(&mut connection).await.unwrap();
        run(&mut connection, "commit").await.unwrap();
        let committed = one(&mut connection, SEEN).await.unwrap();
        Verdict::of(
            rolled == "0" && committed == "0",
            format!("{rolled} and {committed} rows"),
        )
    })
}

fn entered_twice(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t2")).await.unwrap();
        match Claims::of("t5").enter(&mut connection).await {
            Err(error) => Verdict::of(error.code == "42501", error.to_string()),
            Ok(()) => Verdict::Breach("a second context".into()),
        }
    })
}

/// Throws its own context away, to enter with claims caught on another connection.
fn swapped_for_caught_claims(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut victim = siege.within(Who::Nobody).await.unwrap();
        let caught = Claims::of("t5").signed_for(&mut victim).await.unwrap();
        let mut connection = siege.within(Who::App("t2")).await.unwrap();
        run(&mut connection, "set local kg.ctx = ''").await.unwrap();
        match enter(&mut connection, &caught).await {
            Err(error) => Verdict::of(error.code == "KG001", error.to_string()),
            Ok(()) => Verdict::Breach("in as the owner".into()),
        }
    })
}

async fn entering(siege: &Siege, claims: Claims) -> Verdict {
    let mut connection = siege.within(Who::Nobody).await.unwrap();
    match claims.enter(&mut connection).await {
        Err(error) if ["KG001", "42501"].contains(&error.code.as_str()) => Verdict::Blocked(error.to_string()),
        Err(error) if error.code == "22P02" => Verdict::Blocked(error.to_string()),
        Err(error) => Verdict::Broken(error.to_string()),
        Ok(()) => Verdict::Breach("entered".into()),
    }
}

macro_rules! enters {
    ($name:ident, $claims:expr) => {
        fn $name(siege: &Siege) -> Ending<'_> {
            Box::pin(entering(siege, $claims))
        }
    };
    ($name:ident, $before:expr, $claims:expr) => {
        fn $name(siege: &Siege) -> Ending<'_> {
            Box::pin(async {
                siege.arrange($before).await;
                let verdict = entering(siege, $claims).await;
                siege.arrange(&undo($before)).await;
                verdict
            })
        }
    };
}

/// The way back from each arrangement of this file.
fn undo(before: &str) -> String {
    match before {
        REVOKED => "update identity.session set revoked_at = null where sid = {s-t4}",
        ENDED => "update identity.session set expires_at = created_at + interval '7 hours' where sid = {s-t4}",
        DISABLED => "update rbac.principal set status = 'active' where id = {t4}",
        EPOCH => "update rbac.principal set epoch = 0 where id = {t4}",
        SUSPENDED => "update rbac.tenant set status = 'active' where id = {t}",
        STRIPPED => "update rbac.role_assignment set revoked_at = null where principal_id = {t4}",
        KEY_REVOKED => "update identity.api_key set revoked_at = null where id = {tkey}",
        OWNER_OFF => "update rbac.principal set status = 'active' where id = {t5}",
        RETIRED => "update sec.claim_key set not_after = null",
        other => panic!("no way back from {other}"),
    }
    .to_owned()
}

const REVOKED: &str = "update identity.session set revoked_at = now() where sid = {s-t4}";
const ENDED: &str = "update identity.session set expires_at = now() - interval '1 second' where sid = {s-t4}";
const DISABLED: &str = "update rbac.principal set status = 'disabled' where id = {t4}";
const EPOCH: &str = "update rbac.principal set epoch = 1 where id = {t4}";
const SUSPENDED: &str = "update rbac.tenant set status = 'suspended' where id = {t}";
const STRIPPED: &str = "update rbac.role_assignment set revoked_at = now() where principal_id = {t4}";
const KEY_REVOKED: &str = "update identity.api_key set revoked_at = now() where id = {tkey}";
const OWNER_OFF: &str = "update rbac.principal set status = 'disabled' where id = {t5}";
const RETIRED: &str = "update sec.claim_key set not_after = now() - interval '1 second'";

enters!(
    wrong_signature,
    Claims {
        key: [8; 32],
        ..Claims::of("t5")
    }
);
enters!(
    unknown_kid,
    Claims {
        kid: "other",
        ..Claims::of("t5")
    }
);
enters!(
    of_another_backend,
    Claims {
        backend: Some(1),
        ..Claims::of("t5")
    }
);
enters!(
    expired,
    Claims {
        lives_ms: -1,
        ..Claims::of("t5")
    }
);
enters!(
    old_version,
    Claims {
        version: "v1",
        ..Claims::of("t5")
    }
);
enters!(
    foreign_tenant,
    Claims {
        tenant: id("o").to_string(),
        ..Claims::of("t5")
    }
);
enters!(
    foreign_subject,
    Claims {
        subject: id("t5").to_string(),
        ..Claims::of("t2")
    }
);
enters!(
    foreign_session,
    Claims {
        credential: id("s-t5").to_string(),
        ..Claims::of("t2")
    }
);
enters!(
    session_as_key,
    Claims {
        kind: "key",
        ..Claims::of("t5")
    }
);
enters!(
    worker_with_a_level,
    Claims {
        level: 5,
        ..Claims::worker("t")
    }
);
enters!(
    worker_of_another,
    Claims {
        tenant: id("o").to_string(),
        ..Claims::worker("t")
    }
);
enters!(
    person_with_level_0,
    Claims {
        level: 0,
        ..Claims::of("t5")
    }
);
enters!(
    person_below_0,
    Claims {
        level: -1,
        ..Claims::of("t5")
    }
);
enters!(
    not_numbers,
    Claims {
        tenant: "x".into(),
        ..Claims::of("t5")
    }
);
enters!(
    injected_fields,
    Claims {
        tenant: format!("{}|5|9999999999999", id("o")),
        ..Claims::of("t2")
    }
);
enters!(
    overlong,
    Claims {
        subject: "x".repeat(400),
        ..Claims::of("t5")
    }
);
enters!(revoked_session, REVOKED, Claims::of("t4"));
enters!(ended_session, ENDED, Claims::of("t4"));
enters!(disabled_principal, DISABLED, Claims::of("t4"));
enters!(old_epoch, EPOCH, Claims::of("t4"));
enters!(suspended_tenant, SUSPENDED, Claims::of("t4"));
enters!(suspended_worker, SUSPENDED, Claims::worker("t"));
enters!(level_taken_away, STRIPPED, Claims::of("t4"));
enters!(revoked_key, KEY_REVOKED, Claims::of("key:t"));
enters!(key_of_a_disabled_owner, OWNER_OFF, Claims::of("key:t"));
enters!(retired_claim_key, RETIRED, Claims::of("t5"));

fn unsigned(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for signature in [Some(Vec::new()), None, Some(vec![0; 32])] {
            let mut connection = siege.within(Who::Nobody).await.unwrap();
            let (text, _) = Claims::of("t5").signed_for(&mut connection).await.unwrap();
            let entered = sqlx::query("select gate.enter($1, $2)")
                .bind(text)
                .bind(signature)
                .execute(&mut connection)
                .await;
            if entered.is_ok() {
                return Verdict::Breach("entered".into());
            }
        }
        Verdict::Blocked("KG001".into())
    })
}

/// A gateway gone mad signs a level nobody has: the live one counts.
fn signed_too_high(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut told = Vec::new();
        for (claims, live) in [
            (
                Claims {
                    level: 7,
                    ..Claims::of("t2")
                },
                "2",
            ),
            (
                Claims {
                    level: 6,
                    ..Claims::of("key:t")
                },
                "3",
            ),
        ] {
            let mut connection = siege.within(Who::Nobody).await.unwrap();
            claims.enter(&mut connection).await.unwrap();
            let level = one(&mut connection, "select gate.level()::text").await.unwrap();
            if level != live {
                return Verdict::Breach(format!("level {level} instead of {live}"));
            }
            told.push(level);
        }
        Verdict::Blocked(format!("levels {told:?}"))
    })
}

/// A key is worth at most its owner's level less one, at once when the owner falls.
fn key_above_its_owner(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        siege
            .arrange("update rbac.role_assignment set level = 2, unit_id = {unit} where principal_id = {t5}")
            .await;
        let mut connection = siege.within(Who::App("key:t")).await.unwrap();
        let level = one(&mut connection, "select gate.level()::text").await.unwrap();
        siege
            .arrange("update rbac.role_assignment set level = 5, unit_id = null where principal_id = {t5}")
            .await;
        Verdict::of(level == "1", format!("level {level}"))
    })
}

pub fn attacks() -> Vec<Attack> {
    let zeros = "0".repeat(64);
    let (me, tenant) = (id("t5"), id("t"));
    let forged = format!("{me}|ses|{me}|{tenant}|5|-|-|t|{zeros}");
    let app = |name, run| code(name, Who::Nobody, run);
    vec![
        sql(
            "context set by hand with SET LOCAL",
            Who::Nobody,
            format!("set local kg.ctx = '{forged}'; select 1 from rbac.principal"),
        ),
        sql(
            "context set by hand inside a SELECT",
            Who::Nobody,
            set_context(&forged) + "; select 1 from rbac.principal",
        )
        .locked_down(),
        app("sealed context: level raised", level_raised),
        app("sealed context: tenant swapped", tenant_swapped),
        app("sealed context: subject swapped", subject_swapped),
        app("sealed context: unit swapped", unit_swapped),
        app("sealed context: hat taken off", hat_taken_off),
        app("sealed context: freshness claimed", freshness_claimed),
        app("sealed context: made a worker", made_a_worker),
        app("sealed context: seal cut off", seal_cut_off),
        app("sealed context: seal of zeros", seal_of_zeros),
        app("sealed context: a field in front", field_added),
        app("sealed context replayed in a later transaction", replayed_later),
        app("sealed context replayed on another connection", replayed_elsewhere),
        app("context left behind by its transaction", left_behind),
        app("context entered twice", entered_twice),
        app("context thrown away for caught claims", swapped_for_caught_claims),
        app("claims without a signature", unsigned),
        app("claims signed with another key", wrong_signature),
        app("claims of an unknown key", unknown_kid),
        app("claims of a retired key", retired_claim_key),
        app("claims of another backend", of_another_backend),
        app("claims past their end", expired),
        app("claims of an old version", old_version),
        app("claims: foreign tenant", foreign_tenant),
        app("claims: foreign subject", foreign_subject),
        app("claims: foreign session", foreign_session),
        app("claims: a session as a key", session_as_key),
        app("claims: a worker with a level", worker_with_a_level),
        app("claims: a worker of another tenant", worker_of_another),
        app("claims: a person with the worker's level", person_with_level_0),
        app("claims: a level below none", person_below_0),
        app("claims that are no numbers", not_numbers),
        app("claims with fields injected", injected_fields),
        app("claims too long", overlong),
        app("claims with a level nobody has", signed_too_high),
        app("revoked session at the next transaction", revoked_session),
        app("ended session at the next transaction", ended_session),
        app("disabled principal at the next transaction", disabled_principal),
        app("old epoch at the next transaction", old_epoch),
        app("suspended tenant at the next transaction", suspended_tenant),
        app("suspended tenant's worker", suspended_worker),
        app("level taken away at the next transaction", level_taken_away),
        app("revoked key at the next transaction", revoked_key),
        app("key of a disabled owner", key_of_a_disabled_owner),
        app("key above its fallen owner", key_above_its_owner),
    ]
}
