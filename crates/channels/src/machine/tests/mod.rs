//! The invariants, as properties over random histories: workers that die before or after the call, leases that run out,
//! answers that get lost, receipts that come twice, late, early or in another order.
use chrono::Duration;
use keepgate_kernel::Timestamp;
use proptest::prelude::*;

mod cases;

use super::*;

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A worker takes the delivery if it is due and nobody holds it, and runs one turn.
    Work(Reach),
    /// The call in flight ends as its worker sees it; a worker that has lost its lease is ignored.
    Answer(Answer),
    /// The worker with the call in flight is killed; `reached`: the provider got the request first.
    Kill {
        reached: bool,
    },
    /// The lease runs out although its owner lives.
    LoseLease,
    /// A receipt for the attempt with this number (modulo), if the provider ever took it.
    Receipt(usize, Stage, RefusalClass),
    /// Time passes.
    Wait(u32),
    Ack,
    Cancel,
}

#[derive(Debug, Clone, Copy)]
enum Answer {
    Taken(u32),
    Refused(RefusalClass),
    /// The provider took it; the answer was lost.
    LostTaken,
    /// It never arrived.
    LostUnsent,
}

struct Tried {
    at: Position,
    state: AttemptState,
    live: bool,
    idempotent: bool,
    sends: u32,
    /// What the provider holds under this attempt's key: how often it really accepted it.
    accepted: u32,
    parked: Vec<(Stage, RefusalClass)>,
}

/// The database, the provider and the clock of one delivery.
struct World {
    plan: Plan,
    delivery: Delivery,
    tried: Vec<Tried>,
    skipped: Vec<Position>,
    now: Timestamp,
    /// The call in flight: token, attempt. Its owner may have lost the lease.
    calls: Vec<(u32, usize)>,
    token: u32,
    leased: bool,
    acked: bool,
    furthest: Position,
}

impl World {
    fn new(plan: Plan, now: Timestamp) -> Self {
        let delivery = Delivery::new(now);
        Self {
            plan,
            delivery,
            tried: vec![],
            skipped: vec![],
            now,
            calls: vec![],
            token: 0,
            leased: false,
            acked: false,
            furthest: Position::default(),
        }
    }

    fn live(&mut self) -> Option<&mut Tried> {
        self.tried.iter_mut().find(|tried| tried.live)
    }

    fn turn(&mut self, event: Event) {
        let before = self.delivery;
        let turn = step(&self.plan, before, event, self.now);
        if before.terminal().is_some() {
            assert_eq!(
                (turn.delivery, turn.effects.len()),
                (before, 0),
                "an end absorbs every event"
            );
            return;
        }
        let idempotent = matches!(event, Event::Due(Reach::Open { idempotent: true }));
        for effect in &turn.effects {
            self.apply(*effect, turn.delivery, idempotent);
        }
        self.delivery = turn.delivery;
        self.check();
    }

    fn apply(&mut self, effect: Effect, after: Delivery, idempotent: bool) {
        match effect {
            Effect::Settle(state) => {
                let live = self.live().expect("only a live attempt is settled");
                live.state = state;
                live.live = LiveState::of(state).is_some();
            }
            Effect::Supersede => {
                let live = self.live().expect("only a live attempt is superseded");
                assert!(live.state != AttemptState::Intent, "a call may be under way");
                live.live = false;
            }
            Effect::Skip(at) => self.skipped.push(at),
            Effect::Start { repeat } => {
                assert!(!self.acked, "no intent after the acknowledgement");
                let at = after.position().expect("a try has a place");
                if repeat {
                    let token = self.token;
                    let index = self
                        .tried
                        .iter()
                        .position(|tried| tried.live)
                        .expect("what is repeated is live");
                    let live = &mut self.tried[index];
                    assert!(
                        live.idempotent,
                        "an unknown try of a provider that does not know our key is never sent again"
                    );
                    assert_eq!(
                        (live.state, live.at),
                        (AttemptState::Unknown, at),
                        "the same attempt, so the same key"
                    );
                    live.state = AttemptState::Intent;
                    live.sends += 1;
                    self.calls.push((token, index));
                } else {
                    assert!(self.live().is_none(), "at most one live attempt");
                    let taken = self.tried.iter().any(|tried| {
                        (tried.at.step, tried.at.target, tried.at.tries) == (at.step, at.target, at.tries)
                    });
                    assert!(!taken, "one attempt for each step, target and try");
                    self.tried.push(Tried {
                        at,
                        state: AttemptState::Intent,
                        live: true,
                        idempotent,
                        sends: 1,
                        accepted: 0,
                        parked: vec![],
                    });
                    self.calls.push((self.token, self.tried.len() - 1));
                }
            }
            Effect::End(terminal) => {
                if terminal == Terminal::Failed {
                    let last = self.plan.legs.len() - 1;
                    assert_eq!(usize::from(self.furthest.step), last, "failed only after the last step");
                }
                assert!(
                    terminal != Terminal::Delivered || !self.plan.require_ack,
                    "only an acknowledgement counts"
                );
            }
        }
    }

    fn check(&mut self) {
        let Some(at) = self.delivery.position() else { return };
        assert!(
            at >= self.furthest,
            "a delivery never goes back: {:?} after {at:?}",
            self.furthest
        );
        for step in 0..at.step {
            let reached = self.tried.iter().any(|tried| tried.at.step == step)
                || self.skipped.iter().any(|skip| skip.step == step);
            assert!(reached, "step {step} was passed without a try or a recorded reason");
        }
        self.furthest = at;
        let live = self.tried.iter().filter(|tried| tried.live).count();
        assert_eq!(
            live,
            usize::from(matches!(self.delivery, Delivery::Trying { .. })),
            "live attempts"
        );
    }

    /// What the adapters do once an attempt's own answer is known.
    fn unpark(&mut self, index: usize) {
        if self.tried[index].state != AttemptState::Intent {
            for (stage, class) in std::mem::take(&mut self.tried[index].parked) {
                self.receipt(index, stage, class);
            }
        }
    }

    fn receipt(&mut self, index: usize, stage: Stage, class: RefusalClass) {
        let tried = &mut self.tried[index];
        if tried.state == AttemptState::Intent {
            tried.parked.push((stage, class));
            return;
        }
        let (before, live) = (tried.state, tried.live);
        let Some(after) = before.after(stage) else { return };
        assert!(rank(after) > rank(before), "a receipt never moves an attempt back");
        if !live {
            tried.state = after;
        }
        self.turn(Event::Receipt { live, stage, class });
        if live && self.delivery.terminal().is_none() {
            assert_eq!(self.tried[index].state, after, "the machine and the lattice agree");
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Wait(seconds) => self.now += Duration::seconds(i64::from(seconds)),
            Act::Ack => {
                self.turn(Event::Ack);
                self.acked = true;
            }
            Act::Cancel => self.turn(Event::Cancel),
            Act::LoseLease => self.leased = false,
            Act::Work(reach) => self.work(reach),
            Act::Kill { reached } => {
                if let Some((token, index)) = self.calls.pop() {
                    self.provider(index, reached);
                    self.leased &= token != self.token;
                }
            }
            Act::Answer(answer) => {
                if let Some((token, index)) = self.calls.pop() {
                    self.answer(token, index, answer);
                }
            }
            Act::Receipt(which, stage, class) => {
                if let Some(index) = which.checked_rem(self.tried.len())
                    && self.tried[index].accepted > 0
                {
                    self.receipt(index, stage, class);
                }
            }
        }
    }

    fn work(&mut self, reach: Reach) {
        if self.leased || self.delivery.due().is_none_or(|due| due > self.now) {
            return;
        }
        self.token += 1;
        self.leased = true;
        let calls = self.calls.len();
        let lost = self
            .tried
            .iter()
            .position(|tried| tried.live && tried.state == AttemptState::Intent);
        self.turn(Event::Due(reach));
        self.leased = self.calls.len() > calls;
        if let Some(index) = lost {
            self.unpark(index);
        }
    }

    /// The provider counts acceptances; one that knows our key counts each key once.
    fn provider(&mut self, index: usize, reached: bool) {
        let tried = &mut self.tried[index];
        if reached && !(tried.idempotent && tried.accepted > 0) {
            tried.accepted += 1;
        }
        assert!(tried.accepted <= 1, "no second acceptance of one try");
        let at = tried.at;
        let reached = |other: &&Tried| other.accepted > 0 && other.state != AttemptState::Undelivered;
        let twice = self
            .tried
            .iter()
            .filter(|other| (other.at.step, other.at.target) == (at.step, at.target))
            .filter(reached)
            .count();
        assert!(
            twice <= 1,
            "nobody gets a message twice in one step, unless it was reported as not delivered"
        );
    }

    fn answer(&mut self, token: u32, index: usize, answer: Answer) {
        self.provider(index, matches!(answer, Answer::Taken(_) | Answer::LostTaken));
        if token != self.token || !self.leased {
            return; // the fence
        }
        self.leased = false;
        if self.delivery.terminal().is_some() {
            return;
        }
        self.turn(match answer {
            Answer::Taken(queue_seconds) => Event::Taken { queue_seconds },
            Answer::Refused(class) => Event::Refused {
                class,
                retry_after_seconds: None,
            },
            Answer::LostTaken | Answer::LostUnsent => Event::Lost,
        });
        self.unpark(index);
    }
}

fn rank(state: AttemptState) -> u8 {
    match state {
        AttemptState::Intent => 0,
        AttemptState::Unknown => 1,
        AttemptState::Accepted => 2,
        AttemptState::Refused | AttemptState::Delivered | AttemptState::Undelivered => 3,
    }
}

fn start() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

prop_compose! {
    fn plans()(legs in prop::collection::vec((0_u32..90, 1_u8..=3, 0_u8..=3, any::<bool>()), 1..=4), require_ack in any::<bool>(),
               deadline in 1_i64..600, spread in any::<u64>()) -> Plan {
        Plan {
            legs: legs.into_iter().map(|(wait_seconds, attempts, targets, fan_out)| Leg { wait_seconds, attempts, targets, fan_out }).collect(),
            require_ack,
            deadline: start() + Duration::seconds(deadline),
            spread,
        }
    }
}

fn reaches() -> impl Strategy<Value = Reach> {
    prop_oneof![
        6 => any::<bool>().prop_map(|idempotent| Reach::Open { idempotent }),
        1 => Just(Reach::NoTarget),
        1 => Just(Reach::NoStep),
    ]
}

fn acts() -> impl Strategy<Value = Act> {
    let class = || prop::sample::select(RefusalClass::ALL);
    prop_oneof![
        8 => reaches().prop_map(Act::Work),
        3 => (0_u32..30).prop_map(|queue| Act::Answer(Answer::Taken(queue))),
        3 => class().prop_map(|class| Act::Answer(Answer::Refused(class))),
        2 => prop::sample::select(vec![Answer::LostTaken, Answer::LostUnsent]).prop_map(Act::Answer),
        2 => any::<bool>().prop_map(|reached| Act::Kill { reached }),
        2 => Just(Act::LoseLease),
        5 => (any::<prop::sample::Index>(), prop::sample::select(Stage::ALL), class()).prop_map(|(i, stage, class)| Act::Receipt(i.index(64), stage, class)),
        6 => (0_u32..60).prop_map(Act::Wait),
        1 => prop::sample::select(vec![Act::Ack, Act::Cancel]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn every_history_keeps_the_invariants_and_ends_by_the_deadline(plan in plans(), history in prop::collection::vec(acts(), 0..80)) {
        let mut world = World::new(plan, start());
        for act in history {
            world.act(act);
        }
        for tried in &world.tried {
            prop_assert!(tried.sends <= 1 || tried.idempotent);
        }
        world.now = world.now.max(world.plan.deadline);
        world.leased = false;
        world.turn(Event::Tick);
        prop_assert!(world.delivery.terminal().is_some(), "past the deadline every delivery has ended");
    }

    #[test]
    fn a_delivery_that_is_worked_on_ends_without_luck(plan in plans(), answers in prop::collection::vec((reaches(), 0_u8..4), 1..40)) {
        let mut world = World::new(plan, start());
        let mut turns = 0;
        for (reach, answer) in answers.iter().cycle() {
            let Some(due) = world.delivery.due() else { break };
            world.now = world.now.max(due);
            world.act(Act::Work(*reach));
            world.act(Act::Answer([Answer::Taken(0), Answer::Refused(RefusalClass::Retry), Answer::LostTaken, Answer::LostUnsent][usize::from(*answer)]));
            turns += 1;
            prop_assert!(turns < 5_000, "every step's budget is finite");
        }
        prop_assert!(world.now <= world.plan.deadline, "and none needs more than the deadline");
    }

    #[test]
    fn receipts_in_any_order_and_number_settle_an_attempt_at_a_final_one(stages in prop::collection::vec(prop::sample::select(Stage::ALL), 1..12)) {
        let mut state = AttemptState::Unknown;
        for stage in &stages {
            if let Some(after) = state.after(*stage) {
                prop_assert!(rank(after) > rank(state));
                state = after;
            }
        }
        let last = stages.iter().find(|stage| matches!(stage, Stage::Delivered | Stage::Undelivered));
        let expected = match last {
            Some(Stage::Delivered) => AttemptState::Delivered,
            Some(_) => AttemptState::Undelivered,
            None => AttemptState::Accepted,
        };
        prop_assert_eq!(state, expected);
    }
}
