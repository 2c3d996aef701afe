//! Every answer, in every state.
use keepgate_kernel::{AuditId, Outcome, PrincipalId, RequestId, SinkId, TenantId};

use super::*;
use crate::{
    Leaf, LeafVersion, TimeQuality,
    sink::{HttpsAuth, Progress, SinkConfig, SinkFormat, Target},
};

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn entry(index: u64) -> Entry {
    let tenant = TenantId::new(at());
    let leaf = Leaf {
        version: LeafVersion::V2,
        commitments: std::collections::BTreeMap::new(),
        occurred_at: None,
        action: "message.accept".into(),
        actor: PrincipalId::system(tenant),
        entity: "x".into(),
        id: AuditId::new(at()),
        outcome: Outcome::Done,
        reason: None,
        recorded_at: at(),
        request: RequestId::new(at()),
        tenant,
        time_quality: TimeQuality::Unattested,
    };
    let bytes = leaf.to_bytes();
    Entry {
        index,
        leaf_hash: crate::leaf::leaf_hash(&bytes),
        bytes,
        leaf,
        source: None,
        sealed: None,
        erased: None,
    }
}

fn claim(count: u64, failures: u32, state: SinkState, rejected: u32) -> Claim {
    let target = Target::Https {
        url: "https://siem.example/".into(),
        auth: HttpsAuth::Bearer,
        ca_pem: None,
    };
    let config = SinkConfig {
        name: "siem".into(),
        format: SinkFormat::Jsonl,
        target,
        batch_size: 500,
        max_delay_seconds: 0,
    };
    let progress = Progress {
        next_index: 10,
        state,
        reason: None,
        failures,
        rejected,
        next_at: at(),
        delivered_at: None,
        dead_letters: 0,
    };
    let sink = Sink {
        id: SinkId::new(at()),
        config,
        paused: false,
        created_at: at(),
        progress,
    };
    Claim {
        sink,
        secret: None,
        token: 1,
        origin: "gate.example/audit/x".into(),
        dead: false,
        first: 10,
        entries: (10..10 + count).map(entry).collect(),
    }
}

fn later(after: Option<u32>) -> Sent {
    Sent::Later {
        reason: "http-503".into(),
        retry_after: after,
    }
}

#[test]
fn what_was_taken_moves_the_place_behind_its_last_record() {
    let done = decide(&claim(3, 0, SinkState::Active, 0), Sent::Accepted, at(), 0.5);
    assert_eq!((done.settled, done.turned), (Settled::Taken { past: 13 }, None));
    let back = decide(&claim(3, 9, SinkState::Failing, 0), Sent::Accepted, at(), 0.5);
    assert_eq!(back.turned, Some(SinkState::Active), "it recovered");
}

#[test]
fn a_refused_batch_is_halved_until_one_record_is_left() {
    let refused = || Sent::Rejected("http-400".into());
    let mut count = 500;
    let mut halvings = 0;
    while let Settled::Narrower { end } = decide(&claim(count, 0, SinkState::Active, 0), refused(), at(), 0.5).settled {
        assert!(end > 10 && end < 10 + count);
        count = end - 10;
        halvings += 1;
    }
    assert_eq!((count, halvings), (1, 8));
    let dead = decide(&claim(1, 0, SinkState::Active, 9), refused(), at(), 0.5);
    assert_eq!(
        dead.settled,
        Settled::Dead {
            reason: "http-400".into()
        }
    );
}

#[test]
fn a_receiver_that_refuses_everything_is_at_fault_itself() {
    let stuck = decide(
        &claim(1, 0, SinkState::Active, 10),
        Sent::Rejected("http-400".into()),
        at(),
        0.5,
    );
    assert!(matches!(stuck.settled, Settled::Again { .. }), "{stuck:?}");
    assert_eq!(stuck.turned, Some(SinkState::Failing));
}

#[test]
fn a_short_absence_is_not_told_a_wrong_token_is() {
    for (failures, told) in [
        (0, None),
        (1, None),
        (2, Some(SinkState::Failing)),
        (7, Some(SinkState::Failing)),
    ] {
        assert_eq!(
            decide(&claim(1, failures, SinkState::Active, 0), later(None), at(), 0.5).turned,
            told
        );
    }
    let broken = || Sent::Broken("http-401".into());
    assert_eq!(
        decide(&claim(1, 0, SinkState::Active, 0), broken(), at(), 0.5).turned,
        Some(SinkState::Failing)
    );
    assert_eq!(
        decide(&claim(1, 5, SinkState::Failing, 0), broken(), at(), 0.5).turned,
        None,
        "told once"
    );
}

#[test]
fn pauses_grow_to_five_minutes_and_obey_the_receiver() {
    let wait =
        |failures, after, chance| match decide(&claim(1, failures, SinkState::Active, 0), later(after), at(), chance)
            .settled
        {
            Settled::Again { at: next, .. } => (next - at()).num_milliseconds(),
            other => panic!("{other:?}"),
        };
    assert_eq!((wait(0, None, 0.0), wait(0, None, 1.0)), (500, 1_000));
    assert_eq!((wait(3, None, 0.0), wait(3, None, 1.0)), (4_000, 8_000));
    assert_eq!((wait(40, None, 0.0), wait(40, None, 1.0)), (150_000, 300_000));
    assert_eq!(wait(0, Some(60), 0.5), 60_000);
    assert_eq!(wait(0, Some(u32::MAX), 0.5), 3_600_000, "an hour at most");
}

#[test]
fn a_dead_letter_that_is_refused_again_stays_one() {
    let again = Claim {
        dead: true,
        ..claim(1, 0, SinkState::Active, 10)
    };
    let refused = decide(&again, Sent::Rejected("http-422".into()), at(), 0.5);
    assert_eq!(
        refused.settled,
        Settled::Dead {
            reason: "http-422".into()
        }
    );
}
