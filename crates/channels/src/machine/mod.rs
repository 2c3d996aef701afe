//! The delivery state machine: one pure function, [`step`], and the words it speaks.
//!
//! A delivery goes through the steps of its route; on each it makes tries, of which at most one is live. What the adapters
//! store is [`Delivery`] and the state of each attempt; what they do is the [`Effect`]s of a [`Turn`]. The rules are tested
//! as properties in `tests.rs`, against a model of workers that die, leases that run out and answers that get lost; and
//! SPIN searches them whole (`tests/model/delivery.pml`), with what breaks when any one of them is left out.
mod backoff;
mod state;
mod step;
#[cfg(test)]
mod tests;
mod words;

pub use state::{Delivery, Effect, Event, Leg, Live, LiveState, Plan, Position, Reach};
pub use step::{Turn, step};
pub use words::{AttemptState, RefusalClass, Stage, Terminal};
