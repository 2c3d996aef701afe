//! What every migration must leave behind, read from the catalogue: a table somebody adds later is held to it as well.
#![expect(clippy::unwrap_used, reason = "a test fails loudly")]
use keepgate_store::testing::TestDb;

async fn is_empty(sql: &'static str, why: &str) {
    let db = TestDb::new().await;
    let found: Vec<String> = sqlx::query_scalar(sql).fetch_all(&mut db.admin().await).await.unwrap();
    db.drop().await;
    assert_eq!(found, Vec::<String>::new(), "{why}");
}

#[tokio::test]
async fn whoever_wears_a_hat_writes_to_no_table() {
    is_empty(
        "select c.oid::regclass || ' ' || w.what
           from pg_class c join pg_namespace n on n.oid = c.relnamespace
           cross join (values ('INSERT', 'a'), ('UPDATE', 'w'), ('DELETE', 'd')) as w (what, command)
          where c.relkind in ('r', 'p') and n.nspname !~ '^(pg_|information_schema$)'
            and case when w.what = 'DELETE' then has_table_privilege('kg_app', c.oid, 'DELETE')
                     else has_any_column_privilege('kg_app', c.oid, w.what) end
            and not exists (select from pg_policy p where p.polrelid = c.oid and not p.polpermissive
                              and p.polcmd in (w.command::\"char\", '*') and 'kg_app'::regrole = any (p.polroles)
                              and coalesce(pg_get_expr(p.polwithcheck, p.polrelid), '') || coalesce(pg_get_expr(p.polqual, p.polrelid), '') ~ 'gate.hat\\(\\)')
          order by 1",
        "a migration that lets kg_app write calls sec.mask_hats for the table",
    )
    .await;
}

#[tokio::test]
async fn verifiers_and_secrets_of_people_are_out_of_the_service_s_reach() {
    is_empty(
        "select a.attrelid::regclass || '.' || a.attname
           from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
          where c.relkind in ('r', 'p') and n.nspname in ('identity', 'rbac', 'sso') and a.attnum > 0 and not a.attisdropped
            and (a.attname ~ 'phc|code_hash|secret|seed|public_key' or c.relname in ('password', 'throttle'))
            and has_column_privilege('kg_app', c.oid, a.attnum, 'SELECT')
          order by 1",
        "kg_auth alone reads what somebody proves itself with",
    )
    .await;
}
