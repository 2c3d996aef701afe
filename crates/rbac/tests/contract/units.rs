//! Units: who sees, makes and takes away which.
use crate::support::{Tx, done, lying, newcomer, seeded};
use keepgate_kernel::{Level, UnitId};
use keepgate_policy::{
    Target, authorize, grant,
    permissions::{UnitCreate, UnitDelete, UnitUpdate, UserCreate},
};
use keepgate_store::{StoreError, testing::World};

async fn added(world: &World<dyn Tx>, name: &str) -> UnitId {
    // A moment after the cast's units, so that its id is the later one in both worlds.
    let later = world.now + std::time::Duration::from_secs(1);
    let (admin, id) = (world.caller(Level::TenantAdmin), UnitId::new(later));
    let mut tx = world.begin(&admin).await;
    let proof = authorize::<UnitCreate>(&admin).unwrap();
    assert!(tx.add_unit(&proof, id, name).await.unwrap());
    done(tx).await;
    id
}

pub async fn levels_one_to_three_see_their_own_unit_and_no_other(world: &World<dyn Tx>) {
    seeded(world).await;
    let north = added(world, "north").await;
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let mut tx = world.begin(&world.caller(level)).await;
        let narrow = level.needs_unit();
        assert_eq!(tx.unit(north).await.unwrap().is_none(), narrow, "{level}");
        assert!(tx.unit(world.ids.unit).await.unwrap().is_some(), "{level}");
        let seen = tx.units(None, 10).await.unwrap().len();
        assert_eq!(seen, if narrow { 1 } else { 2 }, "{level}");
    }
}

pub async fn only_levels_four_and_five_make_units_whatever_the_proof_says(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL.into_iter().filter(|level| !matches!(level.number(), 4 | 5)) {
        let caller = world.caller(level);
        let proof = authorize::<UnitCreate>(&lying(&caller, Level::TenantAdmin, None)).unwrap();
        let made = world
            .begin(&caller)
            .await
            .add_unit(&proof, UnitId::new(world.now), "x")
            .await;
        assert!(matches!(made, Err(StoreError::Forbidden)), "{level}: {made:?}");
    }
    let stranger = world.stranger(Level::TenantOwner);
    let proof = authorize::<UnitCreate>(&world.caller(Level::TenantOwner)).unwrap();
    let mut tx = world.begin(&stranger).await;
    let made = tx.add_unit(&proof, UnitId::new(world.now), "x").await;
    assert!(matches!(made, Err(StoreError::Forbidden)), "{made:?}");
}

pub async fn a_name_is_taken_once_within_the_tenant_and_free_again_afterwards(world: &World<dyn Tx>) {
    seeded(world).await;
    let (north, south) = (added(world, "north").await, added(world, "south").await);
    let owner = world.caller(Level::TenantOwner);
    let mut tx = world.begin(&owner).await;
    let (create, update, delete) = (
        authorize::<UnitCreate>(&owner).unwrap(),
        authorize::<UnitUpdate>(&owner).unwrap(),
        authorize::<UnitDelete>(&owner).unwrap(),
    );
    assert!(!tx.add_unit(&create, UnitId::new(world.now), "north").await.unwrap());
    assert!(!tx.rename_unit(&update, south, "north").await.unwrap());
    assert!(tx.rename_unit(&update, south, "south").await.unwrap(), "its own name");
    assert!(tx.delete_unit(&delete, north).await.unwrap());
    assert!(!tx.delete_unit(&delete, north).await.unwrap(), "once");
    assert!(tx.unit(north).await.unwrap().is_none());
    assert!(tx.rename_unit(&update, south, "north").await.unwrap());
    done(tx).await;
    let name = world.begin(&owner).await.unit(south).await.unwrap().unwrap().name;
    assert_eq!(name, "north");
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    let theirs = authorize::<UnitCreate>(&world.stranger(Level::TenantOwner)).unwrap();
    assert!(
        tx.add_unit(&theirs, UnitId::new(world.now), "north").await.unwrap(),
        "each tenant has its own names"
    );
}

pub async fn a_unit_with_somebody_in_it_stays(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    let proof = authorize::<UnitDelete>(&owner).unwrap();
    let mut tx = world.begin(&owner).await;
    assert_eq!(tx.people_in(world.ids.unit).await.unwrap(), 3);
    let refused = tx.delete_unit(&proof, world.ids.unit).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)), "{refused:?}");
}

pub async fn nobody_moves_into_a_unit_that_was_taken_away(world: &World<dyn Tx>) {
    seeded(world).await;
    let north = added(world, "north").await;
    let owner = world.caller(Level::TenantOwner);
    let mut tx = world.begin(&owner).await;
    let proof = authorize::<UnitDelete>(&owner).unwrap();
    assert!(tx.delete_unit(&proof, north).await.unwrap());
    done(tx).await;
    let target = Target {
        principal: newcomer(world, world.ids.tenant).await,
        tenant: world.ids.tenant,
        present: None,
    };
    let given = grant(&authorize::<UserCreate>(&owner).unwrap(), target, Level::Operator).unwrap();
    assert!(world.begin(&owner).await.assign(given, Some(north)).await.is_err());
}

pub async fn another_tenant_s_unit_is_not_there(world: &World<dyn Tx>) {
    seeded(world).await;
    let owner = world.caller(Level::TenantOwner);
    let (update, delete) = (
        authorize::<UnitUpdate>(&owner).unwrap(),
        authorize::<UnitDelete>(&owner).unwrap(),
    );
    let mut tx = world.begin(&owner).await;
    assert!(tx.unit(world.ids.other_unit).await.unwrap().is_none());
    assert!(!tx.delete_unit(&delete, world.ids.other_unit).await.unwrap());
    tx.rename_unit(&update, world.ids.other_unit, "mine").await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert_eq!(tx.unit(world.ids.other_unit).await.unwrap().unwrap().name, "main");
}

pub async fn the_first_unit_is_the_one_for_whoever_names_none(world: &World<dyn Tx>) {
    seeded(world).await;
    added(world, "a").await;
    let owner = world.caller(Level::TenantOwner);
    let mut tx = world.begin(&owner).await;
    let proof = authorize::<UnitUpdate>(&owner).unwrap();
    assert!(tx.rename_unit(&proof, world.ids.unit, "headquarters").await.unwrap());
    assert_eq!(tx.main_unit().await.unwrap(), Some(world.ids.unit));
}
