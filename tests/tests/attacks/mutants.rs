//! Each wall taken down alone, in a database of its own: the suite has to notice.
use sqlx::{AssertSqlSafe, Connection as _};

use crate::{
    attack::{Attack, Verdict},
    siege::{Siege, run},
    suite::attacks,
};

/// A function of the walls with one passage of its text replaced, as `create or replace` says it.
async fn rewritten(siege: &Siege, function: &str, passage: &str, by: &str) -> String {
    let mut admin = siege.db.admin().await;
    let text: String = sqlx::query_scalar(AssertSqlSafe(format!(
        "select pg_get_functiondef('{function}'::regprocedure)"
    )))
    .fetch_one(&mut admin)
    .await
    .unwrap();
    let rewritten = text.replace(passage, by);
    assert_ne!(text, rewritten, "{function} has changed: give its mutant a new passage");
    let _gone = admin.close().await;
    rewritten
}

/// The attempt aimed at the wall fails while it stands, and gets through once it is down.
async fn noticed(siege: Siege, down: String, by: &str) {
    let aimed: Vec<Attack> = attacks().into_iter().filter(|attack| attack.name == by).collect();
    assert_eq!(aimed.len(), 1, "there is no attempt called {by}");
    let before = aimed[0].play(&siege).await;
    assert!(matches!(before, Verdict::Blocked(_)), "{by}: {before:?}");
    let mut admin = siege.db.admin().await;
    run(&mut admin, &down)
        .await
        .unwrap_or_else(|error| panic!("the wall does not come down: {error}"));
    let verdict = aimed[0].play(&siege).await;
    assert!(verdict.is_breach(), "the wall is down and `{by}` says {verdict:?}");
    println!("{by}: {verdict:?}");
    siege.end().await;
}

/// A wall that comes down by plain SQL.
async fn without(down: &str, by: &str) {
    noticed(Siege::begin(true).await, down.to_owned(), by).await;
}

/// A wall inside a function.
async fn weakened(function: &str, passage: &str, replacement: &str, by: &str) {
    let siege = Siege::begin(true).await;
    let down = rewritten(&siege, function, passage, replacement).await;
    noticed(siege, down, by).await;
}

const EVERY_TABLE: &str = "select c.oid::regclass as t from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.relkind in ('r', 'p') and n.nspname in ('rbac', 'identity', 'keys', 'channels', 'audit', 'doorway')";

fn for_every_table(statement: &str) -> String {
    format!(
        "do $$ declare r record; begin for r in {EVERY_TABLE} loop execute format('{statement}', r.t); end loop; end $$"
    )
}

#[tokio::test]
async fn guards_switched_off() {
    without("alter table rbac.role_assignment disable trigger guard; alter table identity.session disable trigger guard; alter table identity.enrolment disable trigger guard", "log-in's role opens a session above its principal").await;
}

#[tokio::test]
async fn guards_that_a_replica_skips() {
    without(
        "alter table rbac.role_assignment enable trigger guard",
        "superuser raises an operator as a replica",
    )
    .await;
}

#[tokio::test]
async fn row_security_off_on_levels() {
    without(
        "alter table rbac.role_assignment disable row level security",
        "every table without a context",
    )
    .await;
}

#[tokio::test]
async fn row_security_off_everywhere() {
    without(
        &for_every_table("alter table %s disable row level security"),
        "every table of another tenant: level 5",
    )
    .await;
}

#[tokio::test]
async fn row_security_not_forced_and_tables_owned_by_the_service() {
    without(
        &for_every_table("alter table %s no force row level security; alter table %1$s owner to kg_app"),
        "ALTER, DROP, GRANT on the walls",
    )
    .await;
}

#[tokio::test]
async fn a_context_that_is_believed_unsealed() {
    without(
        "create or replace function gate.ctx() returns text[] language sql stable security definer as $$ select string_to_array(nullif(current_setting('kg.ctx', true), ''), '|') $$",
        "sealed context: level raised",
    )
    .await;
}

#[tokio::test]
async fn a_seal_that_is_not_bound_to_its_transaction() {
    let siege = Siege::begin(true).await;
    let reader = rewritten(
        &siege,
        "gate.ctx()",
        "pg_catalog.timestamptz_send(pg_catalog.now())",
        "''::bytea",
    )
    .await;
    let writer = rewritten(
        &siege,
        "gate.enter(text, bytea)",
        "timestamptz_send(now())",
        "''::bytea",
    )
    .await;
    noticed(
        siege,
        format!("{reader}; {writer}"),
        "sealed context replayed in a later transaction",
    )
    .await;
}

#[tokio::test]
async fn claims_whose_signature_nobody_checks() {
    weakened("gate.enter(text, bytea)", "IF i IS NULL OR p_sig IS NULL OR sha256(o || sha256(o || sha256(i || convert_to(p_claims, 'UTF8')))) IS DISTINCT FROM sha256(o || p_sig)", "IF false", "claims signed with another key").await;
}

#[tokio::test]
async fn claims_good_on_every_backend() {
    weakened(
        "gate.enter(text, bytea)",
        "c[9]::int <> pg_backend_pid() OR",
        "",
        "claims of another backend",
    )
    .await;
}

#[tokio::test]
async fn a_level_that_is_not_narrowed_to_the_live_one() {
    weakened(
        "gate.enter(text, bytea)",
        "lvl := least(c[7]::int, s.level)",
        "lvl := c[7]::int",
        "claims with a level nobody has",
    )
    .await;
}

#[tokio::test]
async fn a_log_in_role_that_enters_as_people() {
    weakened(
        "gate.enter(text, bytea)",
        "IF session_user = 'kg_auth' AND c[4] <> 'sys'",
        "IF false",
        "log-in's role enters as somebody",
    )
    .await;
}

#[tokio::test]
async fn a_guard_that_does_not_lock() {
    weakened(
        "sec.guard_assignment()",
        "FOR SHARE OF r, p",
        "",
        "race: grants while being demoted",
    )
    .await;
}

#[tokio::test]
async fn a_guard_of_codes_that_does_not_lock_its_target() {
    weakened(
        "sec.guard_enrolment()",
        "AND r.revoked_at IS NULL FOR SHARE;",
        "AND r.revoked_at IS NULL;",
        "race: makes a code for somebody being promoted",
    )
    .await;
}

#[tokio::test]
async fn public_keeps_its_defaults() {
    without("grant usage on schema sec to public; grant execute on all functions in schema sec to public; grant execute on all functions in schema gate to public", "the sealed context's reader").await;
}

#[tokio::test]
async fn a_plain_foreign_key_instead_of_a_composite_one() {
    without(
        "alter table rbac.role_assignment disable trigger home; alter table rbac.role_assignment drop constraint role_assignment_tenant_id_unit_id_fkey; create unique index unit_alone on rbac.unit (id);
         alter table rbac.role_assignment add constraint plain foreign key (unit_id) references rbac.unit (id)",
        "a level in a unit of another tenant",
    )
    .await;
}

#[tokio::test]
async fn hats_without_policies() {
    without(
        "do $$ declare r record; begin for r in select polname, polrelid::regclass as t from pg_policy where polname like 'hat%' loop execute format('drop policy %I on %s', r.polname, r.t); end loop; end $$",
        "hatted changes a recipient",
    )
    .await;
}

#[tokio::test]
async fn freshness_that_nobody_demands() {
    without("create or replace function sec.demand_fresh(p_tenant uuid, p_principal uuid) returns void language sql as 'select'", "a session of seven minutes ago makes a code").await;
}

#[tokio::test]
async fn verifiers_granted_to_the_service() {
    without("grant select (phc) on identity.api_key to kg_app", "verifiers of keys").await;
}

#[tokio::test]
async fn units_without_walls() {
    without(
        "alter policy app_r on rbac.principal using (tenant_id = (select gate.tenant(0, 7)))",
        "level 3 reads people of another unit",
    )
    .await;
}

#[tokio::test]
async fn changes_that_need_no_entry() {
    without(
        "alter table rbac.principal disable trigger audited",
        "a change without an entry",
    )
    .await;
}

#[tokio::test]
async fn sessions_that_only_the_guard_defends() {
    without(
        "alter policy app_r on identity.session using (tenant_id = (select gate.tenant(1, 7))); alter policy app_u on identity.session using (tenant_id = (select gate.tenant(1, 7))) with check (true)",
        "level 4 ends the session of level 5",
    )
    .await;
}

#[tokio::test]
async fn level_7_without_its_guard() {
    without(
        "alter table rbac.role_assignment disable trigger guard_seven",
        "level 7 with an approval about somebody else",
    )
    .await;
}

#[tokio::test]
async fn devices_without_their_guard() {
    without(
        "alter table rbac.role_assignment disable trigger guard_placing",
        "an owner raises a device",
    )
    .await;
}

#[tokio::test]
async fn codes_of_devices_without_their_guard() {
    without(
        "alter table identity.device_code disable trigger guard",
        "a supervisor makes a code for a device of another unit",
    )
    .await;
}

#[tokio::test]
async fn keys_of_devices_granted_to_the_service() {
    without(
        "grant select (public_key) on identity.device_key to kg_app",
        "keys of devices",
    )
    .await;
}

#[tokio::test]
async fn sinks_without_their_guard() {
    without(
        "alter table audit.sink disable trigger guard",
        "a worker sends the log elsewhere",
    )
    .await;
}

#[tokio::test]
async fn credentials_of_sinks_shown_to_whoever_reads_them() {
    without(
        "drop policy app_r on audit.sink_secret; create policy app_r on audit.sink_secret for select to kg_app
           using (tenant_id in ((select gate.tenant(4, 5)), (select gate.worker())))",
        "an administrator reads credentials of sinks",
    )
    .await;
}

#[tokio::test]
async fn messages_without_the_guard_that_knows_what_is_sealed_anew() {
    without(
        "alter table channels.message disable trigger nochange",
        "the superuser changes a payload",
    )
    .await;
}

#[tokio::test]
async fn values_sealed_anew_by_more_than_the_worker() {
    weakened(
        "sec.sealed_worker()",
        "gate.worker()",
        "gate.tenant(0, 5)",
        "an owner takes up a walk",
    )
    .await;
}
