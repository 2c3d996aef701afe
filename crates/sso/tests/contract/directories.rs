//! Accounts and groups as a directory keeps them.
use crate::support::{Tx, account, done, seeded};
use keepgate_kernel::{Level, RequestId, Uuid};
use keepgate_sso::{
    Issuer, NewAccount,
    scim::{DirectoryGroup, Filter, FilterOn, GroupDraft},
};
use keepgate_store::{StoreError, testing::World};

fn one() -> Issuer {
    "https://one.example".parse().unwrap()
}

async fn person(world: &World<dyn Tx>, issuer: &Issuer, name: &str) -> NewAccount {
    let new = account(world, issuer, name);
    let mut tx = world.begin(&world.worker()).await;
    tx.newborn(new.principal).await.unwrap();
    assert!(tx.add_account(&new).await.unwrap());
    done(tx).await;
    new
}

fn group(world: &World<dyn Tx>, name: &str, members: &[&NewAccount]) -> DirectoryGroup {
    DirectoryGroup {
        id: RequestId::new(world.now).uuid(),
        issuer: one(),
        draft: GroupDraft {
            display_name: name.into(),
            external_id: None,
            members: members.iter().map(|member| member.principal).collect(),
        },
        created_at: world.now,
        updated_at: world.now,
    }
}

async fn put(world: &World<dyn Tx>, group: &DirectoryGroup) -> Result<bool, StoreError> {
    let mut tx = world.begin(&world.worker()).await;
    let put = tx.put_group(group).await?;
    if put {
        done(tx).await;
    }
    Ok(put)
}

async fn an_account_changes_and_goes(world: &World<dyn Tx>) {
    let (mut ann, bob) = (person(world, &one(), "ann").await, person(world, &one(), "bob").await);
    (ann.user_name, ann.provisioned) = ("ann.new@example.org".into(), true);
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.change_account(&ann).await.unwrap());
    assert_eq!(tx.account(&one(), ann.principal).await.unwrap().unwrap().of, ann);
    let twin = NewAccount {
        user_name: "BOB@example.org".into(),
        ..ann.clone()
    };
    assert!(!tx.change_account(&twin).await.unwrap(), "somebody has that name");
    let foreign = NewAccount {
        issuer: "https://two.example".parse().unwrap(),
        ..ann.clone()
    };
    assert!(!tx.change_account(&foreign).await.unwrap());
    assert!(tx.remove_account(&one(), bob.principal).await.unwrap());
    assert!(!tx.remove_account(&one(), bob.principal).await.unwrap());
}

async fn accounts_are_found_and_paged(world: &World<dyn Tx>) {
    let mut all = Vec::new();
    for name in ["ann", "bob", "cyd"] {
        all.push(person(world, &one(), name).await);
    }
    person(world, &"https://two.example".parse().unwrap(), "ann").await;
    all.sort_by_key(|account| account.principal.uuid());
    let mut tx = world.begin(&world.worker()).await;
    let (total, page) = tx.accounts(&one(), None, 1, 1).await.unwrap();
    assert_eq!((total, page.len(), page[0].of.principal), (3, 1, all[1].principal));
    for (on, value, found) in [
        (FilterOn::UserName, "ANN@example.org", 1),
        (FilterOn::ExternalId, "bob", 1),
        (FilterOn::Id, &all[2].principal.to_string(), 1),
        (FilterOn::Id, "nonsense", 0),
        (FilterOn::ExternalId, "BOB", 0),
        (FilterOn::DisplayName, "ann", 0),
    ] {
        let value = value.to_owned();
        let (total, _) = tx.accounts(&one(), Some(&Filter { on, value }), 0, 10).await.unwrap();
        assert_eq!(total, found, "{on:?}");
    }
}

async fn a_group_is_put_read_and_removed_and_knows_its_members(world: &World<dyn Tx>) {
    let (ann, bob) = (person(world, &one(), "ann").await, person(world, &one(), "bob").await);
    let mut staff = group(world, "staff", &[&ann, &bob]);
    assert!(put(world, &staff).await.unwrap());
    staff.draft.members.remove(&ann.principal);
    assert!(put(world, &staff).await.unwrap());
    assert!(put(world, &group(world, "it", &[&bob])).await.unwrap());
    let mut tx = world.begin(&world.worker()).await;
    assert_eq!(tx.group(&one(), staff.id).await.unwrap().unwrap().draft, staff.draft);
    assert!(
        tx.group(&"https://two.example".parse().unwrap(), staff.id)
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(tx.groups(&one()).await.unwrap().len(), 2);
    let names = |groups: Vec<(Uuid, String)>| groups.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(names(tx.groups_of(bob.principal).await.unwrap()), ["it", "staff"]);
    assert!(tx.groups_of(ann.principal).await.unwrap().is_empty());
    assert!(tx.delete_group(&one(), staff.id).await.unwrap());
    assert!(!tx.delete_group(&one(), staff.id).await.unwrap());
    assert_eq!(names(tx.groups_of(bob.principal).await.unwrap()), ["it"]);
    assert!(tx.remove_account(&one(), bob.principal).await.unwrap());
    assert!(
        tx.groups_of(bob.principal).await.unwrap().is_empty(),
        "memberships go with the account"
    );
}

async fn a_group_has_a_name_of_its_own_and_members_of_its_directory(world: &World<dyn Tx>) {
    let stranger = person(world, &"https://two.example".parse().unwrap(), "eve").await;
    assert!(put(world, &group(world, "staff", &[])).await.unwrap());
    assert!(!put(world, &group(world, "staff", &[])).await.unwrap());
    let refused = put(world, &group(world, "it", &[&stranger])).await;
    assert!(matches!(refused, Err(StoreError::Forbidden)));
}

async fn people_see_and_write_no_groups(world: &World<dyn Tx>) {
    seeded(world).await;
    let staff = group(world, "staff", &[]);
    assert!(put(world, &staff).await.unwrap());
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.groups(&one()).await.unwrap().is_empty(), "{level}");
        let refused = tx.put_group(&group(world, "it", &[])).await;
        assert!(matches!(refused, Err(StoreError::Forbidden)), "{level}");
    }
}

async fn whom_an_issuer_knows_is_told_to_owners_alone(world: &World<dyn Tx>) {
    seeded(world).await;
    let new = person(world, &one(), "ann").await;
    let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
    assert_eq!(tx.people_of(&new.issuer).await.unwrap(), [new.principal]);
    let other = "https://other.example".parse().unwrap();
    assert!(tx.people_of(&other).await.unwrap().is_empty());
    let others = Level::ALL.into_iter().filter(|level| *level != Level::TenantOwner);
    let strangers = others
        .map(|level| world.caller(level))
        .chain([world.stranger(Level::TenantOwner)]);
    for caller in strangers {
        let mut tx = world.begin(&caller).await;
        assert!(
            tx.people_of(&new.issuer).await.unwrap().is_empty(),
            "{:?}",
            caller.principal()
        );
    }
}

crate::support::cases!(postgres:
    an_account_changes_and_goes,
    accounts_are_found_and_paged,
    a_group_is_put_read_and_removed_and_knows_its_members,
    a_group_has_a_name_of_its_own_and_members_of_its_directory,
    people_see_and_write_no_groups,
    whom_an_issuer_knows_is_told_to_owners_alone,
);
