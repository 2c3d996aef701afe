//! What is open to whoever has not entered: nothing, in any table there is.
use crate::{
    attack::{Attack, Ending, Verdict, Who, code, sql},
    siege::{Siege, one, run},
};

/// Tables `role` may read at all, but for the table of permissions, which tells what the documentation tells.
async fn tables(siege: &Siege, role: &str) -> Vec<String> {
    let text = siege
        .ask(&format!(
            "select string_agg(c.oid::regclass::text, ',' order by 1) from pg_class c join pg_namespace n on n.oid = c.relnamespace
              where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$|public$|evil$)' and c.oid::regclass::text <> 'rbac.permission' and has_any_column_privilege('{role}', c.oid, 'SELECT')"
        ))
        .await;
    text.split(',').map(str::to_owned).collect()
}

async fn empty(siege: &Siege, who: Who, role: &str, filter: &str) -> Verdict {
    let all = tables(siege, role).await;
    let mut connection = siege.within(who).await.unwrap();
    for table in &all {
        match run(
            &mut connection,
            &crate::cast::fill(&format!("select 1 from {table} {filter}")),
        )
        .await
        {
            Ok(0) => {}
            Ok(rows) => return Verdict::Breach(format!("{rows} rows of {table}")),
            Err(error) => return Verdict::Broken(format!("{table}: {error}")),
        }
    }
    Verdict::of(all.len() > 3, format!("{} tables, 0 rows", all.len()))
}

fn to_nobody(siege: &Siege) -> Ending<'_> {
    Box::pin(empty(siege, Who::Nobody, "kg_app", ""))
}

fn to_nobody_at_the_log_in(siege: &Siege) -> Ending<'_> {
    Box::pin(empty(siege, Who::AuthNobody, "kg_auth", ""))
}

/// Every table with a tenant, asked for the other one's rows.
async fn of_the_other_tenant(siege: &Siege, who: Who, role: &str) -> Verdict {
    let all = siege
        .ask(&format!(
            "select string_agg(c.oid::regclass::text, ',') from pg_class c join pg_namespace n on n.oid = c.relnamespace
              join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'
             where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|evil$)' and has_column_privilege('{role}', c.oid, 'tenant_id', 'SELECT')"
        ))
        .await;
    let mut connection = siege.within(who).await.unwrap();
    for table in all.split(',') {
        match run(
            &mut connection,
            &crate::cast::fill(&format!("select 1 from {table} where tenant_id = {{o}}")),
        )
        .await
        {
            Ok(0) => {}
            Ok(rows) => return Verdict::Breach(format!("{rows} rows of {table}")),
            Err(error) => return Verdict::Broken(format!("{table}: {error}")),
        }
    }
    Verdict::Blocked(all)
}

macro_rules! strangers {
    ($($name:ident: $who:expr, $role:literal),+ $(,)?) => { $(
        fn $name(siege: &Siege) -> Ending<'_> { Box::pin(of_the_other_tenant(siege, $who, $role)) }
    )+ };
}
strangers! {
    by_owner: Who::App("t5"), "kg_app",
    by_admin: Who::App("t4"), "kg_app",
    by_supervisor: Who::App("t3"), "kg_app",
    by_operator: Who::App("t2"), "kg_app",
    by_agent: Who::App("t1"), "kg_app",
    by_key: Who::App("key:t"), "kg_app",
    by_worker: Who::Worker("t"), "kg_app",
    by_auth: Who::Auth("t"), "kg_auth",
    by_operator_of_the_platform: Who::App("p6"), "kg_app",
}

/// The platform sees no payload, contact or person of a customer. Levels of owners are its business.
fn by_global_admin(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let mut connection = siege.within(Who::App("p7")).await.unwrap();
        for table in [
            "channels.message",
            "channels.delivery",
            "channels.attempt",
            "channels.recipient",
            "channels.route",
            "channels.webhook",
            "rbac.principal",
            "rbac.unit",
            "identity.session",
            "audit.entry",
            "doorway.idempotency",
        ] {
            match run(
                &mut connection,
                &crate::cast::fill(&format!("select 1 from {table} where tenant_id <> {{p}}")),
            )
            .await
            {
                Ok(0) => {}
                other => return Verdict::Breach(format!("{table}: {other:?}")),
            }
        }
        let below = one(
            &mut connection,
            "select count(*)::text from rbac.role_assignment where tenant_id <> {p} and level <> 5",
        )
        .await
        .unwrap();
        Verdict::of(below == "0", format!("{below} levels below owners"))
    })
}

/// The owner of the tables, for whom no policy speaks.
fn to_their_owner(siege: &Siege) -> Ending<'_> {
    Box::pin(async {
        let all = siege
            .ask("select string_agg(c.oid::regclass::text, ',') from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname in ('rbac', 'identity', 'keys', 'channels', 'audit', 'doorway')")
            .await;
        let mut connection = siege.within(Who::Owner).await.unwrap();
        for table in all.split(',') {
            match run(&mut connection, &format!("select 1 from {table}")).await {
                Ok(0) => {}
                other => return Verdict::Breach(format!("{table}: {other:?}")),
            }
        }
        Verdict::Blocked("0 rows".into())
    })
}

pub fn attacks() -> Vec<Attack> {
    vec![
        code("every table without a context", Who::Nobody, to_nobody),
        code(
            "every table of the log-in's role without a context",
            Who::AuthNobody,
            to_nobody_at_the_log_in,
        ),
        code("every table of another tenant: level 5", Who::App("t5"), by_owner),
        code("every table of another tenant: level 4", Who::App("t4"), by_admin),
        code("every table of another tenant: level 3", Who::App("t3"), by_supervisor),
        code("every table of another tenant: level 2", Who::App("t2"), by_operator),
        code("every table of another tenant: level 1", Who::App("t1"), by_agent),
        code("every table of another tenant: a key", Who::App("key:t"), by_key),
        code("every table of another tenant: a worker", Who::Worker("t"), by_worker),
        code("every table of another tenant: the log-in", Who::Auth("t"), by_auth),
        code(
            "every table of another tenant: level 6",
            Who::App("p6"),
            by_operator_of_the_platform,
        ),
        code("payloads and people: level 7", Who::App("p7"), by_global_admin),
        code("every table by its owner", Who::Owner, to_their_owner),
        sql(
            "owner of the tables changes levels",
            Who::Owner,
            "update rbac.role_assignment set level = 5",
        ),
        sql(
            "owner of the tables deletes messages",
            Who::Owner,
            "delete from channels.recipient",
        ),
    ]
}
