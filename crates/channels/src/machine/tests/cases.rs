//! Single rules, one case each.
use chrono::Duration;

use super::{super::*, start};

#[test]
fn an_unknown_try_is_repeated_only_where_its_key_is_known() {
    let now = start() + Duration::seconds(30);
    for idempotent in [true, false] {
        let live = Live {
            state: LiveState::Unknown,
            ends: start() + Duration::seconds(60),
            sends: 1,
            idempotent,
        };
        // Due, whatever made it so: a lease that ran out, a clock that was set.
        let unknown = Delivery::Trying {
            at: Position {
                step: 0,
                target: 0,
                tries: 1,
            },
            live,
            due: start(),
        };
        assert_eq!(unknown.wants_start(start() + Duration::hours(1), now), idempotent);
        let turn = step(
            &plan(true, 1, false),
            unknown,
            Event::Due(Reach::Open { idempotent }),
            now,
        );
        assert_eq!(turn.effects.contains(&Effect::Start { repeat: true }), idempotent);
    }
}

#[test]
fn no_receipt_moves_an_intent() {
    let plan = plan(false, 1, false);
    let begun = step(&plan, Delivery::new(start()), OPEN, start());
    for stage in Stage::ALL {
        assert_eq!(AttemptState::Intent.after(*stage), None);
        let receipt = Event::Receipt {
            live: true,
            stage: *stage,
            class: RefusalClass::Retry,
        };
        assert_eq!(
            step(&plan, begun.delivery, receipt, start()),
            Turn {
                delivery: begun.delivery,
                effects: vec![]
            },
            "{stage}"
        );
    }
}

fn plan(require_ack: bool, targets: u8, fan_out: bool) -> Plan {
    let leg = Leg {
        wait_seconds: 60,
        attempts: 2,
        targets,
        fan_out,
    };
    Plan {
        legs: vec![leg, leg],
        require_ack,
        deadline: start() + Duration::hours(1),
        spread: 7,
    }
}

const OPEN: Event = Event::Due(Reach::Open { idempotent: false });

#[test]
fn an_accepted_try_waits_its_time_and_the_provider_s_queue() {
    let plan = plan(true, 1, false);
    let begun = step(&plan, Delivery::new(start()), OPEN, start());
    let taken = step(&plan, begun.delivery, Event::Taken { queue_seconds: 30 }, start());
    assert_eq!(taken.delivery.due(), Some(start() + Duration::seconds(90)));
    let early = step(&plan, taken.delivery, Event::Tick, start() + Duration::seconds(89));
    assert_eq!(early.effects, []);
    let late = step(&plan, taken.delivery, Event::Tick, start() + Duration::seconds(90));
    assert_eq!(
        (late.delivery.position().unwrap().step, late.effects),
        (1, vec![Effect::Supersede])
    );
}

#[test]
fn a_retryable_refusal_is_tried_again_on_the_same_contact_then_on_the_next() {
    let plan = plan(true, 2, false);
    let refused = Event::Refused {
        class: RefusalClass::Retry,
        retry_after_seconds: None,
    };
    let mut delivery = Delivery::new(start());
    for expected in [(0, 0), (0, 1), (0, 1), (1, 0)] {
        let now = delivery.due().unwrap();
        let begun = step(&plan, delivery, OPEN, now);
        delivery = step(&plan, begun.delivery, refused, now).delivery;
        let at = delivery.position().unwrap();
        assert_eq!((at.step, at.target), expected);
    }
}

#[test]
fn a_refusal_that_concerns_the_contact_goes_to_the_next_contact_at_once() {
    let plan = plan(true, 2, false);
    let begun = step(&plan, Delivery::new(start()), OPEN, start());
    let refused = step(
        &plan,
        begun.delivery,
        Event::Refused {
            class: RefusalClass::Target,
            retry_after_seconds: None,
        },
        start(),
    );
    assert_eq!(
        refused.delivery,
        Delivery::Ready {
            at: Position {
                step: 0,
                target: 1,
                tries: 0
            },
            due: start()
        }
    );
}

#[test]
fn a_refused_repetition_stays_unknown_and_keeps_its_key() {
    let plan = plan(true, 1, false);
    let open = Event::Due(Reach::Open { idempotent: true });
    let begun = step(&plan, Delivery::new(start()), open, start());
    let lost = step(&plan, begun.delivery, Event::Lost, start());
    let again = step(&plan, lost.delivery, open, lost.delivery.due().unwrap());
    assert_eq!(again.effects, [Effect::Start { repeat: true }]);
    let refused = step(
        &plan,
        again.delivery,
        Event::Refused {
            class: RefusalClass::Retry,
            retry_after_seconds: None,
        },
        start(),
    );
    assert_eq!(refused.effects, [Effect::Settle(AttemptState::Unknown)]);
    assert!(matches!(
        refused.delivery,
        Delivery::Trying {
            at: Position { tries: 1, .. },
            ..
        }
    ));
}

#[test]
fn a_fanned_out_step_reaches_every_target_before_it_waits() {
    let plan = plan(true, 2, true);
    let begun = step(&plan, Delivery::new(start()), OPEN, start());
    let taken = step(&plan, begun.delivery, Event::Taken { queue_seconds: 0 }, start());
    let next = step(&plan, taken.delivery, Event::Tick, start());
    assert_eq!(
        next.delivery,
        Delivery::Ready {
            at: Position {
                step: 0,
                target: 1,
                tries: 0
            },
            due: start()
        }
    );
    let second = step(&plan, next.delivery, OPEN, start());
    let waiting = step(&plan, second.delivery, Event::Taken { queue_seconds: 0 }, start());
    assert_eq!(waiting.delivery.due(), Some(start() + Duration::seconds(60)));
}

#[test]
fn delivery_is_the_end_only_where_no_acknowledgement_is_required() {
    for require_ack in [true, false] {
        let plan = plan(require_ack, 1, false);
        let begun = step(&plan, Delivery::new(start()), OPEN, start());
        let taken = step(&plan, begun.delivery, Event::Taken { queue_seconds: 0 }, start());
        let receipt = Event::Receipt {
            live: true,
            stage: Stage::Delivered,
            class: RefusalClass::Step,
        };
        let done = step(&plan, taken.delivery, receipt, start());
        assert_eq!(done.delivery.terminal(), (!require_ack).then_some(Terminal::Delivered));
    }
}

#[test]
fn steps_without_anybody_are_passed_with_a_record_and_then_the_delivery_has_failed() {
    let plan = plan(true, 0, false);
    let first = step(&plan, Delivery::new(start()), Event::Due(Reach::NoStep), start());
    assert_eq!(first.effects, [Effect::Skip(Position::default())]);
    let second = step(&plan, first.delivery, Event::Due(Reach::NoStep), start());
    assert_eq!(
        second.effects,
        [
            Effect::Skip(Position {
                step: 1,
                target: 0,
                tries: 0
            }),
            Effect::End(Terminal::Failed)
        ]
    );
}
