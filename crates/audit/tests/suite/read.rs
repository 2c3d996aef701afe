//! What reading promises.
use keepgate_audit::{EntryQuery, MAX_LIMIT, Page};
use keepgate_kernel::{Action, Entity, Level, Outcome};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, actor, admin, append, done, fill, number, refused};

async fn page(world: &World<dyn Tx>, query: EntryQuery) -> Page {
    world.begin(&admin(world)).await.entries(&query).await.unwrap()
}

fn indices(page: &Page) -> Vec<u64> {
    page.items.iter().map(|entry| entry.index).collect()
}

pub async fn entries_are_numbered_without_gaps_and_read_in_order(world: &World<dyn Tx>) {
    for n in 0..7 {
        append(world, &admin(world), &done(world.now, &format!("msg_{n}"))).await;
        if n % 3 == 0 {
            number(world).await;
        }
    }
    number(world).await;
    let all = page(world, EntryQuery::default()).await;
    assert_eq!(indices(&all), [0, 1, 2, 3, 4, 5, 6]);
    let entities: Vec<_> = all.items.iter().map(|entry| entry.leaf.entity.as_str()).collect();
    assert_eq!(
        entities,
        ["msg_0", "msg_1", "msg_2", "msg_3", "msg_4", "msg_5", "msg_6"],
        "the order of their commits"
    );
    assert_eq!(all.next, None);
}

pub async fn pages_lead_from_one_to_the_next_and_a_full_page_never_changes(world: &World<dyn Tx>) {
    fill(world, &admin(world), 7).await;
    let of = |start| EntryQuery {
        start,
        limit: 3,
        ..EntryQuery::default()
    };
    let first = page(world, of(0)).await;
    assert_eq!((indices(&first), first.next), (vec![0, 1, 2], Some(3)));
    let last = page(world, of(6)).await;
    assert_eq!((indices(&last), last.next), (vec![6], None));
    fill(world, &admin(world), 5).await;
    assert_eq!(page(world, of(0)).await, first);
    assert_eq!(page(world, of(3)).await.next, Some(6));
    assert_eq!(indices(&page(world, of(6)).await), [6, 7, 8]);
    let bounded = page(world, EntryQuery { end: Some(7), ..of(6) }).await;
    assert_eq!(
        (indices(&bounded), bounded.next),
        (vec![6], None),
        "an export ends where it was authorised to"
    );
    assert_eq!(indices(&page(world, of(u64::MAX)).await), Vec::<u64>::new());
}

pub async fn every_condition_narrows(world: &World<dyn Tx>) {
    let operator = world.caller(Level::Operator);
    append(world, &operator, &done(world.now, "msg_aa")).await;
    append(world, &admin(world), &refused(world.now, "msg_ab", "level-too-low")).await;
    let mut other = done(world.now, "route:a%b_c\\");
    other.action = Action::RoutePut;
    append(world, &admin(world), &other).await;
    number(world).await;
    let all = page(world, EntryQuery::default()).await;
    let with = |change: fn(&mut EntryQuery)| {
        let mut query = EntryQuery::default();
        change(&mut query);
        page(world, query)
    };
    assert_eq!(indices(&with(|q| q.action = Some(Action::RoutePut)).await), [2]);
    assert_eq!(
        indices(&with(|q| q.entity = Some(Entity::stored("msg_aa".into()))).await),
        [0]
    );
    assert_eq!(indices(&with(|q| q.outcome = Some(Outcome::Refused)).await), [1]);
    for (text, found) in [
        ("msg", vec![0, 1]),
        ("too-low", vec![1]),
        ("put", vec![2]),
        ("a%b_c\\", vec![2]),
        ("%", vec![2]),
        ("_a", vec![0, 1]),
        ("MSG", vec![]),
        ("' or true --", vec![]),
    ] {
        assert_eq!(
            indices(
                &page(
                    world,
                    EntryQuery {
                        q: Some(text.into()),
                        ..EntryQuery::default()
                    }
                )
                .await
            ),
            found,
            "{text}"
        );
    }
    let by = |level| EntryQuery {
        actor: Some(actor(world, level)),
        ..EntryQuery::default()
    };
    assert_eq!(indices(&page(world, by(Level::Operator)).await), [0]);
    assert_eq!(indices(&page(world, by(Level::TenantOwner)).await), Vec::<u64>::new());
    let at = all.items[1].leaf.recorded_at;
    let times = |keep: fn(keepgate_kernel::Timestamp, keepgate_kernel::Timestamp) -> bool| -> Vec<u64> {
        all.items
            .iter()
            .filter(|entry| keep(entry.leaf.recorded_at, at))
            .map(|entry| entry.index)
            .collect()
    };
    assert_eq!(
        indices(
            &page(
                world,
                EntryQuery {
                    from: Some(at),
                    ..EntryQuery::default()
                }
            )
            .await
        ),
        times(|t, at| t >= at)
    );
    assert_eq!(
        indices(
            &page(
                world,
                EntryQuery {
                    to: Some(at),
                    ..EntryQuery::default()
                }
            )
            .await
        ),
        times(|t, at| t < at)
    );
}

pub async fn a_query_that_can_t_be_asked_is_refused(world: &World<dyn Tx>) {
    let bad = [
        EntryQuery {
            limit: 0,
            ..EntryQuery::default()
        },
        EntryQuery {
            limit: MAX_LIMIT + 1,
            ..EntryQuery::default()
        },
        EntryQuery {
            q: Some("a\0".into()),
            ..EntryQuery::default()
        },
        EntryQuery {
            q: Some(String::new()),
            ..EntryQuery::default()
        },
        EntryQuery {
            entity: Some(Entity::stored("x".repeat(201))),
            ..EntryQuery::default()
        },
    ];
    for query in bad {
        let answer = world.begin(&admin(world)).await.entries(&query).await;
        assert!(matches!(answer, Err(StoreError::Forbidden)), "{query:?}");
    }
}

async fn sees_nothing(world: &World<dyn Tx>, context: &OpContext) {
    let mut tx = world.begin(context).await;
    assert_eq!(tx.log_info().await.unwrap(), None, "{context:?}");
    assert_eq!(
        tx.entries(&EntryQuery::default()).await.unwrap(),
        Page {
            items: vec![],
            next: None
        }
    );
    assert_eq!(tx.entry(0).await.unwrap(), None);
    assert_eq!(tx.checkpoint(None).await.unwrap(), None);
    assert_eq!(tx.checkpoint(Some(1)).await.unwrap(), None);
    for path in ["tile/0/000.p/1", "tile/entries/000.p/1"] {
        assert_eq!(tx.tile(&path.parse().unwrap()).await.unwrap(), None);
    }
}

pub async fn only_levels_4_5_and_7_see_a_log_and_only_their_tenant_s(world: &World<dyn Tx>) {
    append(world, &admin(world), &done(world.now, "msg_1")).await;
    number(world).await;
    for level in [
        Level::FieldAgent,
        Level::Operator,
        Level::Supervisor,
        Level::PlatformOperator,
        Level::GlobalAdmin,
    ] {
        sees_nothing(world, &world.caller(level)).await;
    }
    sees_nothing(world, &world.stranger(Level::TenantOwner)).await;
    sees_nothing(world, &world.worker()).await;
    append(
        world,
        &world.caller(Level::PlatformOperator),
        &done(world.now, "platform"),
    )
    .await;
    number(world).await;
    sees_nothing(world, &world.caller(Level::PlatformOperator)).await;
    for (level, entity) in [
        (Level::TenantAdmin, "msg_1"),
        (Level::TenantOwner, "msg_1"),
        (Level::GlobalAdmin, "platform"),
    ] {
        let entry = world.begin(&world.caller(level)).await.entry(0).await.unwrap().unwrap();
        assert_eq!(entry.leaf.entity, entity);
    }
}

pub async fn what_has_no_index_yet_is_not_shown(world: &World<dyn Tx>) {
    append(world, &admin(world), &done(world.now, "msg_1")).await;
    sees_nothing(world, &admin(world)).await;
    number(world).await;
    append(world, &admin(world), &done(world.now, "msg_2")).await;
    assert_eq!(indices(&page(world, EntryQuery::default()).await), [0]);
}
