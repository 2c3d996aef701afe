//! Turns of the state machine, written down. Shared by the workers' commands.
use keepgate_kernel::{AttemptId, Timestamp};
use keepgate_store::StoreError;

use crate::{
    machine::{AttemptState, Delivery, Effect, Event, LiveState, RefusalClass, Stage, Terminal, Turn, step},
    ports::{Attempts, Keep, Outbox},
    types::{Attempt, Callback, Held, Reason},
};

/// Where a delivery stands after a worker's command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How it ended, if it has.
    pub ended: Option<Terminal>,
    /// Something is due at once and the lease was kept: run the next command now.
    pub more: bool,
    /// When it is due, if it has not ended.
    pub due: Option<Timestamp>,
}

/// What is known beside the event itself.
#[derive(Debug, Default)]
pub(super) struct Facts {
    /// Why the attempt is refused, unknown or undelivered.
    pub reason: Option<Reason>,
    /// What the provider calls it.
    pub provider_ref: Option<String>,
    /// The attempt to add for a skip or a start.
    pub fresh: Option<Attempt>,
}

/// Writes down what a turn does to attempts, and takes the delivery's new state over. [`finish`] saves the delivery.
pub(super) async fn take<Tx: Attempts + ?Sized>(
    tx: &mut Tx,
    held: &mut Held,
    turn: Turn,
    facts: Facts,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Facts {
        reason,
        provider_ref,
        mut fresh,
    } = facts;
    held.delivery = turn.delivery;
    held.begun |= !turn.effects.is_empty();
    for effect in turn.effects {
        match effect {
            Effect::Settle(state) => {
                if let Some(open) = held.open.as_mut() {
                    settle(open, state, reason.clone(), provider_ref.clone(), now);
                    adopt(open, held.delivery);
                    tx.save_attempt(open).await?;
                }
                held.open = held.open.take().filter(|open| open.live);
            }
            Effect::Supersede => {
                if let Some(mut open) = held.open.take() {
                    open.live = false;
                    tx.save_attempt(&open).await?;
                }
            }
            Effect::Skip(_) => {
                if let Some(attempt) = fresh.take() {
                    tx.add_attempt(&attempt).await?;
                }
            }
            Effect::Start { repeat: true } => {
                if let (Some(open), Some(attempt)) = (held.open.as_mut(), fresh.take()) {
                    *open = attempt;
                    adopt(open, held.delivery);
                    tx.save_attempt(open).await?;
                }
            }
            Effect::Start { repeat: false } => {
                if let Some(mut attempt) = fresh.take() {
                    adopt(&mut attempt, held.delivery);
                    tx.add_attempt(&attempt).await?;
                    held.open = Some(attempt);
                }
            }
            Effect::End(_) => {}
        }
    }
    Ok(())
}

/// The attempt as the machine sees it.
fn adopt(attempt: &mut Attempt, delivery: Delivery) {
    if let Delivery::Trying { live, .. } = delivery {
        (attempt.ends, attempt.sends) = (live.ends, live.sends);
    }
}

/// An attempt's new state, and what is known about it.
pub(super) fn settle(
    attempt: &mut Attempt,
    state: AttemptState,
    reason: Option<Reason>,
    provider_ref: Option<String>,
    now: Timestamp,
) {
    attempt.state = state;
    attempt.live &= LiveState::of(state).is_some();
    attempt.settled_at = Some(now);
    attempt.provider_ref = provider_ref.or(attempt.provider_ref.take());
    // What was unknown and turns out well needs no excuse any more.
    attempt.reason = reason.or_else(|| {
        if state == AttemptState::Refused {
            Some(Reason::new("refused"))
        } else {
            None
        }
    });
}

/// Applies a receipt to any attempt of the delivery.
pub(super) async fn receive<Tx: Attempts + ?Sized>(
    tx: &mut Tx,
    held: &mut Held,
    callback: &Callback,
    provider_ref: Option<String>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(stage) = callback.stage else { return Ok(()) };
    let open = held.open.clone().filter(|open| open.id == callback.attempt);
    let attempt = match open {
        Some(open) => Some(open),
        None => tx.attempt(callback.attempt).await?,
    };
    let Some(mut attempt) = attempt else { return Ok(()) };
    let Some(after) = attempt.state.after(stage) else {
        return Ok(());
    };
    let live = attempt.live && held.delivery.terminal().is_none();
    let turn = step(
        &held.plan(),
        held.delivery,
        Event::Receipt {
            live,
            stage,
            class: callback.class,
        },
        now,
    );
    let reason = if stage == Stage::Undelivered {
        callback.reason.clone()
    } else {
        None
    };
    if !live {
        settle(&mut attempt, after, reason.clone(), provider_ref.clone(), now);
        tx.save_attempt(&attempt).await?;
        held.open = held.open.take().filter(|open| open.id != attempt.id);
    }
    take(
        tx,
        held,
        turn,
        Facts {
            reason,
            provider_ref,
            fresh: None,
        },
        now,
    )
    .await
}

/// Applies what was parked for an attempt whose own answer is now known.
pub(super) async fn receive_parked<Tx: Attempts + ?Sized>(
    tx: &mut Tx,
    held: &mut Held,
    attempt: AttemptId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for callback in tx.unpark_callbacks(attempt).await? {
        receive(tx, held, &callback, None, now).await?;
    }
    Ok(())
}

/// Lets time pass: timers that ran out, a call that nobody answers for any more, the deadline.
pub(super) async fn tick<Tx: Attempts + ?Sized>(
    tx: &mut Tx,
    held: &mut Held,
    now: Timestamp,
) -> Result<(), StoreError> {
    let calling = held
        .open
        .as_ref()
        .filter(|open| open.state == AttemptState::Intent)
        .map(|open| open.id);
    if held.delivery.terminal().is_some() {
        // It ended while the call was under way, and its worker never came back.
        if let Some(mut open) = held.open.take() {
            settle(
                &mut open,
                AttemptState::Unknown,
                Some(Reason::new(Reason::LEASE_LOST)),
                None,
                now,
            );
            tx.save_attempt(&open).await?;
        }
    } else {
        let turn = step(&held.plan(), held.delivery, Event::Tick, now);
        let reason = calling.map(|_| Reason::new(Reason::LEASE_LOST));
        take(
            tx,
            held,
            turn,
            Facts {
                reason,
                ..Facts::default()
            },
            now,
        )
        .await?;
    }
    match calling {
        Some(attempt) => receive_parked(tx, held, attempt, now).await,
        None => Ok(()),
    }
}

/// Saves the delivery. The lease is kept when something is due at once.
pub(super) async fn finish<Tx: Outbox + ?Sized>(
    tx: &mut Tx,
    held: &Held,
    now: Timestamp,
) -> Result<Progress, StoreError> {
    let due = held.delivery.due();
    let more = due.is_some_and(|due| due <= now) && held.lease.is_some_and(|lease| lease.until > now);
    tx.save(held, if more { Keep::Lease } else { Keep::Nothing }, now)
        .await?;
    Ok(Progress {
        ended: held.delivery.terminal(),
        more,
        due,
    })
}

/// Saves the delivery, if it changed, for somebody without a lease: a worker that has one keeps it, and its call goes on.
pub(super) async fn finish_beside<Tx: Outbox + ?Sized>(
    tx: &mut Tx,
    held: &Held,
    before: Delivery,
    now: Timestamp,
) -> Result<Progress, StoreError> {
    if held.delivery != before {
        let leased = held.lease.is_some_and(|lease| lease.until > now);
        tx.save(held, if leased { Keep::Lease } else { Keep::Nothing }, now)
            .await?;
    }
    Ok(Progress {
        ended: held.delivery.terminal(),
        more: false,
        due: held.delivery.due(),
    })
}

/// How a receipt that is not worth a class of its own is treated.
pub(super) const NO_CLASS: RefusalClass = RefusalClass::Target;
