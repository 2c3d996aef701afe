//! What appending promises.
use keepgate_audit::{Leaf, leaf::leaf_hash};
use keepgate_kernel::{Level, PrincipalId};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, actor, admin, append, done, number, refused};

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
    for (n, entity) in ODD.iter().copied().chain([long.as_str()]).enumerate() {
        let context = world.caller(Level::Operator).from_source(sources[n % sources.len()]);
        append(world, &context, &done(world.now, entity)).await;
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
    assert_eq!(
        page.items[3].source.as_ref().unwrap().value,
        "192.0.2.7",
        "an IPv4 address inside an IPv6 one"
    );
}

pub async fn the_source_address_is_in_the_leaf_as_a_commitment_only(world: &World<dyn Tx>) {
    let from = |ip: &str| admin(world).from_source(Some(ip.parse().unwrap()));
    append(world, &from("192.0.2.7"), &done(world.now, "msg_1")).await;
    append(world, &from("192.0.2.7"), &done(world.now, "msg_2")).await;
    append(world, &admin(world), &done(world.now, "msg_3")).await;
    number(world).await;
    let page = world
        .begin(&admin(world))
        .await
        .entries(&Default::default())
        .await
        .unwrap();
    let [first, second, third] = &page.items[..] else {
        panic!()
    };
    let opening = first.source.as_ref().unwrap();
    assert_eq!(opening.value, "192.0.2.7");
    assert_eq!(Some(opening.commitment("source")), first.leaf.source_c);
    assert_ne!(first.leaf.source_c, second.leaf.source_c, "the salt is fresh");
    assert!(!String::from_utf8_lossy(&first.bytes).contains("192.0.2.7"));
    assert_eq!((third.leaf.source_c, &third.source), (None, &None));
}
