//! No sequence of grants, changes and removals, by anybody, in any order, raises the highest level there is.
//!
//! The world: three people, each at home on the platform or at one of two customers, a service that acts with an API key, and the
//! directories whose groups an owner has mapped.
//! Its states are the nodes of a graph, and every step that the policy's own functions permit is an edge. What can be reached
//! from a state is computed to a fixpoint over the whole graph, not sampled.
#![cfg(test)]

mod support;

use std::collections::BTreeMap;

use keepgate_kernel::Level;
use keepgate_policy::{Granting, MappedLevel, Reaching, Target, authorize, grant, map, permissions as p, reach};
use support::{Actor, How, person, presents, tenant};

const PLATFORM: u128 = 1;
const CUSTOMERS: [u128; 2] = [2, 3];
/// Place of the service among the actors.
const SERVICE: usize = 3;

/// Where somebody lives, and what it holds there: 0 for nothing.
type Seat = (u128, u8);
type World = [Seat; 4];

fn seats() -> Vec<Seat> {
    let customers = CUSTOMERS
        .into_iter()
        .flat_map(|home| (0..=5).map(move |level| (home, level)));
    [0, 6, 7]
        .into_iter()
        .map(|level| (PLATFORM, level))
        .chain(customers)
        .collect()
}

fn worlds() -> Vec<World> {
    let mut all = Vec::new();
    for a in seats() {
        for b in seats() {
            for c in seats() {
                all.extend((0..=5).map(|key| [a, b, c, (CUSTOMERS[0], key)]));
            }
        }
    }
    all
}

fn give<P: Granting>(actor: &Actor, target: Target, new: Level) -> bool {
    authorize::<P>(&actor.context()).is_ok_and(|proof| grant(&proof, target, new).is_ok())
}

fn take<P: Reaching>(actor: &Actor, target: Target) -> bool {
    authorize::<P>(&actor.context()).is_ok_and(|proof| reach(&proof, target).is_ok())
}

/// Whether the policy lets `actor` make `new` of the target, 0 meaning that it loses what it has.
fn permits(actor: &Actor, target: Target, new: u8) -> bool {
    match Level::try_from(new) {
        Ok(new) => {
            give::<p::UserCreate>(actor, target, new)
                || give::<p::UserUpdate>(actor, target, new)
                || give::<p::ApiKeyIssue>(actor, target, new)
                || give::<p::ServiceCreate>(actor, target, new)
                || give::<p::ServiceUpdate>(actor, target, new)
        }
        Err(_) => {
            take::<p::UserUpdate>(actor, target)
                || take::<p::UserDelete>(actor, target)
                || take::<p::ServiceDelete>(actor, target)
        }
    }
}

/// What a directory, whose groups an owner of `home` has mapped, can make of somebody there who holds `present`.
fn mapped(home: u128, oneself: bool, present: u8) -> Vec<u8> {
    let worker = Actor {
        who: 0,
        home,
        level: Level::GlobalAdmin,
        how: How::Worker,
        hat: None,
    };
    let proof = authorize::<p::ScimProvision>(&worker.context()).unwrap();
    let target = Target {
        principal: person(if oneself { 100 } else { 200 }),
        tenant: tenant(home),
        present: Level::try_from(present).ok(),
    };
    let gives = |new: &u8| match Level::try_from(*new).map(MappedLevel::try_from) {
        Err(_) => map(&proof, target, None, person(100)).is_ok(),
        Ok(Ok(level)) => map(&proof, target, Some(level), person(100)).is_ok(),
        Ok(Err(_)) => false,
    };
    (0..=7).filter(gives).collect()
}

/// What each seat can do to each other: the policy asked once for every question there is.
struct Steps(BTreeMap<(Seat, bool, bool, Seat), Vec<u8>>);

impl Steps {
    fn new() -> Self {
        let mut steps = BTreeMap::new();
        for (home, level) in seats() {
            let Ok(own) = Level::try_from(level) else { continue };
            for how in [How::Fresh, How::Key] {
                let actor = Actor {
                    who: 100,
                    home,
                    level: own,
                    how,
                    hat: None,
                };
                for oneself in [false, true] {
                    for (where_to, present) in seats() {
                        let target = Target {
                            principal: person(if oneself { 100 } else { 200 }),
                            tenant: tenant(where_to),
                            present: presents().flatten().find(|level| level.number() == present),
                        };
                        let mut may: Vec<u8> = (0..=7).filter(|new| permits(&actor, target, *new)).collect();
                        if how == How::Fresh && own == Level::TenantOwner && where_to == home {
                            may.extend(mapped(home, oneself, present));
                        }
                        steps.insert(((home, level), how == How::Key, oneself, (where_to, present)), may);
                    }
                }
            }
        }
        Self(steps)
    }

    /// The worlds one step away.
    fn from(&self, world: &World) -> Vec<World> {
        let mut next = Vec::new();
        for (by, actor) in world.iter().enumerate().filter(|(_, seat)| seat.1 > 0) {
            for (on, target) in world.iter().enumerate() {
                for new in &self.0[&(*actor, by == SERVICE, by == on, *target)] {
                    let mut then = *world;
                    then[on].1 = *new;
                    next.push(then);
                }
            }
        }
        next
    }
}

fn highest(world: &World, home: impl Fn(u128) -> bool) -> u8 {
    world
        .iter()
        .filter(|seat| home(seat.0))
        .map(|seat| seat.1)
        .max()
        .unwrap_or(0)
}

/// The highest level that any sequence of steps leads to, from every world.
fn reachable(worlds: &[World], steps: &Steps) -> BTreeMap<World, u8> {
    let mut best: BTreeMap<World, u8> = worlds.iter().map(|world| (*world, highest(world, |_| true))).collect();
    loop {
        let mut changed = false;
        for world in worlds {
            let further = steps
                .from(world)
                .iter()
                .filter_map(|next| best.get(next).copied())
                .max();
            let known = best[world];
            if further > Some(known) {
                best.insert(*world, further.unwrap_or(known));
                changed = true;
            }
        }
        if !changed {
            return best;
        }
    }
}

#[test]
fn no_sequence_of_steps_raises_the_highest_level() {
    let (worlds, steps) = (worlds(), Steps::new());
    assert_eq!(worlds.len(), 15 * 15 * 15 * 6);
    for (world, best) in reachable(&worlds, &steps) {
        assert_eq!(best, highest(&world, |_| true), "{world:?}");
    }
}

#[test]
fn no_step_leads_into_a_world_that_cannot_be_and_some_lead_somewhere() {
    let (worlds, steps) = (worlds(), Steps::new());
    let known: std::collections::BTreeSet<World> = worlds.iter().copied().collect();
    let mut taken = 0;
    for world in &worlds {
        for next in steps.from(world) {
            assert!(
                known.contains(&next),
                "{world:?} to {next:?}: a level of the other plane"
            );
            taken += usize::from(next != *world);
        }
    }
    assert!(taken > 60_000, "{taken}");
}

#[test]
fn within_a_customer_nothing_rises_but_by_a_global_admin_and_then_to_owner() {
    let (worlds, steps) = (worlds(), Steps::new());
    for world in &worlds {
        let global = highest(world, |home| home == PLATFORM) == 7;
        for next in steps.from(world) {
            for home in CUSTOMERS {
                let (before, after) = (highest(world, |at| at == home), highest(&next, |at| at == home));
                assert!(after <= before || (global && after == 5), "{world:?} to {next:?}");
            }
            let on_the_platform = |world: &World| highest(world, |home| home == PLATFORM);
            assert!(
                on_the_platform(&next) <= on_the_platform(world),
                "{world:?} to {next:?}"
            );
        }
    }
}

#[test]
fn an_api_key_is_a_dead_end_and_always_below_who_gave_it() {
    let steps = Steps::new();
    for ((seat, is_key, oneself, target), may) in &steps.0 {
        assert!(
            !is_key || may.is_empty(),
            "a key of {seat:?} does {may:?} to {target:?}"
        );
        assert!(!oneself || may.is_empty(), "{seat:?} does {may:?} to itself");
        assert!(
            may.iter().all(|new| *new < seat.1),
            "{seat:?} makes {may:?} of {target:?}"
        );
    }
}
