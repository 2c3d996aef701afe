//! The first tenants and principals, through `sec.genesis`, which works once.
use data_encoding::HEXLOWER;
use keepgate_store::StoreError;
use serde_json::{Value, json};
use sqlx::PgExecutor;

use crate::genesis::{GenesisError, Person, Plan};

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
