//! What an injection may do to rows of people, sessions and keys once it runs inside a lawful context.
use keepgate_kernel::{Level, TenantId, Uuid};
use keepgate_policy::Credential;
use keepgate_store::StoreError;
#[expect(clippy::disallowed_types, reason = "an injection is SQL put together at run time")]
use sqlx::AssertSqlSafe;

use super::{REFUSED, Siege, siege, uuid};
use crate::support::{key, member, worker};

#[tokio::test]
async fn no_caller_reads_a_password_verifier_or_a_key_of_the_door() {
    let s = siege().await;
    let id = member(&s.world, Level::Operator).uuid();
    let mut admin = s.db.admin().await;
    sqlx::query("begin; ").execute(&mut admin).await.unwrap();
    sqlx::query("alter table identity.password disable trigger all")
        .execute(&mut admin)
        .await
        .unwrap();
    sqlx::query("insert into identity.password (tenant_id, principal_id, phc) values ($1, $2, '$argon2id$x')")
        .bind(s.world.ids.tenant.uuid())
        .bind(id)
        .execute(&mut admin)
        .await
        .unwrap();
    sqlx::query("alter table identity.password enable always trigger audited")
        .execute(&mut admin)
        .await
        .unwrap();
    sqlx::query("commit").execute(&mut admin).await.unwrap();
    let read = || "select phc from identity.password".to_owned();
    assert_eq!(
        s.inject(&worker(&s.world, s.world.ids.tenant), read()).await,
        Ok(1),
        "the control"
    );
    for level in Level::ALL {
        for table in [
            "identity.password",
            "identity.enrolment",
            "identity.throttle",
            "identity.api_key",
            "sec.claim_key",
            "sec.context_key",
            "sec.genesis",
        ] {
            assert_eq!(
                s.inject(&s.world.caller(level), format!("select * from {table}")).await,
                Err(REFUSED.into()),
                "{level}"
            );
        }
    }
    s.db.drop().await;
}

#[tokio::test]
async fn an_admin_s_injection_takes_over_nobody_above() {
    let s = siege().await;
    let (admin, tenant) = (s.world.caller(Level::TenantAdmin), s.world.ids.tenant.uuid());
    let owner = uuid(member(&s.world, Level::TenantOwner));
    let (me, operator) = (
        uuid(member(&s.world, Level::TenantAdmin)),
        uuid(member(&s.world, Level::Operator)),
    );
    let session = Uuid::from_u128(77);
    for (name, sql) in [
        (
            "an enrolment of the owner",
            format!(
                "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ('{tenant}', '{session}', '{owner}', sha256('x'), now() + interval '1 hour')"
            ),
        ),
        (
            "a session",
            format!(
                "insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ('{tenant}', '{session}', '{owner}', 5, 0, now() + interval '1 hour')"
            ),
        ),
        (
            "a verifier",
            format!(
                "insert into identity.password (tenant_id, principal_id, phc) values ('{tenant}', '{operator}', '$argon2id$x')"
            ),
        ),
        (
            "the own level again",
            format!(
                "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ('{tenant}', '{me}', 5, '{me}') on conflict (tenant_id, principal_id) do update set level = 5, unit_id = null, granted_by = '{me}'"
            ),
        ),
        (
            "a grant in the owner's name",
            format!(
                "insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ('{tenant}', '{operator}', 4, '{owner}') on conflict (tenant_id, principal_id) do update set level = 4, unit_id = null, granted_by = '{owner}'"
            ),
        ),
        ("a deleted audit entry", "delete from audit.entry".to_owned()),
        (
            "a definer function",
            format!("select sec.genesis('{{\"platform\": \"{tenant}\"}}'::jsonb)"),
        ),
        ("another role", "set role kg_owner".to_owned()),
    ] {
        assert_eq!(s.inject(&admin, sql).await, Err(REFUSED.into()), "{name}");
    }
    for (name, sql) in [
        (
            "the owner's address",
            format!("update rbac.principal set email = 'thief@example.org' where id = '{owner}'"),
        ),
        (
            "the owner's level",
            format!("update rbac.role_assignment set level = 1 where principal_id = '{owner}'"),
        ),
        (
            "the owner's sessions",
            format!("update identity.session set revoked_at = now() where principal_id = '{owner}'"),
        ),
        (
            "strangers",
            format!("update rbac.principal set status = 'disabled' where tenant_id <> '{tenant}'"),
        ),
        (
            "other tenants",
            format!("select * from rbac.principal where tenant_id <> '{tenant}'"),
        ),
    ] {
        assert_eq!(s.inject(&admin, sql).await, Ok(0), "{name}");
    }
    s.db.drop().await;
}

#[tokio::test]
async fn what_is_revoked_stays_revoked() {
    let s = siege().await;
    let owner = s.world.caller(Level::TenantOwner);
    let key = key(&s.world, Level::Operator, |_| ()).await;
    crate::support::perform(&s.world, &owner, &keepgate_identity::RevokeApiKey { id: key.id })
        .await
        .unwrap();
    let id = key.id.uuid();
    assert_eq!(
        s.inject(
            &owner,
            format!("update identity.api_key set revoked_at = null where id = '{id}'")
        )
        .await,
        Err(REFUSED.into())
    );
    let session = "update identity.session set revoked_at = null where revoked_at is null".to_owned();
    assert_eq!(s.inject(&owner, session).await, Err(REFUSED.into()));
    let worker = worker(&s.world, s.world.ids.tenant);
    let stolen = format!("update identity.api_key set phc = '$argon2id$mine' where id = '{id}'");
    assert_eq!(
        s.inject(&worker, stolen).await,
        Err(REFUSED.into()),
        "a worker replaces no secret"
    );
    s.db.drop().await;
}

#[tokio::test]
async fn a_twin_of_a_global_admin_s_number_is_nobody_special() {
    let s = siege().await;
    let (owner, tenant) = (s.world.caller(Level::TenantOwner), s.world.ids.tenant.uuid());
    let global = uuid(member(&s.world, Level::GlobalAdmin));
    let me = owner.principal().id.uuid();
    let mut tx = s.tx(&owner).await;
    sqlx::query("insert into rbac.principal (tenant_id, id, kind, email) values ($1, $2, 'user', 'twin@example.org')")
        .bind(tenant)
        .bind(global)
        .execute(tx.conn())
        .await
        .unwrap();
    sqlx::query("insert into rbac.role_assignment (tenant_id, principal_id, level, granted_by) values ($1, $2, 4, $3)")
        .bind(tenant)
        .bind(global)
        .bind(me)
        .execute(tx.conn())
        .await
        .unwrap();
    crate::support::settle(Box::new(tx)).await.unwrap();
    let mut tx = s.tx(&worker(&s.world, s.world.ids.tenant)).await;
    let session = Uuid::from_u128(78);
    sqlx::query("insert into identity.session (tenant_id, sid, principal_id, level, epoch, expires_at) values ($1, $2, $3, 7, 0, now() + interval '1 hour')").bind(tenant).bind(session).bind(global).execute(tx.conn()).await.unwrap();
    crate::support::settle(Box::new(tx)).await.unwrap();
    let twin = crate::support::with(
        &s.world.caller(Level::GlobalAdmin),
        |principal| principal.tenant = TenantId::from_uuid(tenant),
        Credential::Session(keepgate_kernel::SessionId::from_uuid(session)),
    );
    let mut tx = s.tx(&twin).await;
    let level: i32 = sqlx::query_scalar("select gate.level()")
        .fetch_one(tx.conn())
        .await
        .unwrap();
    assert_eq!(level, 4);
    drop(tx);
    let operator = uuid(member(&s.world, Level::Operator));
    let promote = format!(
        "update rbac.role_assignment set level = 4, unit_id = null, granted_by = '{global}' where principal_id = '{operator}'"
    );
    assert_eq!(s.inject(&twin, promote).await, Err(REFUSED.into()));
    s.db.drop().await;
}

/// A caller whose session was opened six minutes ago, or who wears a hat, as the superuser arranges it.
async fn arranged(s: &Siege, sql: String) {
    let mut admin = s.db.admin().await;
    let quietly = format!(
        "begin; set local session_replication_role = replica; alter table rbac.role_assignment disable trigger all;
         alter table identity.session disable trigger all; {sql};
         alter table rbac.role_assignment enable always trigger guard; alter table rbac.role_assignment enable always trigger audited;
         alter table identity.session enable always trigger guard; alter table identity.session enable always trigger audited; commit"
    );
    sqlx::raw_sql(AssertSqlSafe(quietly)).execute(&mut admin).await.unwrap();
}

#[tokio::test]
async fn whoever_wears_a_hat_writes_nothing_but_the_end_of_its_own_session() {
    let s = siege().await;
    let (owner, tenant) = (s.world.caller(Level::TenantOwner), s.world.ids.tenant.uuid());
    let (me, operator) = (
        uuid(member(&s.world, Level::TenantOwner)),
        uuid(member(&s.world, Level::Operator)),
    );
    let attempts = [
        format!(
            "insert into rbac.principal (tenant_id, id, kind, email) values ('{tenant}', gen_random_uuid(), 'user', 'x@example.org')"
        ),
        format!(
            "update rbac.role_assignment set level = 4, unit_id = null, granted_by = '{me}' where principal_id = '{operator}'"
        ),
        format!("update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = '{operator}'"),
        format!("update identity.session set revoked_at = now() where principal_id = '{operator}'"),
        format!(
            "insert into channels.recipient (tenant_id, id, name, contacts, created_at) values ('{tenant}', gen_random_uuid(), 'x', '[1]', now())"
        ),
    ];
    for sql in &attempts {
        assert_eq!(s.inject(&owner, sql.clone()).await, Ok(1), "the control: {sql}");
    }
    for hat in ["auditor", "billing", "privacy_officer"] {
        arranged(
            &s,
            format!("update rbac.role_assignment set hat = '{hat}' where principal_id = '{me}'"),
        )
        .await;
        for sql in &attempts {
            let ended = s.inject(&owner, sql.clone()).await;
            assert!(
                ended == Ok(0) || ended == Err(REFUSED.into()),
                "{hat}: {sql}: {ended:?}"
            );
        }
        let seen = s.inject(&owner, "select from rbac.principal".to_owned()).await;
        assert_eq!(seen, Ok(5), "{hat}: what the level reads stays");
        let own = format!("update identity.session set revoked_at = now() where principal_id = '{me}'");
        assert_eq!(s.inject(&owner, own).await, Ok(1), "{hat}");
    }
    s.db.drop().await;
}

#[tokio::test]
async fn authority_and_credentials_change_only_in_a_session_opened_just_now() {
    let s = siege().await;
    let key = key(&s.world, Level::Operator, |_| ()).await;
    let (owner, tenant) = (s.world.caller(Level::TenantOwner), s.world.ids.tenant.uuid());
    let (me, operator) = (
        uuid(member(&s.world, Level::TenantOwner)),
        uuid(member(&s.world, Level::Operator)),
    );
    let (id, service) = (key.id.uuid(), key.service.uuid());
    let attempts = [
        format!(
            "update rbac.role_assignment set level = 4, unit_id = null, granted_by = '{me}' where principal_id = '{operator}'"
        ),
        format!("update rbac.principal set status = 'disabled', epoch = epoch + 1 where id = '{operator}'"),
        format!(
            "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values ('{tenant}', gen_random_uuid(), '{operator}', sha256('x'), now() + interval '1 hour')"
        ),
        format!(
            "insert into identity.api_key (tenant_id, id, principal_id, owner_id, name, phc) values ('{tenant}', gen_random_uuid(), '{service}', '{me}', 'x', '$argon2id$x')"
        ),
        format!("update identity.api_key set phc = '$argon2id$y' where id = '{id}'"),
    ];
    for sql in &attempts {
        assert_eq!(s.inject(&owner, sql.clone()).await, Ok(1), "the control: {sql}");
    }
    arranged(
        &s,
        format!(
            "update identity.session set created_at = created_at - interval '6 minutes' where principal_id = '{me}'"
        ),
    )
    .await;
    for sql in attempts {
        assert_eq!(s.inject(&owner, sql.clone()).await, Err(REFUSED.into()), "{sql}");
    }
    let revoke = format!("update identity.api_key set revoked_at = now() where id = '{id}'");
    assert_eq!(s.inject(&owner, revoke).await, Ok(1), "an end needs no proof");
    s.db.drop().await;
}

#[tokio::test]
async fn the_log_in_s_role_enters_as_nobody_and_the_service_s_asks_for_no_home() {
    let s = siege().await;
    assert!(matches!(
        s.front.begin(&s.world.caller(Level::TenantOwner)).await,
        Err(StoreError::Forbidden)
    ));
    for sql in [
        "select display_name from rbac.principal",
        "select * from rbac.tenant",
        "select * from channels.message",
        "select * from audit.entry",
        "select * from keys.data_key",
        "update rbac.principal set status = 'active'",
        "update identity.api_key set phc = '$argon2id$mine'",
        "insert into rbac.principal (tenant_id, id, kind) values (gen_random_uuid(), gen_random_uuid(), 'service')",
        "insert into identity.enrolment (tenant_id, id, principal_id, code_hash, expires_at) values (gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), sha256('x'), now())",
    ] {
        let mut tx = s.front.begin(&worker(&s.world, s.world.ids.tenant)).await.unwrap();
        let ended = sqlx::query(sql).execute(tx.conn()).await.map_err(StoreError::from);
        assert!(matches!(ended, Err(StoreError::Forbidden)), "{sql}: {ended:?}");
    }
    for sql in [
        "select gate.homes_of_email('x@example.org')",
        "select gate.home_of_key(gen_random_uuid())",
    ] {
        let mut tx = s.store.begin(&worker(&s.world, s.world.ids.platform)).await.unwrap();
        let ended = sqlx::query(sql).execute(tx.conn()).await.map_err(StoreError::from);
        assert!(matches!(ended, Err(StoreError::Forbidden)), "{sql}: {ended:?}");
    }
    s.db.drop().await;
}
