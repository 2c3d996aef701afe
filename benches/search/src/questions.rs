//! What is asked. The values are those that `load.sql` writes.
use keepgate_audit::EntryQuery;
use keepgate_kernel::{Action, Entity, Outcome, PrincipalId, PrincipalKind, Timestamp};

fn actor(number: u32) -> Option<PrincipalId> {
    let uuid = format!("01900000-0000-7000-9000-{number:012}");
    Some(PrincipalId::from_parts(
        PrincipalKind::User,
        uuid.parse().expect("a UUID"),
    ))
}

fn entity(number: u64) -> Option<Entity> {
    Some(Entity::stored(format!("msg_{number:026x}")))
}

fn months_ago(months: u64) -> Option<Timestamp> {
    let now: std::time::SystemTime = std::time::SystemTime::now();
    Some(Timestamp::from(
        now - std::time::Duration::from_secs(months * 30 * 86_400),
    ))
}

/// Every filter alone, then together.
pub fn all() -> Vec<(&'static str, EntryQuery)> {
    let none = EntryQuery::default;
    let (often, seldom) = (Some(Action::MessageAccept), Some(Action::KeyDestroy));
    vec![
        ("no filter", none()),
        (
            "actor, every 7th entry",
            EntryQuery {
                actor: actor(0),
                ..none()
            },
        ),
        (
            "actor, 1 of 2,000",
            EntryQuery {
                actor: actor(900),
                ..none()
            },
        ),
        (
            "actor, 5 entries in all",
            EntryQuery {
                actor: actor(9_999_999),
                ..none()
            },
        ),
        (
            "actor who is in no entry",
            EntryQuery {
                actor: actor(8_888_888),
                ..none()
            },
        ),
        (
            "action, every 4th entry",
            EntryQuery {
                action: often,
                ..none()
            },
        ),
        (
            "action, 1 of 500,000",
            EntryQuery {
                action: seldom,
                ..none()
            },
        ),
        (
            "action that is in no entry",
            EntryQuery {
                action: Some(Action::HoldPlace),
                ..none()
            },
        ),
        (
            "entity",
            EntryQuery {
                entity: entity(7_777),
                ..none()
            },
        ),
        (
            "entity that is in no entry",
            EntryQuery {
                entity: entity(u64::MAX),
                ..none()
            },
        ),
        (
            "outcome done",
            EntryQuery {
                outcome: Some(Outcome::Done),
                ..none()
            },
        ),
        (
            "outcome refused, 1 of 100",
            EntryQuery {
                outcome: Some(Outcome::Refused),
                ..none()
            },
        ),
        (
            "outcome failed, 1 of 10,000",
            EntryQuery {
                outcome: Some(Outcome::Failed),
                ..none()
            },
        ),
        (
            "from, a month ago",
            EntryQuery {
                from: months_ago(1),
                ..none()
            },
        ),
        (
            "from and to, a month a year ago",
            EntryQuery {
                from: months_ago(13),
                to: months_ago(12),
                ..none()
            },
        ),
        (
            "q, in every 4th entry",
            EntryQuery {
                q: Some("accept".into()),
                ..none()
            },
        ),
        (
            "q, in 1 of 100",
            EntryQuery {
                q: Some("level-too".into()),
                ..none()
            },
        ),
        (
            "q, in no entry",
            EntryQuery {
                q: Some("nowhere".into()),
                ..none()
            },
        ),
        (
            "frequent actor, frequent action",
            EntryQuery {
                actor: actor(0),
                action: often,
                ..none()
            },
        ),
        (
            "frequent actor, rare action",
            EntryQuery {
                actor: actor(0),
                action: seldom,
                ..none()
            },
        ),
        (
            "rare actor, frequent action",
            EntryQuery {
                actor: actor(9_999_999),
                action: often,
                ..none()
            },
        ),
        (
            "frequent actor, failed",
            EntryQuery {
                actor: actor(0),
                outcome: Some(Outcome::Failed),
                ..none()
            },
        ),
        (
            "frequent actor, in no entry together with the entity",
            EntryQuery {
                actor: actor(0),
                entity: entity(7_777),
                ..none()
            },
        ),
        (
            "frequent action, refused",
            EntryQuery {
                action: often,
                outcome: Some(Outcome::Refused),
                ..none()
            },
        ),
        (
            "frequent actor, q in no entry",
            EntryQuery {
                actor: actor(0),
                q: Some("nowhere".into()),
                ..none()
            },
        ),
        (
            "frequent action, last month",
            EntryQuery {
                action: often,
                from: months_ago(1),
                ..none()
            },
        ),
        (
            "rare action, a month a year ago",
            EntryQuery {
                action: seldom,
                from: months_ago(13),
                to: months_ago(12),
                ..none()
            },
        ),
        (
            "q in no entry, a month a year ago",
            EntryQuery {
                q: Some("nowhere".into()),
                from: months_ago(13),
                to: months_ago(12),
                ..none()
            },
        ),
        (
            "everything at once",
            EntryQuery {
                actor: actor(0),
                action: often,
                outcome: Some(Outcome::Done),
                from: months_ago(13),
                to: months_ago(2),
                q: Some("msg_".into()),
                ..none()
            },
        ),
    ]
}
