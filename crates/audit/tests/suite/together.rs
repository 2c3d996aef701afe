//! What appending several promises.
use keepgate_audit::{NewEntry, TOGETHER, Told};
use keepgate_kernel::{Level, PrincipalId, RequestId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, admin, commit, done, number, refused, with_key};

pub async fn several_are_appended_in_order_each_with_its_own_caller_and_request(world: &World<dyn Tx>) {
    let mut told = Vec::new();
    for level in [Level::Operator, Level::Supervisor, Level::TenantOwner] {
        let caller = world.caller(level);
        let entry = refused(world.now, level.name(), "level-too-low");
        told.push((caller.principal().id, RequestId::new(world.now), entry));
    }
    let mut tx = world.begin(&world.worker()).await;
    let all: Vec<Told> = told
        .iter()
        .map(|(who, request, entry)| by(world, *who, *request, entry))
        .collect();
    let receipts = tx.append_all(&all).await.unwrap();
    commit(tx).await.unwrap();
    number(world).await;
    // Those of one instant have their indices in any order.
    let page = world
        .begin(&admin(world))
        .await
        .entries(&Default::default())
        .await
        .unwrap();
    assert_eq!(page.items.len(), told.len());
    for ((who, request, entry), receipt) in told.iter().zip(receipts) {
        let stored = page.items.iter().find(|stored| stored.leaf.id == entry.id).unwrap();
        assert_eq!((stored.leaf.actor, stored.leaf.request), (*who, *request));
        assert_eq!(stored.leaf.entity, entry.entity.as_str());
        assert_eq!((receipt.entry, receipt.leaf_hash), (entry.id, stored.leaf_hash));
    }
}

fn by(world: &World<dyn Tx>, who: PrincipalId, request: RequestId, entry: &NewEntry) -> Told {
    let mut entry = entry.clone();
    entry.actor = Some(who);
    Told::by(&OpContext::system(world.ids.tenant, request, world.now), entry, None)
}

pub async fn several_are_appended_all_or_none(world: &World<dyn Tx>) {
    let worker = world.worker();
    let good = Told::by(&worker, done(world.now, "good"), None);
    let bad = Told::by(&worker, refused(world.now, "bad", "Not a word"), None);
    let mut tx = world.begin(&worker).await;
    let outcome = tx.append_all(&[good.clone(), bad]).await;
    assert!(matches!(outcome, Err(StoreError::Forbidden)), "{outcome:?}");
    drop(tx);
    let mut tx = world.begin(&worker).await;
    tx.append_all(std::slice::from_ref(&good)).await.unwrap();
    drop(tx);
    let mut tx = world.begin(&worker).await;
    assert!(tx.append_all(&[]).await.unwrap().is_empty());
    let many = vec![good; TOGETHER + 1];
    assert!(matches!(tx.append_all(&many).await, Err(StoreError::Forbidden)));
    drop(tx);
    number(world).await;
    assert_eq!(
        world
            .begin(&admin(world))
            .await
            .log_info()
            .await
            .unwrap()
            .map_or(0, |log| log.size),
        0
    );
}

pub async fn only_a_worker_appends_for_others(world: &World<dyn Tx>) {
    let owner = world.caller(Level::TenantOwner);
    let told = Told::by(&owner, done(world.now, "mine"), None);
    let outcome = world.begin(&owner).await.append_all(&[told]).await;
    assert!(matches!(outcome, Err(StoreError::Forbidden)), "{outcome:?}");
}

pub async fn a_key_that_several_bring_along_is_kept_once(world: &World<dyn Tx>) {
    let caller = world
        .caller(Level::Operator)
        .from_source(Some("192.0.2.7".parse().unwrap()));
    let (_, source) = with_key(&caller).unwrap();
    let mut told = Vec::new();
    for entity in ["one", "two"] {
        told.push(Told::by(&caller, done(world.now, entity), Some(source.clone())));
    }
    let mut tx = world.begin(&world.worker()).await;
    tx.append_all(&told).await.unwrap();
    commit(tx).await.unwrap();
    number(world).await;
    let mut tx = world.begin(&admin(world)).await;
    for index in 0..2 {
        let stored = tx.entry(index).await.unwrap().unwrap();
        assert_eq!(stored.sealed.unwrap().key.id, source.key);
    }
}
