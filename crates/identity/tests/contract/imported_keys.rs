//! Keys that another system made.
use std::{net::IpAddr, sync::Arc, time::Duration};

use chrono::TimeDelta;
use keepgate_identity::{
    ApiKeyFormat, AuthError, Authenticator, BcryptHash, Environment, Hasher, KeyRing, Lookup, NewApiKey,
    NewImportedKey, Phc, RotateApiKey, Tokens, Verifier,
};
use keepgate_kernel::{Level, RequestId, Timestamp};
use keepgate_policy::Credential;
use keepgate_store::{StoreError, testing::World};

use crate::support::{PHC, Tx, cases, done, done_unmarked, key, perform, settle, worker};

/// What a customer's programs hold.
const TEXT: &str = "acme_live_ab12cd34.9f8e7d6c5b4a39281706";

fn bcrypt(text: &str) -> BcryptHash {
    BcryptHash::parse(&bcrypt::hash(text, 4).unwrap()).unwrap()
}

fn lookup(text: &str) -> Lookup {
    Lookup::parse(text).unwrap()
}

/// A key with an imported text, put on record by the owner.
async fn imported(world: &World<dyn Tx>, name: &str, hash: BcryptHash) -> NewApiKey {
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    tx.add_imported_key(&new(&key, name, hash)).await.unwrap();
    done(tx).await;
    key
}

fn new(key: &NewApiKey, name: &str, bcrypt: BcryptHash) -> NewImportedKey {
    NewImportedKey {
        key: key.id,
        lookup: lookup(name),
        bcrypt,
    }
}

fn authenticator(world: &World<dyn Tx>) -> Authenticator<dyn Tx> {
    let tokens = Arc::new(Tokens::new(KeyRing::new(&[5; 32], &[]).unwrap(), "kg", "kg"));
    let format = Arc::new(ApiKeyFormat::new(Environment::Test, &[6; 32]));
    Authenticator::new(world.store(), world.ids.platform, tokens, format, Hasher::new(2)).unwrap()
}

async fn present(desk: &Authenticator<dyn Tx>, bearer: &str, from: u8, at: Timestamp) -> Result<Credential, AuthError> {
    let source = Some(IpAddr::from([192, 0, 2, from]));
    let recognised = desk.authenticate(bearer, source, RequestId::new(at), at).await;
    recognised.map(|recognised| recognised.credential)
}

async fn verifier(world: &World<dyn Tx>, key: &NewApiKey) -> Verifier {
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    tx.imported_on_file(key.id).await.unwrap().unwrap().verifier
}

async fn an_imported_text_is_its_key_and_is_argon2id_from_its_first_use_on(world: &World<dyn Tx>) {
    let (desk, hash) = (authenticator(world), bcrypt(TEXT));
    let key = imported(world, "acme_live_ab12cd34", hash.clone()).await;
    assert_eq!(verifier(world, &key).await, Verifier::Bcrypt(hash));
    let credential = present(&desk, TEXT, 1, world.now).await.unwrap();
    assert_eq!(credential, Credential::ApiKey(key.id));
    assert!(matches!(verifier(world, &key).await, Verifier::Argon2id(_)));
    // From the new hash, past the memory of the first verification.
    let later = world.now + TimeDelta::minutes(2);
    assert_eq!(present(&desk, TEXT, 1, later).await.unwrap(), credential);
}

async fn a_wrong_text_changes_no_hash(world: &World<dyn Tx>) {
    let (desk, hash) = (authenticator(world), bcrypt(TEXT));
    let key = imported(world, "acme_live_ab12cd34", hash.clone()).await;
    for wrong in [
        "acme_live_ab12cd34.9f8e7d6c5b4a39281707",
        "acme_live_zz99zz99.9f8e7d6c5b4a39281706",
    ] {
        let result = present(&desk, wrong, 1, world.now).await;
        assert!(matches!(result, Err(AuthError::Unknown)), "{result:?}");
    }
    assert_eq!(verifier(world, &key).await, Verifier::Bcrypt(hash));
}

async fn a_text_that_only_begins_like_the_key_past_bcrypt_s_end_is_nobody(world: &World<dyn Tx>) {
    let long = format!("acme_live_ab12cd34.{}", "x".repeat(72 - 19));
    let desk = authenticator(world);
    imported(world, "acme_live_ab12cd34", bcrypt(&long)).await;
    let result = present(&desk, &format!("{long}y"), 1, world.now).await;
    assert!(result.is_err(), "bcrypt would not see the last character");
    assert!(present(&desk, &long, 1, world.now).await.is_ok());
}

async fn an_address_that_guesses_has_to_wait_and_others_do_not(world: &World<dyn Tx>) {
    let desk = authenticator(world);
    imported(world, "acme_live_ab12cd34", bcrypt(TEXT)).await;
    for n in 0..20 {
        let wrong = format!("acme_live_ab12cd34.guess-number-{n:04}");
        assert!(matches!(
            present(&desk, &wrong, 1, world.now).await,
            Err(AuthError::Unknown)
        ));
    }
    assert!(matches!(
        present(&desk, TEXT, 1, world.now).await,
        Err(AuthError::Guessing)
    ));
    assert!(present(&desk, TEXT, 2, world.now).await.is_ok());
    let later = world.now + TimeDelta::minutes(1);
    assert!(present(&desk, TEXT, 1, later).await.is_ok());
}

async fn no_lookup_is_the_beginning_of_another_in_the_whole_installation(world: &World<dyn Tx>) {
    imported(world, "acme_ab12", bcrypt(TEXT)).await;
    let stranger = world.stranger(Level::TenantOwner);
    for (caller, name, free) in [
        (&world.caller(Level::TenantOwner), "acme_ab12", false),
        (&world.caller(Level::TenantOwner), "acme_a", false),
        (&world.caller(Level::TenantOwner), "acme_ab12cd34", false),
        (&stranger, "acme_ab12", false),
        (&stranger, "acme_ab1", false),
        (&stranger, "acme_ab13", true),
        (&world.caller(Level::Supervisor), "acme_ab13", false),
    ] {
        let mut tx = world.begin(caller).await;
        assert_eq!(tx.is_lookup_free(&lookup(name)).await.unwrap(), free, "{name}");
    }
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    let taken = tx.add_imported_key(&new(&key, "acme_ab12cd34", bcrypt(TEXT))).await;
    assert!(matches!(taken, Err(StoreError::Conflict)), "{taken:?}");
}

async fn who_does_not_own_the_key_imports_nothing_for_it(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    for level in Level::ALL.into_iter().filter(|level| *level != Level::TenantOwner) {
        let mut tx = world.begin(&world.caller(level)).await;
        let result = tx.add_imported_key(&new(&key, "acme_ab12", bcrypt(TEXT))).await;
        assert!(matches!(result, Err(StoreError::Forbidden)), "{level}: {result:?}");
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(
        tx.add_imported_key(&new(&key, "acme_ab12", bcrypt(TEXT)))
            .await
            .is_err()
    );
}

async fn a_hash_is_replaced_once_by_a_worker_that_knows_the_one_before(world: &World<dyn Tx>) {
    let hash = bcrypt(TEXT);
    let key = imported(world, "acme_ab12", hash.clone()).await;
    let phc = Phc::parse(PHC.into()).unwrap();
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert!(
        !tx.rehash_imported_key(key.id, &bcrypt("another text"), &phc)
            .await
            .unwrap()
    );
    assert!(tx.rehash_imported_key(key.id, &hash, &phc).await.unwrap());
    done_unmarked(tx).await.unwrap();
    assert_eq!(verifier(world, &key).await, Verifier::Argon2id(phc.clone()));
    let mut tx = world.begin(&worker(world, world.ids.tenant)).await;
    assert!(!tx.rehash_imported_key(key.id, &hash, &phc).await.unwrap(), "once");
    drop(tx);
    for context in [world.caller(Level::TenantOwner), world.caller(Level::TenantAdmin)] {
        let mut tx = world.begin(&context).await;
        assert!(matches!(tx.imported_on_file(key.id).await, Err(StoreError::Forbidden)));
        assert!(matches!(
            tx.rehash_imported_key(key.id, &hash, &phc).await,
            Err(StoreError::Forbidden)
        ));
    }
}

async fn a_rotation_ends_the_imported_text_with_the_overlap(world: &World<dyn Tx>) {
    let desk = authenticator(world);
    let key = imported(world, "acme_live_ab12cd34", bcrypt(TEXT)).await;
    assert!(present(&desk, TEXT, 1, world.now).await.is_ok());
    let format = ApiKeyFormat::new(Environment::Test, &[6; 32]);
    let rotate = |overlap, passes| RotateApiKey {
        key: format.mint(key.id).unwrap(),
        phc: Phc::parse(PHC.replace("t=2", passes)).unwrap(),
        overlap,
    };
    let admin = world.caller(Level::TenantAdmin);
    perform(world, &admin, &rotate(Duration::from_secs(3600), "t=3"))
        .await
        .unwrap();
    desk.forget(key.id);
    assert!(present(&desk, TEXT, 1, world.now).await.is_ok(), "during the overlap");
    let over = world.now + TimeDelta::hours(2);
    assert!(matches!(present(&desk, TEXT, 1, over).await, Err(AuthError::Unknown)));
    perform(world, &admin, &rotate(Duration::ZERO, "t=4")).await.unwrap();
    desk.forget(key.id);
    let after = world.now + TimeDelta::minutes(2);
    assert!(
        matches!(present(&desk, TEXT, 1, after).await, Err(AuthError::Unknown)),
        "at once"
    );
    let record = world.begin(&admin).await.api_key(key.id).await.unwrap().unwrap();
    assert_eq!(record.imported, None);
}

async fn an_import_is_in_the_list_by_its_lookup(world: &World<dyn Tx>) {
    let key = imported(world, "acme_live_ab12cd34", bcrypt(TEXT)).await;
    let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
    let record = tx.api_key(key.id).await.unwrap().unwrap();
    assert_eq!(record.imported, Some(lookup("acme_live_ab12cd34")));
}

async fn an_import_without_an_entry_does_not_commit(world: &World<dyn Tx>) {
    let key = key(world, Level::Operator, |_| ()).await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    tx.add_imported_key(&new(&key, "acme_ab12", bcrypt(TEXT)))
        .await
        .unwrap();
    assert!(matches!(done_unmarked(tx).await, Err(StoreError::Unaudited)));
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    tx.add_imported_key(&new(&key, "acme_ab12", bcrypt(TEXT)))
        .await
        .unwrap();
    settle(tx).await.unwrap();
}

cases!(
    an_imported_text_is_its_key_and_is_argon2id_from_its_first_use_on,
    a_wrong_text_changes_no_hash,
    a_text_that_only_begins_like_the_key_past_bcrypt_s_end_is_nobody,
    an_address_that_guesses_has_to_wait_and_others_do_not,
    no_lookup_is_the_beginning_of_another_in_the_whole_installation,
    who_does_not_own_the_key_imports_nothing_for_it,
    a_hash_is_replaced_once_by_a_worker_that_knows_the_one_before,
    a_rotation_ends_the_imported_text_with_the_overlap,
    an_import_is_in_the_list_by_its_lookup,
    an_import_without_an_entry_does_not_commit,
);
