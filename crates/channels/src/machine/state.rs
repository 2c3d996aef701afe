//! A delivery, as the state machine sees it.
use keepgate_kernel::Timestamp;

use super::{AttemptState, RefusalClass, Stage, Terminal};

/// What a delivery follows: fixed when its message is accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The steps, at least one.
    pub legs: Vec<Leg>,
    /// Whether only an acknowledgement ends it well.
    pub require_ack: bool,
    /// When it ends at the latest.
    pub deadline: Timestamp,
    /// Spreads the retries of different deliveries: any number that differs between them.
    pub spread: u64,
}

/// A step, reduced to what decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leg {
    /// How long to wait after a try, in seconds.
    pub wait_seconds: u32,
    /// Tries for each target.
    pub attempts: u8,
    /// Contacts on the channel.
    pub targets: u8,
    /// Whether every target gets the message; otherwise the next one is asked only when this one can't be reached.
    pub fan_out: bool,
}

/// How far a delivery has come. The order is the order of time: it only grows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The step, counted from 0.
    pub step: u8,
    /// The target within the step, counted from 0.
    pub target: u8,
    /// Tries begun on this target.
    pub tries: u8,
}

/// What the live attempt can be while its delivery waits for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LiveState {
    /// The call may be under way.
    Intent,
    /// Taken.
    Accepted,
    /// Perhaps taken.
    Unknown,
    /// Delivered, not yet acknowledged.
    Delivered,
}

/// The attempt a delivery waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Live {
    /// How far it has come.
    pub state: LiveState,
    /// When the delivery stops waiting for it.
    pub ends: Timestamp,
    /// How often it was sent.
    pub sends: u16,
    /// Whether its provider recognises a repetition.
    pub idempotent: bool,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// A try may begin at `due`.
    Ready {
        /// Where.
        at: Position,
        /// When.
        due: Timestamp,
    },
    /// A try is under way; something has to be decided at `due`.
    Trying {
        /// Where.
        at: Position,
        /// The try.
        live: Live,
        /// When to look again.
        due: Timestamp,
    },
    /// Over.
    Ended(Terminal),
}

/// What a worker found when it looked where the next try would go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// There is somebody to ask.
    Open {
        /// Whether the provider recognises a repetition.
        idempotent: bool,
    },
    /// This target can't be used.
    NoTarget,
    /// Nothing of this step can be used.
    NoStep,
}

/// Something that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// Time passed. Never begins a try.
    Tick,
    /// The holder of the lease is ready to begin or repeat a try.
    Due(Reach),
    /// The provider took the live attempt, and will begin after `queue_seconds`.
    Taken {
        /// The provider's own queue.
        queue_seconds: u32,
    },
    /// The provider refused the live attempt.
    Refused {
        /// What may still help.
        class: RefusalClass,
        /// When the provider wants to be asked again.
        retry_after_seconds: Option<u32>,
    },
    /// How the call ended can't be known.
    Lost,
    /// The provider reported on an attempt whose own answer is known.
    Receipt {
        /// Whether it is the live one.
        live: bool,
        /// What it reported.
        stage: Stage,
        /// What may still help, for [`Stage::Undelivered`].
        class: RefusalClass,
    },
    /// The recipient acknowledged.
    Ack,
    /// The sender's side called it off.
    Cancel,
}

/// What has to be written or done for a turn, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// The live attempt is now this. Refused and undelivered ones are live no more.
    Settle(AttemptState),
    /// The live attempt is live no more: the delivery moved on.
    Supersede,
    /// Record a refused attempt here: nobody was asked, and why is known.
    Skip(Position),
    /// Write the intent, then ask the provider. `repeat`: the same attempt with the same key.
    Start {
        /// Whether it was sent before.
        repeat: bool,
    },
    /// The delivery ended.
    End(Terminal),
}

impl Position {
    /// Which try of its step this is, counted from 1.
    #[must_use]
    pub fn number(self, attempts: u8) -> u8 {
        self.target.saturating_mul(attempts).saturating_add(self.tries.max(1))
    }
}

impl Live {
    /// The same word as an [`AttemptState`].
    #[must_use]
    pub const fn attempt_state(self) -> AttemptState {
        match self.state {
            LiveState::Intent => AttemptState::Intent,
            LiveState::Accepted => AttemptState::Accepted,
            LiveState::Unknown => AttemptState::Unknown,
            LiveState::Delivered => AttemptState::Delivered,
        }
    }
}

impl LiveState {
    /// The live form of `state`, `None` for the two ends that free the delivery.
    #[must_use]
    pub const fn of(state: AttemptState) -> Option<Self> {
        match state {
            AttemptState::Intent => Some(Self::Intent),
            AttemptState::Accepted => Some(Self::Accepted),
            AttemptState::Unknown => Some(Self::Unknown),
            AttemptState::Delivered => Some(Self::Delivered),
            AttemptState::Refused | AttemptState::Undelivered => None,
        }
    }
}

impl Delivery {
    /// A delivery that has just been accepted: its first try may begin at once.
    #[must_use]
    pub const fn new(accepted_at: Timestamp) -> Self {
        Self::Ready {
            at: Position {
                step: 0,
                target: 0,
                tries: 0,
            },
            due: accepted_at,
        }
    }

    /// How it ended, if it has.
    #[must_use]
    pub const fn terminal(&self) -> Option<Terminal> {
        match self {
            Self::Ended(terminal) => Some(*terminal),
            _ => None,
        }
    }

    /// How far it has come, `None` once it has ended.
    #[must_use]
    pub const fn position(&self) -> Option<Position> {
        match self {
            Self::Ready { at, .. } | Self::Trying { at, .. } => Some(*at),
            Self::Ended(_) => None,
        }
    }

    /// When it has to be looked at, `None` once it has ended.
    #[must_use]
    pub const fn due(&self) -> Option<Timestamp> {
        match self {
            Self::Ready { due, .. } | Self::Trying { due, .. } => Some(*due),
            Self::Ended(_) => None,
        }
    }

    /// Whether [`Event::Due`] would begin or repeat a try at `now`.
    #[must_use]
    pub fn wants_start(&self, deadline: Timestamp, now: Timestamp) -> bool {
        let open = now < deadline;
        match self {
            Self::Ready { due, .. } => open && now >= *due,
            Self::Trying { live, due, .. } => {
                open && live.state == LiveState::Unknown && live.idempotent && now >= *due && now < live.ends
            }
            Self::Ended(_) => false,
        }
    }
}
