//! Keys across tenants, and what errors, uniqueness and statistics tell about rows one can't see.
use crate::{
    attack::{Attack, Ending, Verdict, Who, code, ends_with, refused, sql},
    cast::fill,
    siege::{Siege, one, run},
};

/// The same number and address as in the other tenant: accepted here without a word, so that nothing is learnt.
fn silent_uniqueness(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t5")).await.unwrap();
        let twin = fill(
            "insert into rbac.principal (tenant_id, id, kind, email) values ({t}, {o5}, 'user', 'o5@example.org')",
        );
        match run(&mut connection, &twin).await {
            Ok(1) => Verdict::Blocked("no signal".into()),
            Ok(other) => Verdict::Breach(format!("{other} rows")),
            Err(error) => Verdict::Breach(format!("told by {error}")),
        }
    })
}

/// The same for recipients, routes, webhooks, idempotency keys.
fn silent_uniqueness_of_things(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for text in [
            "insert into channels.recipient (tenant_id, id, name, contacts, created_at) values ({t}, {orec}, 'x', '[1]', now())",
            "insert into channels.webhook (tenant_id, id, url, events, secret, created_at) values ({t}, {ohook}, 'https://hook.example/o', array[]::text[], 'x', now())",
            "insert into doorway.idempotency (tenant_id, principal_id, key_hash, request_hash, entity, status, answer) values ({t}, {t5}, sha256('k'), sha256('r'), 'msg', 201, 'x')",
        ] {
            match siege.try_sql(Who::App("t5"), text).await {
                Ok(1) => {}
                other => return Verdict::Breach(format!("{text}: {other:?}")),
            }
        }
        Verdict::Blocked("no signal".into())
    })
}

/// A predicate that raises on a row it is shown: it is shown none of the hidden ones.
fn errors_tell_nothing(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        for text in [
            "select count(*)::text from rbac.principal where tenant_id = {o} and 1 / (case when email like 'o5%' then 0 else 1 end) = 1",
            "select count(*)::text from rbac.principal where display_name::int > 0 and tenant_id = {o}",
            "select count(*)::text from channels.message where (convert_from(payload, 'UTF8'))::int > 0 and tenant_id = {o}",
            "select count(*)::text from rbac.role_assignment where tenant_id = {o} and 1 / (level - 5) = 0",
        ] {
            let mut connection = siege.within(Who::App("t5")).await.unwrap();
            // Own rows would raise as well: only the order of the filters is under test, so the predicate comes with the other tenant.
            match one(&mut connection, text).await {
                Ok(count) if count == "0" => {}
                Ok(count) => return Verdict::Breach(format!("{count} rows: {text}")),
                Err(error) if text.contains("display_name") || text.contains("payload") => {
                    // The caller's own rows may raise. The text of the error must not be the other tenant's.
                    if error.told.contains("of o") {
                        return Verdict::Breach(error.to_string());
                    }
                }
                Err(error) => return Verdict::Breach(error.to_string()),
            }
        }
        Verdict::Blocked("0 rows, no error".into())
    })
}

/// The planner's statistics of columns under row-level security are kept from whoever is under it.
fn statistics(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        run(
            &mut siege.db.admin().await,
            "analyze rbac.principal; analyze channels.message; analyze rbac.role_assignment",
        )
        .await
        .unwrap();
        for who in [Who::Nobody, Who::App("t5"), Who::AuthNobody, Who::Integrator] {
            let mut connection = siege.within(who).await.unwrap();
            let seen = one(&mut connection, "select count(*)::text from pg_stats where schemaname in ('rbac', 'channels', 'identity', 'keys', 'doorway') and tablename <> 'tenant'").await.unwrap();
            if seen != "0" {
                return Verdict::Breach(format!("{seen} columns"));
            }
        }
        Verdict::Blocked("0 columns".into())
    })
}

/// A function of the caller's would be run on rows before the policy: it can't make one, and those there are don't leak.
fn cheap_functions(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("t2")).await.unwrap();
        let told = run(
            &mut connection,
            &fill("select 1 from rbac.principal where tenant_id = {o} and (email || '')::xml is document"),
        )
        .await;
        match told {
            Ok(0) => Verdict::Blocked("0 rows".into()),
            Ok(rows) => Verdict::Breach(format!("{rows} rows")),
            Err(error) if error.told.contains("o5") => Verdict::Breach(error.to_string()),
            Err(error) => Verdict::Blocked(error.to_string()),
        }
    })
}

pub fn attacks() -> Vec<Attack> {
    let owner = Who::App("t5");
    vec![
        code("uniqueness of people tells nothing", owner, silent_uniqueness),
        code("uniqueness of things tells nothing", owner, silent_uniqueness_of_things),
        code("errors tell nothing", owner, errors_tell_nothing),
        code("statistics tell nothing", owner, statistics),
        code("casts tell nothing", Who::App("t2"), cheap_functions),
        refused("pg_statistic read", owner, "select 1 from pg_statistic"),
        ends_with(
            "a level in a unit of another tenant",
            owner,
            "update rbac.role_assignment set unit_id = {quay}, granted_by = {t5} where principal_id = {t2}",
            &["23503", "42501"],
        ),
        ends_with(
            "a level for a principal of another tenant",
            owner,
            "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ({t}, {o4}, 4, {t5})",
            &["23503", "42501"],
        ),
        ends_with(
            "a key for a service of another tenant",
            owner,
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ({t}, {x}, {osvc}, {t5}, 'x', '$argon2id$x')",
            &["23503", "42501"],
        ),
        ends_with(
            "a delivery of another tenant's message",
            owner,
            "insert into channels.delivery (tenant_id, message_id, due_at, wake_at) values ({t}, {mo}, now(), now())",
            &["23503", "42501"],
        ),
        refused(
            "a principal in another tenant",
            owner,
            "insert into rbac.principal (tenant_id, id, kind, email) values ({o}, {x}, 'user', 'x@example.org')",
        ),
        refused(
            "a recipient in another tenant",
            owner,
            "insert into channels.recipient (tenant_id, id, name, contacts, created_at) values ({o}, {x}, 'x', '[1]', now())",
        ),
        refused(
            "a recipient moved to another tenant",
            owner,
            "update channels.recipient set tenant_id = {o}",
        ),
        refused(
            "a route in another tenant",
            owner,
            "insert into channels.route (tenant_id, name, id, steps, require_ack, deadline_seconds, updated_at) values ({o}, 'x', {x}, '[1]', false, 60, now())",
        ),
        refused(
            "an idempotency key in another's name",
            owner,
            "insert into doorway.idempotency (tenant_id, principal_id, key_hash, request_hash, entity, status, answer) values ({t}, {t4}, sha256('z'), sha256('r'), 'msg', 201, 'x')",
        ),
        sql(
            "another tenant's recipients deleted",
            owner,
            "delete from channels.recipient where tenant_id = {o}",
        ),
        sql(
            "another tenant's session ended",
            owner,
            "update identity.session set revoked_at = now() where tenant_id = {o}",
        ),
        sql(
            "another tenant's key revoked",
            owner,
            "update identity.api_key set revoked_at = now() where tenant_id = {o}",
        ),
        sql(
            "another tenant's delivery taken by a worker",
            Who::Worker("t"),
            "update channels.delivery set lease_token = 1 where tenant_id = {o}",
        ),
        sql(
            "another tenant's rows by MERGE",
            owner,
            "merge into channels.recipient r using (values (1)) v on r.tenant_id = {o} when matched then update set name = 'stolen'",
        ),
        sql(
            "another tenant's rows by a lateral join",
            owner,
            "select 1 from rbac.tenant t cross join lateral (select 1 from channels.message m where m.tenant_id <> {t}) x",
        ),
        sql(
            "another tenant's rows by a recursive query",
            owner,
            "with recursive r as (select id from channels.message where id = {mo} union all select m.id from channels.message m join r on m.replay_of = r.id) select 1 from r",
        ),
        sql(
            "another tenant's rows by a locking read",
            owner,
            "select 1 from channels.recipient where tenant_id = {o} for update",
        ),
    ]
}
