//! Searching by index. PostgreSQL only: memory reads everything.
use keepgate_audit::{EntryQuery, Page};
use keepgate_kernel::{Action, Entity, Level, Outcome, Timestamp};
use keepgate_store::testing::{TestDb, World};

use crate::support::{Tx, actor, admin, commit, done, number, refused};

/// All pages of a search, whatever each looked at.
async fn all(world: &World<dyn Tx>, query: &EntryQuery) -> Vec<u64> {
    let (mut found, mut start) = (Vec::new(), Some(0));
    while let Some(from) = start {
        let query = EntryQuery {
            start: from,
            ..query.clone()
        };
        let page: Page = world.begin(&admin(world)).await.entries(&query).await.unwrap();
        found.extend(page.items.iter().map(|entry| entry.index));
        assert!(page.next.is_none_or(|next| next > from), "each page gets on");
        start = page.next;
    }
    found
}

/// 12,500 entries, so that pages end for all their reasons, and every search beside the same one done by hand.
#[tokio::test]
async fn a_search_finds_what_reading_everything_finds() {
    let db = TestDb::new().await;
    let world = World::<dyn Tx>::postgres(&db).await;
    for part in 0..25 {
        let caller = world.caller(if part % 5 == 0 {
            Level::Operator
        } else {
            Level::TenantAdmin
        });
        let mut tx = world.begin(&caller).await;
        for n in (0..500).map(|n| part * 500 + n) {
            let entity = format!("thing:{}", n % 700);
            let mut entry = if n % 50 == 7 {
                refused(world.now, &entity, "level-too-low")
            } else {
                done(world.now, &entity)
            };
            if n % 1_000 == 999 {
                entry.action = Action::KeyDestroy;
            }
            tx.append(&entry).await.unwrap();
        }
        commit(tx).await.unwrap();
    }
    number(&world).await;
    let mut everything = Vec::new();
    for start in (0..12_500).step_by(500) {
        let query = EntryQuery {
            start,
            limit: 500,
            ..EntryQuery::default()
        };
        everything.extend(world.begin(&admin(&world)).await.entries(&query).await.unwrap().items);
    }
    assert_eq!(everything.len(), 12_500);
    let at: Timestamp = everything[7_000].leaf.recorded_at;
    let none = || EntryQuery {
        limit: 100,
        ..EntryQuery::default()
    };
    let operator = Some(actor(&world, Level::Operator));
    let thing = |n: u32| Some(Entity::stored(format!("thing:{n}")));
    for query in [
        EntryQuery {
            actor: operator,
            ..none()
        },
        EntryQuery {
            action: Some(Action::KeyDestroy),
            ..none()
        },
        EntryQuery {
            action: Some(Action::MessageAccept),
            outcome: Some(Outcome::Refused),
            ..none()
        },
        EntryQuery {
            outcome: Some(Outcome::Failed),
            ..none()
        },
        EntryQuery {
            outcome: Some(Outcome::Done),
            action: Some(Action::KeyDestroy),
            actor: operator,
            ..none()
        },
        EntryQuery {
            entity: thing(3),
            ..none()
        },
        EntryQuery {
            entity: thing(3),
            actor: operator,
            outcome: Some(Outcome::Done),
            ..none()
        },
        EntryQuery {
            q: Some("destroy".into()),
            ..none()
        },
        EntryQuery {
            q: Some("nowhere".into()),
            ..none()
        },
        EntryQuery {
            q: Some("too-low".into()),
            from: Some(at),
            ..none()
        },
        EntryQuery {
            actor: operator,
            to: Some(at),
            ..none()
        },
        EntryQuery {
            from: Some(at),
            action: Some(Action::KeyDestroy),
            ..none()
        },
        EntryQuery {
            from: Some(at),
            to: Some(at),
            ..none()
        },
    ] {
        let expected: Vec<u64> = everything
            .iter()
            .filter(|entry| {
                let leaf = &entry.leaf;
                let texts = [
                    leaf.action.as_str(),
                    leaf.entity.as_str(),
                    leaf.reason.as_deref().unwrap_or(""),
                ];
                query.actor.is_none_or(|actor| leaf.actor == actor)
                    && query.action.is_none_or(|action| leaf.action == action.as_str())
                    && query
                        .entity
                        .as_ref()
                        .is_none_or(|entity| leaf.entity == entity.as_str())
                    && query.outcome.is_none_or(|outcome| leaf.outcome == outcome)
                    && query.from.is_none_or(|from| leaf.recorded_at >= from)
                    && query.to.is_none_or(|to| leaf.recorded_at < to)
                    && query
                        .q
                        .as_ref()
                        .is_none_or(|q| texts.iter().any(|text| text.contains(q.as_str())))
            })
            .map(|entry| entry.index)
            .collect();
        assert_eq!(all(&world, &query).await, expected, "{query:?}");
    }
    db.drop().await;
}
