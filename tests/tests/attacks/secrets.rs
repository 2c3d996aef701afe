//! Keys, verifiers, codes; and the role that may read them, played as well.
use crate::{
    attack::{Attack, Ending, Verdict, Who, code, refused, sql},
    siege::{Siege, one, run},
};

const ROBBERS: [Who; 5] = [
    Who::App("t5"),
    Who::App("p7"),
    Who::App("t1"),
    Who::Worker("t"),
    Who::Worker("p"),
];

/// Whoever plays `kg_app` sees none of it, whatever context it has.
async fn none_may(siege: &Siege, statement: &str) -> Verdict {
    for who in ROBBERS {
        match siege.try_sql(who, statement).await {
            Ok(_) => return Verdict::Breach(format!("{who:?}: {statement}")),
            Err(error) if error.code == "42501" => {}
            Err(error) => return Verdict::Broken(format!("{statement}: {error}")),
        }
    }
    Verdict::Blocked("42501".into())
}

macro_rules! secret {
    ($($name:ident: $statement:literal),+ $(,)?) => { $(
        fn $name(siege: &Siege) -> Ending<'_> { Box::pin(none_may(siege, $statement)) }
    )+ };
}
secret! {
    claim_keys: "select * from sec.claim_key",
    context_key: "select * from sec.context_key",
    passwords: "select phc from identity.password",
    password_oracle: "select 1 from identity.password where phc like '$%'",
    throttle: "select * from identity.throttle",
    codes: "select code_hash from identity.enrolment",
    key_verifiers: "select phc from identity.api_key",
    old_key_verifiers: "select old_phc from identity.api_key",
    key_oracle: "update identity.api_key set revoked_at = now() where phc like '$argon2id$k%'",
    key_returned: "update identity.api_key set phc = '$argon2id$x' returning phc",
    code_returned: "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t2}, sha256('y'), now() + interval '1 hour') returning code_hash",
    signing_keys: "select * from keys.signing_key",
    password_set: "insert into identity.password (tenant_id, principal_id, phc) values ({t}, {t2}, '$argon2id$mine') on conflict (tenant_id, principal_id) do update set phc = excluded.phc",
    session_made: "insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ({t}, {x}, {t5}, 5, 0, now() + interval '1 hour')",
    code_used: "update identity.enrolment set used_at = now()",
    homes: "select gate.homes_of_email('t5@example.org')",
    roles_passwords: "select rolpassword from pg_authid",
    whole_table: "select k from identity.api_key k",
    copied: "copy identity.api_key to stdout",
}

/// A session the log-in's role opens is worth what its principal is worth, whatever it asks for.
fn session_above_its_principal(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::Auth("t")).await.unwrap();
        let made = run(&mut connection, &crate::cast::fill("insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ({t}, {x}, {t2}, 7, 9, now() + interval '1 hour')")).await;
        if let Err(error) = made {
            return Verdict::Broken(error.to_string());
        }
        let level = one(
            &mut connection,
            "select level || '/' || epoch from identity.session where sid = {x}",
        )
        .await
        .unwrap();
        Verdict::of(level == "2/0", format!("level/epoch {level}"))
    })
}

fn as_somebody(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for name in ["t5", "p7", "t1", "key:t"] {
            let mut connection = siege.within(Who::AuthNobody).await.unwrap();
            if crate::siege::Claims::of(name).enter(&mut connection).await.is_ok() {
                return Verdict::Breach(format!("in as {name}"));
            }
        }
        Verdict::Blocked("42501".into())
    })
}

/// What lies in the database of people's secrets is never more than a verifier.
fn unreadable_by_the_integrator(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for table in [
            "identity.password",
            "identity.api_key",
            "identity.session",
            "rbac.principal",
            "channels.message",
            "keys.data_key",
            "audit.opening",
            "audit.sealed_opening",
            "keys.subject_key",
        ] {
            match siege.try_sql(Who::Integrator, &format!("select 1 from {table}")).await {
                Ok(_) => return Verdict::Breach(table.into()),
                Err(error) if error.code == "42501" => {}
                Err(error) => return Verdict::Broken(error.to_string()),
            }
        }
        Verdict::Blocked("42501".into())
    })
}

pub fn attacks() -> Vec<Attack> {
    let app = Who::App("t5");
    let auth = Who::Auth("t");
    let mut all: Vec<Attack> = [
        ("the claim keys", claim_keys as for<'a> fn(&'a Siege) -> Ending<'a>),
        ("the context key", context_key),
        ("password verifiers", passwords),
        ("password verifiers by a predicate", password_oracle),
        ("counters of log-ins", throttle),
        ("hashes of codes", codes),
        ("verifiers of keys", key_verifiers),
        ("older verifiers of keys", old_key_verifiers),
        ("verifiers of keys by a predicate", key_oracle),
        ("verifiers of keys by RETURNING", key_returned),
        ("hashes of codes by RETURNING", code_returned),
        ("whole rows of keys", whole_table),
        ("keys by COPY", copied),
        ("the logs' signing keys", signing_keys),
        ("a password set by the service", password_set),
        ("a session made by the service", session_made),
        ("a code used by the service", code_used),
        ("homes of an address", homes),
        ("the roles' passwords", roles_passwords),
    ]
    .into_iter()
    .map(|(name, run)| code(name, app, run))
    .collect();
    all.extend([
        sql("data keys read by a person", app, "select 1 from keys.data_key"),
        refused("a worker reads what proves a key's end", Who::Worker("t"), "select end_proof from keys.data_key"),
        sql("a worker reads it of a key that lives", Who::Worker("t"), "select 1 from gate.ended_data_keys()"),
        refused("a worker ends a key with a proof of its own", Who::Worker("t"), "select gate.end_data_key(1, sha256('x'))"),
        sql("a worker ends a key that nobody wanted to end", Who::Worker("t"), "select 1 where gate.end_data_key(1, null)"),
        refused("a worker picks the proof of a new key", Who::Worker("t"), "insert into keys.data_key (tenant_id, version, kek, wrapped, end_proof) values ({t}, 9, '0123456789abcdef', decode(repeat('00', 60), 'hex'), sha256('x'))"),
        refused("a worker replaces a proof", Who::Worker("t"), "update keys.data_key set end_proof = sha256('x')"),
        refused("an owner ends a key alone", Who::App("t5"), "select gate.end_data_key(1, null)"),
        sql("data keys of another tenant's worker", Who::Worker("t"), "select 1 from keys.data_key where tenant_id = {o}"),
        code("log-in's role enters as somebody", Who::AuthNobody, as_somebody),
        code("log-in's role opens a session above its principal", auth, session_above_its_principal),
        sql("log-in's role without a context", Who::AuthNobody, "select 1 from identity.password"),
        sql("log-in's role reads another tenant's verifiers", auth, "select 1 from identity.password where tenant_id = {o}"),
        sql("log-in's role reads another tenant's people", auth, "select 1 from rbac.principal where tenant_id = {o}"),
        sql("log-in's role asks for homes as a tenant's worker", auth, "select gate.homes_of_email('t5@example.org')"),
        refused("log-in's role reads names", auth, "select display_name from rbac.principal"),
        refused("log-in's role reads messages", auth, "select 1 from channels.message"),
        refused("log-in's role reads data keys", auth, "select 1 from keys.data_key"),
        refused("log-in's role reads the log", auth, "select 1 from audit.entry"),
        refused("log-in's role gives a level", auth, "update rbac.role_assignment set level = 4"),
        refused("log-in's role makes a principal", auth, "insert into rbac.principal (tenant_id, id, kind) values ({t}, {x}, 'service')"),
        refused("log-in's role enables a principal", auth, "update rbac.principal set status = 'active'"),
        refused("log-in's role makes a code", auth, "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({t}, {x}, {t5}, sha256('z'), now() + interval '1 hour')"),
        refused("log-in's role makes a key", auth, "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {tsvc}, {t5}, 'x', '$argon2id$x')"),
        refused("log-in's role revives a code", auth, "update identity.enrolment set used_at = null"),
        refused("log-in's role prolongs a session", auth, "update identity.session set expires_at = now() + interval '7 hours'"),
        refused("log-in's role revives a session", auth, "update identity.session set revoked_at = null"),
        refused("log-in's role deletes passwords", auth, "delete from identity.password"),
        refused("log-in's role opens a session elsewhere", auth, "insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ({o}, {x}, {o5}, 5, 0, now() + interval '1 hour')"),
        code("integrator reads what is not its own", Who::Integrator, unreadable_by_the_integrator),
        refused("integrator changes an entry", Who::Integrator, "update audit.entry set outcome = 'refused', reason = 'x'"),
        refused("integrator writes an entry", Who::Integrator, "insert into audit.entry (tenant_id, id, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash) values ({t}, {x}, 'user', {t5}, 'a.b', 'x', 'done', {x}, '', sha256(''))"),
        refused("integrator gives a level", Who::Integrator, "update rbac.role_assignment set level = 5"),
    ]);
    all
}
