//! What both adapters promise about wrapped keys.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "cases of a contract fail loudly"
)]
use keepgate_crypto_keys::{DataKeys, StoredKey, Wrapped, random_secret};
use keepgate_kernel::Level;
use keepgate_store::{
    StoreError,
    testing::{TestTx, World},
};

trait Tx: TestTx + DataKeys {}
impl<T: TestTx + DataKeys> Tx for T {}

fn stored(version: i32) -> StoredKey {
    let secret = random_secret().unwrap();
    StoredKey {
        version,
        wrapped: Wrapped {
            kek: "openbao:transit/keepgate:v3".to_owned(),
            bytes: [&secret[..], &secret[..]].concat(),
        },
        recovery: None,
        destroy_after: None,
    }
}

async fn keys_come_newest_first(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.data_keys().await.unwrap().is_empty());
    assert!(tx.add_data_key(&stored(1)).await.unwrap());
    assert!(tx.add_data_key(&stored(2)).await.unwrap());
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
    let versions: Vec<_> = world
        .begin(&world.worker())
        .await
        .data_keys()
        .await
        .unwrap()
        .iter()
        .map(|k| k.version)
        .collect();
    assert_eq!(versions, [2, 1]);
}

async fn the_key_stored_first_stays(world: &World<dyn Tx>) {
    let (first, second) = (stored(1), stored(1));
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.add_data_key(&first).await.unwrap());
    assert!(!tx.add_data_key(&second).await.unwrap());
    assert_eq!(tx.data_keys().await.unwrap(), [first]);
}

async fn a_new_key_cannot_commit_unaudited(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    tx.add_data_key(&stored(1)).await.unwrap();
    assert!(matches!(tx.commit().await, Err(StoreError::Unaudited)));
}

async fn people_see_no_key_and_add_none(world: &World<dyn Tx>) {
    let mut tx = world.begin(&world.worker()).await;
    tx.add_data_key(&stored(1)).await.unwrap();
    tx.mark().await.unwrap();
    tx.commit().await.unwrap();
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.data_keys().await.unwrap().is_empty(), "{level}");
        assert!(
            matches!(tx.add_data_key(&stored(9)).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
}

keepgate_store::contract!(dyn Tx;
    keys_come_newest_first,
    the_key_stored_first_stays,
    a_new_key_cannot_commit_unaudited,
    people_see_no_key_and_add_none,
);
