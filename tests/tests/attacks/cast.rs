//! Who is there to attack and to be attacked. Numbers speak: tenant `p` (platform), `t` (where the attacker sits), `o` (another
//! customer); then the level; `b` is a second of the same level, `u` one of the other unit.
use keepgate_kernel::Uuid;

/// A member: name, tenant, level, unit, hat.
pub struct Member {
    pub name: &'static str,
    pub tenant: &'static str,
    pub level: u8,
    pub unit: Option<&'static str>,
    pub hat: Option<&'static str>,
    /// Minutes since the log-in.
    pub age: u32,
}

const fn member(name: &'static str, tenant: &'static str, level: u8, unit: Option<&'static str>) -> Member {
    Member {
        name,
        tenant,
        level,
        unit,
        hat: None,
        age: 0,
    }
}

pub const CAST: &[Member] = &[
    member("p7", "p", 7, None),
    member("p7b", "p", 7, None),
    member("p6", "p", 6, None),
    member("t5", "t", 5, None),
    member("t5b", "t", 5, None),
    member("t4", "t", 4, None),
    member("t4b", "t", 4, None),
    member("t3", "t", 3, Some("unit")),
    member("t3u", "t", 3, Some("yard")),
    member("t2", "t", 2, Some("unit")),
    member("t2u", "t", 2, Some("yard")),
    member("t1", "t", 1, Some("unit")),
    member("t1b", "t", 1, Some("unit")),
    member("t1u", "t", 1, Some("yard")),
    member("o5", "o", 5, None),
    member("o4", "o", 4, None),
    member("o3", "o", 3, Some("quay")),
    member("o2", "o", 2, Some("quay")),
    member("o1", "o", 1, Some("quay")),
    Member {
        hat: Some("auditor"),
        ..member("hatted", "t", 4, None)
    },
    Member {
        hat: Some("privacy_officer"),
        ..member("hatted5", "t", 5, None)
    },
    Member {
        age: 7,
        ..member("stale", "t", 5, None)
    },
    Member {
        age: 7,
        ..member("stale7", "p", 7, None)
    },
];

pub fn find(name: &str) -> &'static Member {
    CAST.iter()
        .find(|member| member.name == name)
        .unwrap_or_else(|| panic!("nobody is called {name}"))
}

/// The number of whatever is called `name`; the same in every run.
pub fn id(name: &str) -> Uuid {
    let mut bytes = [0_u8; 16];
    for (at, byte) in name.bytes().enumerate() {
        bytes[(at + 1) % 16] ^= byte.rotate_left(u32::try_from(at / 15).unwrap());
    }
    bytes[0] = 0x0a;
    Uuid::from_bytes(bytes)
}

/// `{name}` becomes the number of `name`, quoted.
pub fn fill(sql: &str) -> String {
    let mut filled = String::with_capacity(sql.len() * 2);
    let mut rest = sql;
    while let Some((before, after)) = rest.split_once('{') {
        let (name, tail) = after
            .split_once('}')
            .unwrap_or_else(|| panic!("an open brace in {sql}"));
        filled.push_str(before);
        filled.push_str(&format!("'{}'", id(name)));
        rest = tail;
    }
    filled + rest
}

/// Everything there is, as SQL for a superuser whose guards are down.
pub fn arrange() -> String {
    let mut sql = String::from(
        "insert into rbac.tenant (id, name, kind) values ({p}, 'platform', 'platform'), ({t}, 'one', 'customer'), ({o}, 'other', 'customer');
         insert into rbac.unit (tenant_id, id, name) values ({t}, {unit}, 'main'), ({t}, {yard}, 'yard'), ({o}, {quay}, 'main');",
    );
    for Member {
        name,
        tenant,
        level,
        unit,
        hat,
        age,
    } in CAST
    {
        let unit = unit.map_or_else(|| "null".to_owned(), |unit| format!("{{{unit}}}"));
        let hat = hat.map_or_else(|| "null".to_owned(), |hat| format!("'{hat}'"));
        sql += &format!(
            "insert into rbac.principal (tenant_id, id, kind, email, display_name) values ({{{tenant}}}, {{{name}}}, 'user', '{name}@example.org', 'secret name of {name}');
             insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id, hat) values ({{{tenant}}}, {{{name}}}, {level}, {unit}, {hat});
             insert into identity.session (tenant_id, sid, principal_id, level, epoch, created_at, expires_at) values ({{{tenant}}}, {{s-{name}}}, {{{name}}}, {level}, 0,
               now() - interval '{age} minutes', now() + interval '7 hours');
             insert into identity.password (tenant_id, principal_id, phc) values ({{{tenant}}}, {{{name}}}, '$argon2id$of-{name}');"
        );
    }
    for tenant in ["t", "o"] {
        let (unit, low, owner) = if tenant == "t" {
            ("unit", "t1", "t5")
        } else {
            ("quay", "o1", "o5")
        };
        sql += &format!(
            "insert into rbac.principal (tenant_id, id, kind) values ({{{tenant}}}, {{{tenant}svc}}, 'service');
             insert into rbac.role_assignment (tenant_id, principal_id, level, unit_id) values ({{{tenant}}}, {{{tenant}svc}}, 3, {{{unit}}});
             insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({{{tenant}}}, {{{tenant}key}}, {{{tenant}svc}}, {{{owner}}}, 'robot', '$argon2id$key');
             insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ({{{tenant}}}, {{{tenant}enr}}, {{{low}}}, sha256('{tenant}'), now() + interval '1 hour');
             insert into keys.data_key (tenant_id, version, kek, wrapped) values ({{{tenant}}}, 1, '0123456789abcdef', decode(repeat('00', 60), 'hex'));
             insert into channels.recipient (tenant_id, id, name, contacts, created_at) values ({{{tenant}}}, {{{tenant}rec}}, 'hidden recipient', '[{{\"channel\":\"sms\"}}]', now());
             insert into channels.route (tenant_id, name, id, steps, require_ack, deadline_seconds, updated_at) values ({{{tenant}}}, 'main', {{{tenant}route}}, '[1]', false, 60, now());
             insert into channels.webhook (tenant_id, id, url, events, secret, created_at) values ({{{tenant}}}, {{{tenant}hook}}, 'https://hook.example/{tenant}', '{{}}', 'sealed', now());"
        );
    }
    sql = sql
        .replace("{\"channel\":\"sms\"}", "1")
        .replace("'{}'", "array[]::text[]");
    for (name, tenant, sender, unit) in [
        ("m1", "t", "t1", "{unit}"),
        ("m1b", "t", "t1b", "{unit}"),
        ("mu", "t", "t1u", "{yard}"),
        ("m4", "t", "t4", "null"),
        ("mo", "o", "o1", "{quay}"),
    ] {
        sql += &format!(
            "insert into channels.message (tenant_id, id, accepted_at, sender_kind, sender_id, unit_id, contacts, addressees, route, payload, content_type, priority, require_ack, deadline)
               values ({{{tenant}}}, {{{name}}}, now(), 'user', {{{sender}}}, {unit}, '[1]', array[]::uuid[], jsonb_build_object(), 'sealed', 'text/plain', 'normal', false, now() + interval '1 hour');
             insert into channels.delivery (tenant_id, message_id, due_at, wake_at) values ({{{tenant}}}, {{{name}}}, now(), now());
             insert into channels.attempt (tenant_id, id, message_id, step, target, try, channel, idempotent, state, live, sends, lease_token, at, ends_at)
               values ({{{tenant}}}, {{a-{name}}}, {{{name}}}, 0, 0, 1, 'sms', false, 'intent', true, 0, 0, now(), now());"
        );
    }
    sql += "insert into channels.stream (tenant_id, principal_id, last_seq) values ({t}, {t1b}, 1), ({o}, {o1}, 1);
            insert into channels.stream_event (tenant_id, principal_id, seq, message_id, attempt_id, at) values ({t}, {t1b}, 1, {m1b}, {a-m1b}, now());
            insert into identity.throttle (bucket, failures, blocked_until) values (sha256('x'), 3, now());
            insert into doorway.idempotency (tenant_id, principal_id, key_hash, request_hash, entity, status, answer) values ({t}, {t1b}, sha256('k'), sha256('r'), 'msg', 201, 'sealed');";
    sql += crate::approvals::ARRANGED;
    sql += crate::devices::ARRANGED;
    sql += crate::sinks::ARRANGED;
    sql += crate::reseal::ARRANGED;
    fill(&sql)
}
