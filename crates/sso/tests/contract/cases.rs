//! The sentences of the ports, one case each.
use std::time::Duration;

use crate::support::{Tx, account, done, provider, seeded};
use keepgate_kernel::{Level, PrincipalId, PrincipalKind};
use keepgate_policy::OpContext;
use keepgate_sso::{Issuer, LOGIN_LIFE, NewAccount, PendingLogin, Provider, SecretChange};
use keepgate_store::{StoreError, testing::World};

const ONE: &str = "https://one.example";
const TWO: &str = "https://two.example";

fn owner(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::TenantOwner)
}

async fn put(world: &World<dyn Tx>, provider: &Provider, secret: SecretChange) -> Result<bool, StoreError> {
    let mut tx = world.begin(&owner(world)).await;
    let put = tx.put_provider(provider, &secret).await?;
    done(tx).await;
    Ok(put)
}

async fn secret(world: &World<dyn Tx>, provider: &Provider) -> Option<Vec<u8>> {
    let mut tx = world.begin(&world.worker()).await;
    tx.provider_secret(&provider.name).await.unwrap()
}

async fn a_provider_is_put_read_replaced_and_removed(world: &World<dyn Tx>) {
    seeded(world).await;
    let mut okta = provider(world, "okta", ONE);
    assert!(put(world, &okta, SecretChange::Keep).await.unwrap());
    okta.mapping = keepgate_sso::Mapping::default();
    okta.jit = false;
    assert!(put(world, &okta, SecretChange::Keep).await.unwrap());
    for reader in [owner(world), world.caller(Level::TenantAdmin), world.worker()] {
        let mut tx = world.begin(&reader).await;
        let stored = tx.provider(&okta.name).await.unwrap().unwrap();
        let same = Provider {
            updated_at: stored.updated_at,
            ..okta.clone()
        };
        assert_eq!(stored, same);
        assert_eq!(tx.providers().await.unwrap().len(), 1);
    }
    let mut tx = world.begin(&owner(world)).await;
    assert!(tx.delete_provider(&okta.name).await.unwrap());
    assert!(!tx.delete_provider(&okta.name).await.unwrap());
    done(tx).await;
    assert!(world.begin(&owner(world)).await.providers().await.unwrap().is_empty());
}

async fn only_an_owner_configures_and_in_its_own_name(world: &World<dyn Tx>) {
    seeded(world).await;
    let okta = provider(world, "okta", ONE);
    for level in Level::ALL.into_iter().filter(|level| *level != Level::TenantOwner) {
        let mut tx = world.begin(&world.caller(level)).await;
        let mut own = okta.clone();
        own.configured_by = world.caller(level).principal().id;
        let refused = tx.put_provider(&own, &SecretChange::Keep).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(!tx.delete_provider(&okta.name).await.unwrap(), "{level}");
    }
    let mut foreign = okta.clone();
    foreign.configured_by = world.ids.principal(world.ids.tenant, Level::TenantAdmin);
    assert!(matches!(
        put(world, &foreign, SecretChange::Keep).await,
        Err(StoreError::Forbidden)
    ));
    assert!(put(world, &okta, SecretChange::Keep).await.unwrap());
    for level in [Level::FieldAgent, Level::Operator, Level::Supervisor] {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.providers().await.unwrap().is_empty(), "{level}");
    }
    let mut tx = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert!(tx.provider(&okta.name).await.unwrap().is_none(), "another tenant's");
    assert!(!tx.delete_provider(&okta.name).await.unwrap());
}

async fn no_two_providers_share_an_issuer(world: &World<dyn Tx>) {
    seeded(world).await;
    assert!(
        put(world, &provider(world, "one", ONE), SecretChange::Keep)
            .await
            .unwrap()
    );
    assert!(
        !put(world, &provider(world, "two", ONE), SecretChange::Keep)
            .await
            .unwrap()
    );
    assert!(
        put(world, &provider(world, "two", TWO), SecretChange::Keep)
            .await
            .unwrap()
    );
}

async fn a_secret_stays_until_issuer_or_client_change(world: &World<dyn Tx>) {
    seeded(world).await;
    let okta = provider(world, "okta", ONE);
    put(world, &okta, SecretChange::Sealed(vec![1, 2, 3])).await.unwrap();
    put(world, &okta, SecretChange::Keep).await.unwrap();
    assert_eq!(secret(world, &okta).await, Some(vec![1, 2, 3]));
    let mut moved = okta.clone();
    moved.issuer = TWO.parse().unwrap();
    put(world, &moved, SecretChange::Keep).await.unwrap();
    assert_eq!(secret(world, &okta).await, None, "never shown to another issuer");
    put(world, &moved, SecretChange::Sealed(vec![4])).await.unwrap();
    let mut renamed = moved.clone();
    renamed.client_id = "another".into();
    put(world, &renamed, SecretChange::Keep).await.unwrap();
    assert_eq!(secret(world, &okta).await, None);
}

async fn nobody_but_the_log_in_reads_a_secret(world: &World<dyn Tx>) {
    seeded(world).await;
    let okta = provider(world, "okta", ONE);
    put(world, &okta, SecretChange::Sealed(vec![1, 2, 3])).await.unwrap();
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let read = tx.provider_secret(&okta.name).await;
        assert!(!matches!(read, Ok(Some(_))), "{level}");
    }
    assert!(secret(world, &okta).await.is_some());
}

fn pending(world: &World<dyn Tx>, number: u8, life: Duration) -> PendingLogin {
    PendingLogin {
        state: [number; 32],
        binding: [number + 1; 32],
        provider: "okta".parse().unwrap(),
        issuer: ONE.parse().unwrap(),
        expires_at: world.now + life,
    }
}

async fn a_log_in_is_used_once_and_only_by_its_browser(world: &World<dyn Tx>) {
    let login = pending(world, 1, LOGIN_LIFE);
    let mut tx = world.begin(&world.worker()).await;
    tx.open_login(&login).await.unwrap();
    done(tx).await;
    let mut tx = world.begin(&world.worker()).await;
    assert_eq!(
        tx.use_login(&login.state, &[9; 32]).await.unwrap(),
        None,
        "another browser"
    );
    assert_eq!(
        tx.use_login(&[9; 32], &login.binding).await.unwrap(),
        None,
        "another state"
    );
    let used = tx.use_login(&login.state, &login.binding).await.unwrap().unwrap();
    assert_eq!(
        (used.provider, used.issuer),
        (login.provider.clone(), login.issuer.clone())
    );
    done(tx).await;
    let mut tx = world.begin(&world.worker()).await;
    assert_eq!(
        tx.use_login(&login.state, &login.binding).await.unwrap(),
        None,
        "used up"
    );
}

async fn a_log_in_ends_with_its_time(world: &World<dyn Tx>) {
    let login = pending(world, 1, Duration::ZERO);
    let mut tx = world.begin(&world.worker()).await;
    tx.open_login(&login).await.unwrap();
    assert_eq!(tx.use_login(&login.state, &login.binding).await.unwrap(), None);
}

async fn nobody_but_a_worker_sees_log_ins(world: &World<dyn Tx>) {
    seeded(world).await;
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        let refused = tx.open_login(&pending(world, 1, LOGIN_LIFE)).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
    }
}

async fn write(world: &World<dyn Tx>, new: &NewAccount) -> bool {
    let mut tx = world.begin(&world.worker()).await;
    tx.newborn(new.principal).await.unwrap();
    let added = tx.add_account(new).await.unwrap();
    if added {
        done(tx).await;
    }
    added
}

async fn an_identity_is_issuer_and_subject_together(world: &World<dyn Tx>) {
    let (one, two): (Issuer, Issuer) = (ONE.parse().unwrap(), TWO.parse().unwrap());
    let (ann, bob) = (account(world, &one, "42"), account(world, &two, "42"));
    assert!(
        write(world, &ann).await && write(world, &bob).await,
        "one subject at two issuers is two people"
    );
    let mut tx = world.begin(&world.worker()).await;
    for (issuer, person) in [(&one, &ann), (&two, &bob)] {
        let found = tx.account_of_subject(issuer, "42").await.unwrap().unwrap();
        assert_eq!(found.of, *person);
        assert_eq!(tx.account(issuer, person.principal).await.unwrap().unwrap().of, *person);
    }
    assert!(tx.account(&two, ann.principal).await.unwrap().is_none());
    assert!(tx.account_of_subject(&one, "43").await.unwrap().is_none());
}

async fn nothing_of_an_account_is_there_twice(world: &World<dyn Tx>) {
    let one: Issuer = ONE.parse().unwrap();
    assert!(write(world, &account(world, &one, "ann")).await);
    let fresh = |change: fn(&mut NewAccount)| {
        let mut new = account(world, &one, "bob");
        change(&mut new);
        new
    };
    for twin in [
        fresh(|new| new.subject = Some("ann".into())),
        fresh(|new| new.external_id = Some("ann".into())),
        fresh(|new| new.user_name = "ANN@example.org".into()),
    ] {
        assert!(!write(world, &twin).await, "{twin:?}");
    }
    assert!(write(world, &fresh(|_| ())).await);
}

async fn people_see_and_write_no_accounts(world: &World<dyn Tx>) {
    seeded(world).await;
    let one: Issuer = ONE.parse().unwrap();
    let ann = account(world, &one, "42");
    assert!(write(world, &ann).await);
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.account_of_subject(&one, "42").await.unwrap().is_none(), "{level}");
        let refused = tx.add_account(&account(world, &one, "43")).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
    }
}

crate::support::cases!(postgres_with_front:
    a_provider_is_put_read_replaced_and_removed,
    only_an_owner_configures_and_in_its_own_name,
    no_two_providers_share_an_issuer,
    a_secret_stays_until_issuer_or_client_change,
    nobody_but_the_log_in_reads_a_secret,
    a_log_in_is_used_once_and_only_by_its_browser,
    a_log_in_ends_with_its_time,
    nobody_but_a_worker_sees_log_ins,
    an_identity_is_issuer_and_subject_together,
    nothing_of_an_account_is_there_twice,
    people_see_and_write_no_accounts,
);

/// What memory can't know: whom a transaction has just made.
#[tokio::test]
async fn nobody_who_was_here_before_is_ever_linked() {
    let db = keepgate_store::testing::TestDb::new().await;
    let world = World::<dyn Tx>::postgres_with_front(&db).await;
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let mut new = account(&world, &ONE.parse().unwrap(), "42");
        new.principal = world.ids.principal(world.ids.tenant, level);
        let mut tx = world.begin(&world.worker()).await;
        assert!(
            matches!(tx.add_account(&new).await, Err(StoreError::Forbidden)),
            "{level}"
        );
    }
    let mut nobody = account(&world, &ONE.parse().unwrap(), "42");
    nobody.principal = PrincipalId::new(PrincipalKind::User, world.now);
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.add_account(&nobody).await.is_err());
    db.drop().await;
}
