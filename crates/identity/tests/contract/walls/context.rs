//! The sealed context: nothing but claims signed for this very connection and transaction opens a row.
use aws_lc_rs::hmac;
use keepgate_kernel::{Clock, Level, SystemClock};
use keepgate_policy::{Credential, OpContext};
use keepgate_store::{
    ClaimKey, PgStore, StoreError,
    postgres::{Role, sqlstate},
};
use sqlx::{ConnectOptions, PgConnection, postgres::PgPoolOptions};

use super::{REFUSED, siege};
use crate::support::member;

/// Claims as the gateway signs them; 7s are the fixture of test databases.
fn claims(context: &OpContext, level: u8, backend: i32, key: [u8; 32]) -> (String, Vec<u8>) {
    let Credential::Session(session) = context.credential() else {
        panic!("the cast has sessions")
    };
    let until = SystemClock.now().timestamp_millis() + 5_000;
    let (subject, tenant) = (context.principal().id.uuid(), context.tenant().uuid());
    let claims = format!(
        "v2|test|{subject}|ses|{}|{tenant}|{level}|{until}|{backend}",
        session.uuid()
    );
    let signature = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), claims.as_bytes())
        .as_ref()
        .to_vec();
    (claims, signature)
}

async fn enter(connection: &mut PgConnection, (claims, signature): &(String, Vec<u8>)) -> Result<(), String> {
    let entered = sqlx::query("select gate.enter($1, $2)")
        .bind(claims)
        .bind(signature)
        .execute(connection)
        .await;
    entered.map(|_| ()).map_err(|error| {
        error
            .as_database_error()
            .and_then(|e| e.code())
            .unwrap_or_default()
            .into_owned()
    })
}

async fn backend(connection: &mut PgConnection) -> i32 {
    sqlx::query_scalar("select pg_backend_pid()")
        .fetch_one(connection)
        .await
        .unwrap()
}

async fn seen(connection: &mut PgConnection) -> i64 {
    sqlx::query_scalar("select count(*) from rbac.principal")
        .fetch_one(connection)
        .await
        .unwrap()
}

#[tokio::test]
async fn claims_signed_with_another_key_are_refused() {
    let s = siege().await;
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .connect_lazy_with(s.db.options(Role::App));
    let forger = PgStore::new(pool, ClaimKey::new("test", [8; 32]), std::sync::Arc::new(SystemClock));
    assert!(matches!(
        forger.begin(&s.world.caller(Level::TenantOwner)).await,
        Err(StoreError::Revoked)
    ));
    s.db.drop().await;
}

#[tokio::test]
async fn signed_claims_are_worth_nothing_on_another_connection() {
    let s = siege().await;
    let (mut one, mut other) = (
        s.db.options(Role::App).connect().await.unwrap(),
        s.db.options(Role::App).connect().await.unwrap(),
    );
    let mine = claims(&s.world.caller(Level::TenantOwner), 5, backend(&mut one).await, [7; 32]);
    assert_eq!(
        enter(&mut one, &mine).await,
        Ok(()),
        "the control: they are good where they belong"
    );
    assert_eq!(enter(&mut other, &mine).await.unwrap_err(), sqlstate::NOT_ENTERED);
    s.db.drop().await;
}

#[tokio::test]
async fn claims_that_were_changed_are_refused() {
    let s = siege().await;
    let mut connection = s.db.options(Role::App).connect().await.unwrap();
    let (text, signature) = claims(
        &s.world.caller(Level::Operator),
        2,
        backend(&mut connection).await,
        [7; 32],
    );
    let (owner, operator) = (
        member(&s.world, Level::TenantOwner).uuid(),
        member(&s.world, Level::Operator).uuid(),
    );
    for changed in [
        text.replace("|2|", "|5|"),
        text.replace(&operator.to_string(), &owner.to_string()),
        text.replace("v2", "v1"),
        format!("{text}|"),
    ] {
        assert_eq!(
            enter(&mut connection, &(changed, signature.clone())).await.unwrap_err(),
            sqlstate::NOT_ENTERED
        );
    }
    s.db.drop().await;
}

#[tokio::test]
async fn a_level_raised_in_well_signed_claims_is_narrowed_to_the_live_one() {
    let s = siege().await;
    let mut connection = s.db.options(Role::App).connect().await.unwrap();
    let raised = claims(
        &s.world.caller(Level::Operator),
        7,
        backend(&mut connection).await,
        [7; 32],
    );
    sqlx::query("begin").execute(&mut connection).await.unwrap();
    enter(&mut connection, &raised).await.unwrap();
    let level: i32 = sqlx::query_scalar("select gate.level()")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    assert_eq!(level, 2);
    assert_eq!(
        enter(&mut connection, &raised).await.unwrap_err(),
        REFUSED,
        "one enters once in a transaction"
    );
    s.db.drop().await;
}

#[tokio::test]
async fn without_a_context_or_with_one_set_by_hand_there_are_no_rows() {
    let s = siege().await;
    let mut connection = s.db.options(Role::App).connect().await.unwrap();
    assert_eq!(seen(&mut connection).await, 0);
    let (owner, tenant) = (member(&s.world, Level::TenantOwner).uuid(), s.world.ids.tenant.uuid());
    let by_hand = format!("{owner}|ses|{owner}|{tenant}|7|-|{}", "0".repeat(64));
    sqlx::query("begin").execute(&mut connection).await.unwrap();
    sqlx::query("select set_config('kg.ctx', $1, true)")
        .bind(&by_hand)
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen(&mut connection).await, 0);
    s.db.drop().await;
}

#[tokio::test]
async fn a_sealed_context_is_worth_nothing_in_the_next_transaction() {
    let s = siege().await;
    let mut connection = s.db.options(Role::App).connect().await.unwrap();
    let good = claims(
        &s.world.caller(Level::TenantOwner),
        5,
        backend(&mut connection).await,
        [7; 32],
    );
    sqlx::query("begin").execute(&mut connection).await.unwrap();
    enter(&mut connection, &good).await.unwrap();
    assert_eq!(seen(&mut connection).await, 5, "the control");
    let sealed: String = sqlx::query_scalar("select current_setting('kg.ctx')")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    let raised = sealed.replace("|5|", "|7|");
    sqlx::query("select set_config('kg.ctx', $1, true)")
        .bind(&raised)
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen(&mut connection).await, 0, "an edited context is none");
    sqlx::query("commit").execute(&mut connection).await.unwrap();
    sqlx::query("begin").execute(&mut connection).await.unwrap();
    sqlx::query("select set_config('kg.ctx', $1, true)")
        .bind(&sealed)
        .execute(&mut connection)
        .await
        .unwrap();
    assert_eq!(seen(&mut connection).await, 0);
    s.db.drop().await;
}
