//! The transition function.
use chrono::Duration;
use keepgate_kernel::Timestamp;

use super::{
    AttemptState, Delivery, Effect, Event, Leg, Live, LiveState, Plan, Position, Reach, RefusalClass, Stage, Terminal,
    backoff::backoff,
};

/// What an event leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Where the delivery stands now.
    pub delivery: Delivery,
    /// What has to be written or done, in order. Empty: the event said nothing new.
    pub effects: Vec<Effect>,
}

/// Applies `event` at `now`. Total: an event that does not fit the state changes nothing.
///
/// An end absorbs everything. An acknowledgement or a cancellation ends anything. Only [`Event::Due`] begins a try. A try
/// whose outcome is unknown is repeated only where the provider recognises the key, and otherwise waits for a receipt or for
/// the step's time to run out.
#[must_use]
pub fn step(plan: &Plan, delivery: Delivery, event: Event, now: Timestamp) -> Turn {
    let turn = Turn {
        delivery,
        effects: Vec::new(),
    };
    match (delivery, event) {
        (Delivery::Ended(_), _) => turn,
        (_, Event::Ack) => turn.end(Terminal::Acknowledged),
        (_, Event::Cancel) => turn.end(Terminal::Cancelled),
        (
            _,
            Event::Receipt {
                stage: Stage::Delivered,
                ..
            },
        ) if !plan.require_ack => deliver(turn, event),
        (_, Event::Tick | Event::Due(_)) if now >= plan.deadline => expire(turn),
        (Delivery::Ready { at, due }, Event::Due(reach)) if now >= due => begin(plan, turn, at, reach, now),
        (Delivery::Ready { .. }, _) => turn,
        (Delivery::Trying { at, live, due }, event) => Try {
            plan,
            at,
            live,
            due,
            now,
        }
        .on(event, turn),
    }
}

/// Delivered, and nobody has to say so. A receipt for an intent is not acted upon: it waits for the call's own answer.
fn deliver(turn: Turn, event: Event) -> Turn {
    match (turn.delivery, event) {
        (Delivery::Trying { live, .. }, Event::Receipt { live: true, .. }) if live.state != LiveState::Intent => {
            turn.settle(AttemptState::Delivered).end(Terminal::Delivered)
        }
        (_, Event::Receipt { live: true, .. }) => turn,
        _ => turn.end(Terminal::Delivered),
    }
}

fn expire(turn: Turn) -> Turn {
    let lost = matches!(turn.delivery, Delivery::Trying { live, .. } if live.state == LiveState::Intent);
    if lost { turn.settle(AttemptState::Unknown) } else { turn }.end(Terminal::Expired)
}

fn begin(plan: &Plan, turn: Turn, at: Position, reach: Reach, now: Timestamp) -> Turn {
    match reach {
        Reach::Open { idempotent } => {
            let at = Position {
                tries: at.tries.saturating_add(1),
                ..at
            };
            let wait = plan.leg(at).map_or(0, |leg| leg.wait_seconds);
            let live = Live {
                state: LiveState::Intent,
                ends: now + seconds(wait),
                sends: 1,
                idempotent,
            };
            Turn {
                delivery: Delivery::Trying { at, live, due: now },
                ..turn
            }
            .with(Effect::Start { repeat: false })
        }
        Reach::NoTarget => turn.with(Effect::Skip(at)).go(plan, plan.after_target(at), now),
        Reach::NoStep => turn.with(Effect::Skip(at)).go(plan, plan.after_step(at), now),
    }
}

/// A try under way, and what can become of it.
struct Try<'a> {
    plan: &'a Plan,
    at: Position,
    live: Live,
    due: Timestamp,
    now: Timestamp,
}

impl Try<'_> {
    fn on(self, event: Event, turn: Turn) -> Turn {
        match (self.live.state, event) {
            (LiveState::Intent, Event::Lost | Event::Tick | Event::Due(_)) => {
                let turn = turn.settle(AttemptState::Unknown);
                self.unknown(None, turn)
            }
            (LiveState::Intent, Event::Taken { queue_seconds }) => self.taken(queue_seconds, turn),
            (
                LiveState::Intent,
                Event::Refused {
                    class,
                    retry_after_seconds,
                },
            ) if self.live.sends <= 1 => self.free(class, retry_after_seconds, turn.settle(AttemptState::Refused)),
            // It was sent before, and that may have been taken: a refusal of the repetition proves nothing.
            (
                LiveState::Intent,
                Event::Refused {
                    class,
                    retry_after_seconds,
                },
            ) => {
                let turn = turn.settle(AttemptState::Unknown);
                if class == RefusalClass::Retry {
                    self.unknown(retry_after_seconds, turn)
                } else {
                    self.leave(turn)
                }
            }
            (
                LiveState::Unknown | LiveState::Accepted,
                Event::Receipt {
                    live: true,
                    stage,
                    class,
                },
            ) => self.receipt(stage, class, turn),
            (LiveState::Intent, _) | (_, Event::Receipt { .. }) => turn,
            (_, Event::Tick | Event::Due(_)) if self.now >= self.live.ends => self.leave(turn),
            (_, Event::Tick | Event::Due(_)) if self.passes_on() => self.leave(turn),
            (LiveState::Unknown, Event::Due(reach)) if self.now >= self.due && self.live.idempotent => {
                self.repeat(reach, turn)
            }
            _ => turn,
        }
    }

    fn repeat(self, reach: Reach, turn: Turn) -> Turn {
        let Reach::Open { .. } = reach else {
            return self.wait(self.live.ends, turn);
        };
        let live = Live {
            state: LiveState::Intent,
            sends: self.live.sends.saturating_add(1),
            ..self.live
        };
        Turn {
            delivery: Delivery::Trying {
                at: self.at,
                live,
                due: self.now,
            },
            ..turn
        }
        .with(Effect::Start { repeat: true })
    }

    fn taken(mut self, queue_seconds: u32, turn: Turn) -> Turn {
        self.live.state = LiveState::Accepted;
        self.live.ends += seconds(queue_seconds);
        let due = if self.passes_on() { self.now } else { self.live.ends };
        self.wait(due, turn.settle(AttemptState::Accepted))
    }

    /// The provider refused or gave up: what may be tried next begins now, or after a pause.
    fn free(self, class: RefusalClass, retry_after_seconds: Option<u32>, turn: Turn) -> Turn {
        let again = self.plan.leg(self.at).is_some_and(|leg| self.at.tries < leg.attempts);
        match class {
            RefusalClass::Retry if again => {
                let due = self.now + backoff(self.plan.spread, u16::from(self.at.tries), retry_after_seconds);
                Turn {
                    delivery: Delivery::Ready {
                        at: self.at,
                        due: due.min(self.plan.deadline),
                    },
                    ..turn
                }
            }
            RefusalClass::Retry | RefusalClass::Target => turn.go(self.plan, self.plan.after_target(self.at), self.now),
            RefusalClass::Step => turn.go(self.plan, self.plan.after_step(self.at), self.now),
        }
    }

    fn unknown(mut self, retry_after_seconds: Option<u32>, turn: Turn) -> Turn {
        self.live.state = LiveState::Unknown;
        let due = if self.passes_on() {
            self.now
        } else if self.live.idempotent {
            (self.now + backoff(self.plan.spread, self.live.sends, retry_after_seconds)).min(self.live.ends)
        } else {
            self.live.ends
        };
        self.wait(due, turn)
    }

    fn receipt(mut self, stage: Stage, class: RefusalClass, turn: Turn) -> Turn {
        match stage {
            Stage::Undelivered => self.free(class, None, turn.settle(AttemptState::Undelivered)),
            Stage::Delivered => {
                self.live.state = LiveState::Delivered;
                let due = if self.passes_on() { self.now } else { self.live.ends };
                self.wait(due, turn.settle(AttemptState::Delivered))
            }
            Stage::Queued | Stage::Sent if self.live.state == LiveState::Unknown => self.taken(0, turn),
            Stage::Queued | Stage::Sent => turn,
        }
    }

    /// A delivery that goes to every target does not wait before the last.
    fn passes_on(&self) -> bool {
        self.plan
            .leg(self.at)
            .is_some_and(|leg| leg.fan_out && self.at.target.saturating_add(1) < leg.targets)
    }

    fn leave(self, turn: Turn) -> Turn {
        let next = if self.passes_on() {
            self.plan.after_target(self.at)
        } else {
            self.plan.after_step(self.at)
        };
        turn.with(Effect::Supersede).go(self.plan, next, self.now)
    }

    fn wait(&self, due: Timestamp, turn: Turn) -> Turn {
        Turn {
            delivery: Delivery::Trying {
                at: self.at,
                live: self.live,
                due: due.min(self.plan.deadline),
            },
            ..turn
        }
    }
}

impl Plan {
    /// The leg at a position, `None` beyond the last.
    #[must_use]
    pub fn leg(&self, at: Position) -> Option<Leg> {
        self.legs.get(usize::from(at.step)).copied()
    }

    fn after_target(&self, at: Position) -> Option<Position> {
        let target = at.target.saturating_add(1);
        if self.leg(at).is_some_and(|leg| target < leg.targets) {
            Some(Position {
                step: at.step,
                target,
                tries: 0,
            })
        } else {
            self.after_step(at)
        }
    }

    fn after_step(&self, at: Position) -> Option<Position> {
        let next = Position {
            step: at.step.saturating_add(1),
            target: 0,
            tries: 0,
        };
        self.leg(next).map(|_| next)
    }
}

impl Turn {
    fn with(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }

    fn settle(self, state: AttemptState) -> Self {
        self.with(Effect::Settle(state))
    }

    fn end(mut self, terminal: Terminal) -> Self {
        self.delivery = Delivery::Ended(terminal);
        self.with(Effect::End(terminal))
    }

    /// On to `next`, or to the end if there is none.
    fn go(self, plan: &Plan, next: Option<Position>, now: Timestamp) -> Self {
        match next {
            Some(at) => Self {
                delivery: Delivery::Ready {
                    at,
                    due: now.min(plan.deadline),
                },
                ..self
            },
            None => self.end(Terminal::Failed),
        }
    }
}

fn seconds(n: u32) -> Duration {
    Duration::seconds(i64::from(n))
}
