//! Looks at the walls inside the database, as any role may: the catalogues are readable by all.
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::Link;

/// What stands and what does not. Each list holds what is wrong; empty is good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Walls {
    /// Such as 150018.
    pub version: i32,
    /// Roles that may do more than they should, or are missing.
    pub roles: Vec<String>,
    /// Tables without forced row-level security.
    pub unforced: Vec<String>,
    /// Guards of the audit log that are missing or can be switched off by a setting.
    pub guards: Vec<String>,
    /// What PUBLIC may still do.
    pub open: Vec<String>,
    /// Durability settings that are off.
    pub careless: Vec<String>,
}

/// Looks, changing nothing.
///
/// # Errors
/// Those of the connection.
pub async fn inspect(link: &Link) -> Result<Walls, sqlx::Error> {
    let mut connection = link.connect().await?;
    let walls = Walls {
        version: sqlx::query_scalar!(r#"select current_setting('server_version_num')::int as "version!""#)
            .fetch_one(&mut connection)
            .await?,
        roles: roles(&mut connection).await?,
        unforced: unforced(&mut connection).await?,
        guards: guards(&mut connection).await?,
        open: open(&mut connection).await?,
        careless: careless(&mut connection).await?,
    };
    connection.close().await?;
    Ok(walls)
}

async fn roles(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with ours (name, may_login) as (values ('kg_owner', false), ('kg_sec', false), ('kg_app', true), ('kg_auth', true), ('kg_integrator', true), ('kg_migrator', true))
        select o.name || ': ' || what as "what!"
        from ours o
        left join pg_roles r on r.rolname = o.name
        cross join lateral (values
            (r.oid is null, 'is missing'),
            (r.rolsuper, 'is a superuser'),
            (r.rolbypassrls, 'bypasses row-level security'),
            (r.rolcreaterole, 'may create roles'),
            (r.rolcreatedb, 'may create databases'),
            (r.rolreplication, 'may replicate'),
            (r.rolcanlogin is distinct from o.may_login and r.oid is not null, case when o.may_login then 'may not log in' else 'may log in' end)
        ) as rule (broken, what)
        where broken
        union all
        select m.rolname || ': is a member of ' || r.rolname
        from pg_auth_members a
        join pg_roles m on m.oid = a.member
        join pg_roles r on r.oid = a.roleid
        where (m.rolname in ('kg_owner', 'kg_sec', 'kg_app', 'kg_auth', 'kg_integrator')
               or r.rolname in ('kg_owner', 'kg_sec') and m.rolname <> 'kg_migrator' and not m.rolsuper)
        order by 1"#
    )
    .fetch_all(connection)
    .await
}

/// `sec` has no row-level security: nobody but its owner may touch it.
async fn unforced(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select n.nspname || '.' || c.relname as "name!"
        from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$|public$|sec$|kg_guard$)'
          and not (c.relrowsecurity and c.relforcerowsecurity)
        order by 1"#
    )
    .fetch_all(connection)
    .await
}

/// On the entries, each of their partitions, and what is signed: no change, no deletion, no truncation, under any setting.
async fn guards(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        with tables (id, name) as (
            select c.oid, c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'audit'
        ), guarded (id, name, sealed) as (
            select t.id, wanted, wanted = 'entry' from unnest(array['entry', 'log', 'leaf', 'tile', 'checkpoint']) wanted
            left join tables t on t.name = wanted
            union all
            select p.id, p.name, true from pg_inherits i join tables e on e.id = i.inhparent and e.name = 'entry' join tables p on p.id = i.inhrelid
        )
        select case
            when g.id is null then g.name || ' is missing'
            when t.oid is null then g.name || ': trigger ' || wanted || ' is missing'
            else g.name || ': trigger ' || wanted || ' is not ENABLE ALWAYS' end as "what!"
        from guarded g
        cross join unnest(array['nochange', 'notruncate', 'seal']) wanted
        left join pg_trigger t on t.tgrelid = g.id and t.tgname = wanted
        where (wanted <> 'seal' or g.sealed) and (t.oid is null or t.tgenabled <> 'A')
        order by 1"#
    )
    .fetch_all(connection)
    .await
}

/// What the lockdown takes away and PUBLIC still has.
async fn open(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"
        select what as "what!" from (
            select 'language plpgsql' as what where has_language_privilege('public', 'plpgsql', 'USAGE')
            union all
            select 'pg_stat_activity' where has_table_privilege('public', 'pg_catalog.pg_stat_activity', 'SELECT')
            union all
            select distinct p.proname::text from pg_proc p
            where p.pronamespace = 'pg_catalog'::regnamespace and has_function_privilege('public', p.oid, 'EXECUTE')
              and (p.proname like 'pg\_%advisory%' or p.proname = any (array['pg_terminate_backend', 'pg_cancel_backend', 'lo_creat', 'lo_create',
                   'lo_from_bytea', 'lo_put', 'lo_open', 'lowrite', 'lo_unlink', 'query_to_xml', 'query_to_xmlschema', 'query_to_xml_and_xmlschema',
                   'cursor_to_xml', 'database_to_xml', 'schema_to_xml', 'table_to_xml', 'set_config', 'pg_sleep', 'pg_sleep_for', 'pg_sleep_until',
                   'pg_notify', 'pg_stat_get_activity']))
        ) doors order by 1"#
    )
    .fetch_all(connection)
    .await
}

async fn careless(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select name || ' is ' || setting as "what!" from pg_settings
           where name in ('fsync', 'full_page_writes', 'synchronous_commit') and setting = 'off' order by 1"#
    )
    .fetch_all(connection)
    .await
}
