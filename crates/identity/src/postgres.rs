//! The ports in PostgreSQL, and what runs before there is anybody. Row-level security and the guards of the migrations decide;
//! nothing here widens them.
mod access;
mod api_keys;
mod device_keys;
mod devices;
mod directory;
mod enrolments;
mod genesis;
mod homes;
mod imported_keys;
mod mails;
mod passwords;
mod principals;
mod resets;
mod revocations;
mod second_factors;
mod sessions;
mod signing_keys;
mod tenant_policies;
mod throttle;

pub use genesis::{appoint_second, genesis, has_genesis};
pub use homes::platform_tenant;

use keepgate_kernel::{Hat, Level, PrincipalId, PrincipalKind, Uuid};
use keepgate_policy::Standing;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::Phc;

fn level(number: i16, table: &'static str) -> Result<Level, StoreError> {
    let level = u8::try_from(number)
        .ok()
        .and_then(|number| Level::try_from(number).ok());
    level.ok_or_else(|| StoreError::corrupt(table, "level"))
}

fn hat(word: Option<&str>) -> Result<Option<Hat>, StoreError> {
    word.map(|word| {
        word.parse()
            .map_err(|_| StoreError::corrupt("rbac.role_assignment", "hat"))
    })
    .transpose()
}

fn principal_id(kind: &str, id: Uuid) -> Result<PrincipalId, StoreError> {
    let kind = PrincipalKind::parse(kind).ok_or_else(|| StoreError::corrupt("rbac.principal", "kind"))?;
    Ok(PrincipalId::from_parts(kind, id))
}

fn phc(text: String, table: &'static str) -> Result<Phc, StoreError> {
    Phc::parse(text).ok_or_else(|| StoreError::corrupt(table, "phc"))
}

/// What only the front desk's role may do in the database: tells a worker from everybody else before anything is asked.
fn demand_worker(tx: &PgTx) -> Result<(), StoreError> {
    match tx.context().principal().standing {
        Standing::System => Ok(()),
        Standing::Level(_) => Err(StoreError::Forbidden),
    }
}

/// Whether a principal asks, and none of Keepgate's own workers.
fn is_person(tx: &PgTx) -> bool {
    matches!(tx.context().principal().standing, Standing::Level(_))
}
