//! The first tenants and principals of a memory store.
use chrono::TimeDelta;
use keepgate_kernel::{Level, PrincipalId, TenantId, Timestamp, UnitId};
use keepgate_policy::{Grant, OpContext, Plane, Tenant, TenantStatus, Unit};
use keepgate_store::{MemStore, MemTx, StoreError, Transaction};

use super::rows::{
    EnrolmentRow, EnrolmentRows, GrantRows, KeyRow, KeyRows, PrincipalRow, PrincipalRows, SessionRows, TenantRows,
    UnitRows,
};
use crate::{
    ApiKeyRecord, Handle, PrincipalStatus,
    genesis::{BOOTSTRAP_LIFE, GenesisError, Person, Plan, SecondError, SecondPlan},
};

/// Writes `plan` past the door. The store's audit log starts empty: the first entry is the first operation's.
///
/// # Errors
/// [`GenesisError::AlreadyDone`] when there are tenants, [`GenesisError::Store`].
#[expect(
    clippy::disallowed_methods,
    reason = "nobody is there yet who could come through the doorway"
)]
pub async fn genesis(store: &MemStore, plan: &Plan) -> Result<(), GenesisError> {
    let context = OpContext::system(plan.platform(), plan.request, plan.at);
    let mut tx = store.clone().with_door(|_, _| Ok(())).begin(&context)?;
    if tx.read::<TenantRows>().is_some_and(|rows| !rows.is_empty()) {
        return Err(GenesisError::AlreadyDone);
    }
    write(&mut tx, plan);
    tx.mark_audited();
    match Box::new(tx).commit().await {
        Err(StoreError::Conflict) => Err(GenesisError::AlreadyDone),
        other => Ok(other?),
    }
}

/// Writes `plan` past the door.
///
/// # Errors
/// [`SecondError`]; nothing was changed.
#[expect(clippy::disallowed_methods, reason = "an offline ceremony, as the genesis")]
pub async fn appoint_second(store: &MemStore, plan: &SecondPlan) -> Result<(), SecondError> {
    let open = store.clone().with_door(|_, _| Ok(()));
    let nobody = TenantId::from_uuid(keepgate_kernel::Uuid::nil());
    let mut tx = open.begin(&OpContext::system(nobody, plan.request, plan.at))?;
    let home = tx
        .read::<TenantRows>()
        .and_then(|rows| rows.values().find(|tenant| tenant.plane == Plane::Platform))
        .map(|tenant| tenant.id)
        .ok_or(SecondError::NoGenesis)?;
    let who = admit_second(&tx, home, plan)?;
    let person = Person {
        tenant: home,
        id: who,
        email: plan.email.clone(),
        display_name: "Platform administrator",
        level: Level::GlobalAdmin,
        enrolment: plan.enrolment,
        code: plan.code,
    };
    put_person(&mut tx, plan.at, &person);
    tx.mark_audited();
    Ok(Box::new(tx).commit().await?)
}

/// Who gets the code: somebody new, or the second one who never came in.
fn admit_second(tx: &MemTx, home: TenantId, plan: &SecondPlan) -> Result<PrincipalId, SecondError> {
    let acts = |row: &&PrincipalRow| row.status == PrincipalStatus::Active;
    let held = |row: &PrincipalRow| {
        let grant = tx.read::<GrantRows>()?.get(&(home, row.id.uuid()))?;
        (!grant.revoked && grant.level == Level::GlobalAdmin).then_some(*grant)
    };
    let been_here = |row: &PrincipalRow| {
        tx.read::<SessionRows>().is_some_and(|rows| {
            rows.iter()
                .any(|((at, _), session)| *at == home && session.principal == row.id)
        })
    };
    let people = tx.read::<PrincipalRows>().into_iter().flat_map(|rows| rows.iter());
    let people: Vec<&PrincipalRow> = people.filter(|((at, _), _)| *at == home).map(|(_, row)| row).collect();
    let named = people.iter().find(|row| row.email.as_ref() == Some(&plan.email));
    if let Some(row) =
        named.filter(|row| acts(row) && held(row).is_some_and(|grant| grant.by.is_none()) && !been_here(row))
    {
        return Ok(row.id);
    }
    if people.iter().filter(|row| acts(row) && held(row).is_some()).count() >= 2 {
        return Err(SecondError::TwoAlready);
    }
    if named.is_some() {
        return Err(SecondError::EmailTaken);
    }
    Ok(plan.id)
}

fn write(tx: &mut MemTx, plan: &Plan) {
    let unit = UnitId::new(plan.at);
    add_tenant(tx, plan, plan.platform(), Plane::Platform);
    add_tenant(tx, plan, plan.tenant(), Plane::Customer);
    tx.write::<UnitRows>().insert_mut(
        (plan.tenant(), unit),
        Unit {
            id: unit,
            name: "main".to_owned(),
        },
    );
    for person in &plan.people {
        put_person(tx, plan.at, person);
    }
    add_key(tx, plan, unit);
}

fn add_tenant(tx: &mut MemTx, plan: &Plan, id: TenantId, plane: Plane) {
    let name = if plane == Plane::Platform {
        "platform"
    } else {
        "default"
    };
    let tenant = Tenant {
        id,
        name: name.to_owned(),
        plane,
        status: TenantStatus::Active,
        created_at: plan.at,
    };
    tx.write::<TenantRows>().insert_mut(id, tenant);
}

fn put_person(tx: &mut MemTx, at: Timestamp, person: &Person) {
    let (key, expires_at) = ((person.tenant, person.id.uuid()), at + TimeDelta::hours(24));
    let row = PrincipalRow {
        id: person.id,
        email: Some(person.email.clone()),
        display_name: Some(person.display_name.to_owned()),
        status: PrincipalStatus::Active,
        epoch: 0,
        created_at: at,
    };
    tx.write::<PrincipalRows>().insert_mut(key, row);
    tx.write::<GrantRows>().insert_mut(
        key,
        Grant {
            level: person.level,
            unit: None,
            hat: None,
            by: None,
            revoked: false,
        },
    );
    let code = EnrolmentRow {
        principal: person.id,
        hash: person.code,
        expires_at,
        used_at: None,
        approved: false,
    };
    tx.write::<EnrolmentRows>()
        .insert_mut((person.tenant, person.enrolment), code);
}

fn add_key(tx: &mut MemTx, plan: &Plan, unit: UnitId) {
    let row = PrincipalRow {
        id: plan.service,
        email: None,
        display_name: Some("bootstrap".to_owned()),
        status: PrincipalStatus::Active,
        epoch: 0,
        created_at: plan.at,
    };
    let grant = Grant {
        level: Level::Operator,
        unit: Some(unit),
        hat: None,
        by: Some(plan.owner().uuid()),
        revoked: false,
    };
    let record = ApiKeyRecord {
        id: plan.key,
        name: "bootstrap".to_owned(),
        service: plan.service,
        owner: plan.owner(),
        level: None,
        scopes: None,
        allowed_cidrs: None,
        created_at: plan.at,
        expires_at: Some(plan.at + BOOTSTRAP_LIFE),
        revoked_at: None,
        last_used_at: None,
        last_used_from: None,
        retiring: None,
        imported: None,
    };
    tx.write::<PrincipalRows>()
        .insert_mut((plan.tenant(), plan.service.uuid()), row);
    tx.write::<GrantRows>()
        .insert_mut((plan.tenant(), plan.service.uuid()), grant);
    tx.write::<KeyRows>().insert_mut(
        (plan.tenant(), plan.key),
        KeyRow {
            record,
            phc: plan.phc.clone(),
            old: None,
            old_used_at: None,
            rotated_at: None,
            handle: Some(Handle::of(plan.key)),
            imported: None,
        },
    );
}
