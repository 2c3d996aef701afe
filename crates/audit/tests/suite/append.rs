//! What appending promises.
use keepgate_audit::{Leaf, LeafVersion, leaf::leaf_hash};
use keepgate_kernel::{Level, PrincipalId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, actor, admin, append, append_with, done, number, refused, sealed, with_key};

pub async fn the_receipt_is_the_entry_s(world: &World<dyn Tx>) {
    let (context, entry) = (admin(world), done(world.now, "msg_1"));
    let receipt = append(world, &context, &entry).await;
    number(world).await;
    let stored = world.begin(&admin(world)).await.entry(0).await.unwrap().unwrap();
    assert_eq!(receipt.entry, entry.id);
    assert_eq!(stored.leaf.id, entry.id);
    assert_eq!(stored.leaf.recorded_at, receipt.recorded_at);
    assert_eq!(stored.leaf_hash, receipt.leaf_hash);
    assert_eq!(leaf_hash(&stored.bytes), receipt.leaf_hash);
    assert_eq!(stored.leaf.request, context.request());
}

pub async fn an_entry_belongs_to_the_context_s_tenant(world: &World<dyn Tx>) {
    append(world, &admin(world), &done(world.now, "mine")).await;
    append(world, &world.stranger(Level::TenantAdmin), &done(world.now, "theirs")).await;
    number(world).await;
    for (context, entity) in [(admin(world), "mine"), (world.stranger(Level::TenantAdmin), "theirs")] {
        let mut tx = world.begin(&context).await;
        let entry = tx.entry(0).await.unwrap().unwrap();
        assert_eq!(
            (entry.leaf.tenant, entry.leaf.entity.as_str()),
            (context.tenant(), entity)
        );
        assert_eq!(tx.entry(1).await.unwrap(), None);
    }
}

pub async fn a_person_can_t_write_in_another_s_name(world: &World<dyn Tx>) {
    let mut entry = done(world.now, "msg_1");
    entry.actor = Some(actor(world, Level::TenantOwner));
    append(world, &world.caller(Level::Operator), &entry).await;
    number(world).await;
    let stored = world.begin(&admin(world)).await.entry(0).await.unwrap().unwrap();
    assert_eq!(stored.leaf.actor, actor(world, Level::Operator));
}

pub async fn a_worker_names_whom_it_acts_for_or_itself(world: &World<dyn Tx>) {
    let someone = actor(world, Level::Operator);
    for (named, expected) in [(Some(someone), someone), (None, PrincipalId::system(world.ids.tenant))] {
        let mut entry = done(world.now, "msg_1");
        entry.actor = named;
        append(world, &world.worker(), &entry).await;
        number(world).await;
        let mut tx = world.begin(&admin(world)).await;
        let last = tx.log_info().await.unwrap().unwrap().size - 1;
        assert_eq!(tx.entry(last).await.unwrap().unwrap().leaf.actor, expected);
    }
}

pub async fn an_entry_whose_transaction_is_dropped_never_was(world: &World<dyn Tx>) {
    let mut tx = world.begin(&admin(world)).await;
    tx.append(&done(world.now, "never")).await.unwrap();
    drop(tx);
    append(world, &admin(world), &done(world.now, "kept")).await;
    number(world).await;
    let page = world
        .begin(&admin(world))
        .await
        .entries(&Default::default())
        .await
        .unwrap();
    assert_eq!(
        page.items
            .iter()
            .map(|entry| entry.leaf.entity.as_str())
            .collect::<Vec<_>>(),
        ["kept"]
    );
}

pub async fn a_refusal_needs_a_reason_that_is_a_stable_word(world: &World<dyn Tx>) {
    let mut missing = refused(world.now, "msg_1", "x");
    missing.reason = None;
    let mut bad = vec![missing];
    bad.extend(
        ["", "Has Capitals", "under_score", "né", &"x".repeat(81)].map(|reason| refused(world.now, "msg_1", reason)),
    );
    bad.extend(["", "a\0b", &"é".repeat(201)].map(|entity| done(world.now, entity)));
    for entry in bad {
        let mut tx = world.begin(&admin(world)).await;
        assert!(
            matches!(tx.append(&entry).await, Err(StoreError::Forbidden)),
            "{entry:?}"
        );
    }
    append(
        world,
        &admin(world),
        &refused(world.now, &"é".repeat(200), &"x".repeat(80)),
    )
    .await;
}

/// Everything RFC 8785 escapes, and what one might think it does.
const ODD: &[&str] = &[
    "\"",
    "\\",
    "/",
    "\\u0041",
    "\u{8}\u{c}\n\r\t",
    "\u{1}\u{b}\u{e}\u{1f}",
    "\u{7f}\u{80}\u{9f}",
    "\u{2028}\u{2029}",
    "\u{feff}",
    "é",
    "e\u{301}",
    "ﬀ",
    "😀",
    "\u{10ffff}",
    "<script>",
    "'; drop table audit.entry; --",
    "{\"v\":2}",
    " ",
    "\u{202e}",
    "ÿĀ",
];

pub async fn the_store_writes_the_leaf_byte_for_byte_as_rust_does(world: &World<dyn Tx>) {
    let source = |ip: &str| Some(ip.parse().unwrap());
    let sources = [
        None,
        source("192.0.2.7"),
        source("2001:db8::1"),
        source("::ffff:192.0.2.7"),
        source("::"),
    ];
    let long = "😀".repeat(200);
    let times = [
        None,
        Some("2000-01-01T00:00:00Z"),
        Some("2026-03-04T05:06:07.000008Z"),
        Some("2099-12-31T23:59:59.999999Z"),
    ];
    for (n, entity) in ODD.iter().copied().chain([long.as_str()]).enumerate() {
        let told = times[n % times.len()].map(|text| text.parse().unwrap());
        let context = world
            .caller(Level::Operator)
            .from_source(sources[n % sources.len()])
            .told(told);
        match with_key(&context) {
            Some((_, source)) => append_with(world, &context, &done(world.now, entity), &source).await,
            None => drop(append(world, &context, &done(world.now, entity)).await),
        }
    }
    append(world, &admin(world), &refused(world.now, "msg_1", "level-too-low")).await;
    number(world).await;
    let page = world
        .begin(&admin(world))
        .await
        .entries(&Default::default())
        .await
        .unwrap();
    assert_eq!(page.items.len(), ODD.len() + 2);
    for (entry, entity) in page.items.iter().zip(ODD) {
        assert_eq!(&entry.leaf.entity, entity);
    }
    for entry in &page.items {
        assert_eq!(entry.leaf.to_bytes(), entry.bytes);
        assert_eq!(Leaf::parse(&entry.bytes).as_ref(), Ok(&entry.leaf));
    }
    assert!(page.items[3].leaf.source_c().is_some() && page.items[3].leaf.occurred_at.is_some());
    assert!(page.items.iter().all(|entry| entry.leaf.version == LeafVersion::V2));
}

pub async fn a_time_out_of_range_is_refused(world: &World<dyn Tx>) {
    for told in ["1999-12-31T23:59:59.999999Z", "2100-01-01T00:00:00Z"] {
        let context = admin(world).told(Some(told.parse().unwrap()));
        let mut tx = world.begin(&context).await;
        assert!(
            matches!(tx.append(&done(world.now, "x")).await, Err(StoreError::Forbidden)),
            "{told}"
        );
    }
}

pub async fn the_source_address_is_in_the_leaf_as_a_commitment_only(world: &World<dyn Tx>) {
    let context = admin(world).from_source(Some("192.0.2.7".parse().unwrap()));
    let (opening, first) = with_key(&context).unwrap();
    append_with(world, &context, &done(world.now, "msg_1"), &first).await;
    // The second goes under the key that the first has brought along.
    let (_, mut second) = sealed(&context).unwrap();
    second.key = first.key;
    append_with(world, &context, &done(world.now, "msg_2"), &second).await;
    append(world, &context, &done(world.now, "msg_3")).await;
    number(world).await;
    let mut tx = world.begin(&admin(world)).await;
    let mut entries = tx.entries(&Default::default()).await.unwrap().items;
    let [one, two, three] = &mut entries[..] else { panic!() };
    assert_eq!(one.leaf.source_c(), Some(opening.commitment("source")));
    assert_ne!(one.leaf.source_c(), two.leaf.source_c(), "the salt is fresh");
    assert!(!String::from_utf8_lossy(&one.bytes).contains("192.0.2.7"));
    assert_eq!((three.leaf.source_c(), &three.sealed), (None, &None));
    for (entry, source) in [(&*one, &first), (&*two, &second)] {
        let stored = entry.sealed.as_ref().unwrap();
        assert_eq!((&stored.sealed, stored.key.id), (&source.sealed, first.key));
        assert_eq!(stored.key.subject, context.principal().id.uuid());
        assert_eq!(Some(&stored.key.wrapped), first.fresh.as_ref().map(|key| &key.wrapped));
    }
    assert!(two.reveal(opening.clone()).is_err(), "another entry's opening");
    one.reveal(opening.clone()).unwrap();
    assert_eq!(one.source, Some(opening));
}

pub async fn an_opening_under_no_key_or_another_s_is_dropped_and_the_commitment_stays(world: &World<dyn Tx>) {
    let from = |level| world.caller(level).from_source(Some("192.0.2.7".parse().unwrap()));
    let (_, keyless) = sealed(&admin(world).from_source(Some("192.0.2.7".parse().unwrap()))).unwrap();
    append_with(world, &from(Level::Operator), &done(world.now, "none"), &keyless).await;
    let (_, theirs) = with_key(&from(Level::TenantOwner)).unwrap();
    append_with(world, &from(Level::TenantOwner), &done(world.now, "theirs"), &theirs).await;
    let (_, mut mine) = sealed(&from(Level::Operator)).unwrap();
    mine.key = theirs.key;
    append_with(world, &from(Level::Operator), &done(world.now, "borrowed"), &mine).await;
    number(world).await;
    let mut tx = world.begin(&admin(world)).await;
    for entry in tx.entries(&Default::default()).await.unwrap().items {
        assert!(entry.leaf.source_c().is_some());
        assert_eq!(
            entry.sealed.is_some(),
            entry.leaf.entity == "theirs",
            "{}",
            entry.leaf.entity
        );
    }
}
