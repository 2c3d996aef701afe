//! The first tenants and principals, through `sec.genesis`, which works once.
use data_encoding::HEXLOWER;
use keepgate_store::StoreError;
use serde_json::{Value, json};
use sqlx::PgExecutor;

use crate::genesis::{GenesisError, Person, Plan, SecondError, SecondPlan};

/// Writes `plan` on a connection of the migrator, in one transaction with its audit entries.
///
/// # Errors
/// [`GenesisError::AlreadyDone`], and nothing was changed; [`GenesisError::Store`].
pub async fn genesis(connection: impl PgExecutor<'_>, plan: &Plan) -> Result<(), GenesisError> {
    match sqlx::query!("select sec.genesis($1)", payload(plan))
        .execute(connection)
        .await
        .map_err(StoreError::from)
    {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict) => Err(GenesisError::AlreadyDone),
        Err(other) => Err(other.into()),
    }
}

/// Whether the genesis has happened, asked on a connection of the migrator.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn has_genesis(connection: impl PgExecutor<'_>) -> Result<bool, StoreError> {
    Ok(sqlx::query_scalar!(r#"select sec.has_genesis() as "done!""#)
        .fetch_one(connection)
        .await?)
}

/// Writes `plan` on a connection of the migrator, in one transaction with its audit entry.
///
/// # Errors
/// [`SecondError`]; nothing was changed.
pub async fn appoint_second(connection: impl PgExecutor<'_>, plan: &SecondPlan) -> Result<(), SecondError> {
    let payload = json!({
        "id": plan.id.uuid(),
        "entity": plan.id.to_string(),
        "email": plan.email.as_str(),
        "enrolment": plan.enrolment.uuid(),
        "code_hash": HEXLOWER.encode(plan.code.as_bytes()),
        "request": plan.request.uuid(),
    });
    let answer = sqlx::query_scalar!(r#"select sec.appoint_second($1) as "answer!""#, payload)
        .fetch_one(connection)
        .await
        .map_err(StoreError::from)?;
    match answer.as_str() {
        "done" => Ok(()),
        "no-genesis" => Err(SecondError::NoGenesis),
        "two-already" => Err(SecondError::TwoAlready),
        "email-taken" => Err(SecondError::EmailTaken),
        _ => Err(StoreError::corrupt("sec.genesis", "one").into()),
    }
}

fn payload(plan: &Plan) -> Value {
    let mut names = serde_json::Map::new();
    for tenant in [plan.platform(), plan.tenant()] {
        names.insert(tenant.uuid().to_string(), json!(tenant.to_string()));
    }
    json!({
        "platform": plan.platform().uuid(),
        "tenant": plan.tenant().uuid(),
        "people": plan.people.iter().map(person).collect::<Vec<_>>(),
        "key": {
            "service": plan.service.uuid(),
            "id": plan.key.uuid(),
            "owner": plan.owner().uuid(),
            "phc": plan.phc.as_str(),
            "handle": crate::Handle::of(plan.key).as_str(),
        },
        "names": names,
        "request": plan.request.uuid(),
    })
}

fn person(person: &Person) -> Value {
    json!({
        "tenant": person.tenant.uuid(),
        "id": person.id.uuid(),
        "email": person.email.as_str(),
        "name": person.display_name,
        "level": person.level.number(),
        "enrolment": person.enrolment.uuid(),
        "code_hash": HEXLOWER.encode(person.code.as_bytes()),
    })
}
