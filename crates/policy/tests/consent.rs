//! What takes two people, on every case there is, against the rule in words: one asks, another of the same tenant agrees, one of
//! the two does exactly that, once, before it expires; nobody decides about themselves. Global admins agree on a new global admin
//! and on letting an owner in again; an owner asks for the end of a data key, and another owner or an admin agrees.
#![cfg(test)]

mod support;

use std::time::Duration;

use keepgate_kernel::{ApprovalId, HoldId, Level, Timestamp, Uuid};
use keepgate_policy::{
    Approval, Candidate, Matter, TwoPerson, TwoPersonAction, appoint, ask, authorize, permissions as p, second, spend,
};
use support::{Actor, How, golden, oracle::asks, person, tenant};

const ME: u128 = 100;
const OTHER: u128 = 200;
const THIRD: u128 = 300;
const HOME: u128 = 1;

fn now() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn caller(level: Level, how: How) -> Actor {
    Actor {
        who: ME,
        home: HOME,
        level,
        how,
        hat: None,
    }
}

/// Every matter, about oneself, about another and about nobody.
fn matters() -> Vec<Matter> {
    let mut all = vec![
        Matter::GrantGlobal(Candidate::Address("ann@example.org".into())),
        Matter::DestroyKey { version: 1 },
        Matter::DestroyKey { version: 2 },
        Matter::ReleaseHold {
            hold: HoldId::from_uuid(Uuid::from_u128(1)),
        },
    ];
    for who in [ME, OTHER, THIRD] {
        all.push(Matter::GrantGlobal(Candidate::User(person(who))));
        all.push(Matter::EraseSubject { subject: person(who) });
        all.push(Matter::BreakGlass {
            tenant: tenant(2),
            owner: person(who),
        });
        all.push(Matter::BreakGlass {
            tenant: tenant(3),
            owner: person(who),
        });
    }
    all
}

fn is_about(matter: &Matter, who: u128) -> bool {
    match matter {
        Matter::GrantGlobal(Candidate::User(subject))
        | Matter::BreakGlass { owner: subject, .. }
        | Matter::EraseSubject { subject } => *subject == person(who),
        Matter::GrantGlobal(Candidate::Address(_)) | Matter::DestroyKey { .. } | Matter::ReleaseHold { .. } => false,
    }
}

/// The levels that ask for it, and those that agree.
fn parties(matter: &Matter) -> (&'static [u8], &'static [u8]) {
    match matter {
        Matter::GrantGlobal(_) | Matter::BreakGlass { .. } => (&[7], &[7]),
        Matter::DestroyKey { .. } | Matter::EraseSubject { .. } | Matter::ReleaseHold { .. } => (&[5], &[4, 5]),
    }
}

/// Every course an approval can have taken: who asked, who agreed, in which tenant, whether used, whether past its end.
fn approvals(matter: &Matter) -> Vec<(Approval, bool)> {
    let mut all = Vec::new();
    for asked in [ME, OTHER, THIRD] {
        for agreed in [None, Some(ME), Some(OTHER), Some(THIRD)] {
            for home in [HOME, 2] {
                for used in [false, true] {
                    for left in [-1i64, 0, 1] {
                        let requested_at = now() - Duration::from_hours(4);
                        let approval = Approval {
                            id: ApprovalId::from_uuid(Uuid::from_u128(7)),
                            tenant: tenant(home),
                            matter: matter.clone(),
                            reason: "for a good reason".into(),
                            requested_by: person(asked),
                            requested_at,
                            expires_at: if left < 0 {
                                now() - Duration::from_secs(1)
                            } else {
                                now() + Duration::from_secs(left.unsigned_abs())
                            },
                            approved: agreed.map(|who| (person(who), requested_at)),
                            consumed_at: used.then_some(requested_at),
                        };
                        all.push((approval, left > 0));
                    }
                }
            }
        }
    }
    all
}

fn may_ask_at_all(action: &str, level: Level, how: How) -> bool {
    asks(&golden::rows()[action], level.number(), how, None)
}

#[test]
fn who_may_ask() {
    let mut asked = 0;
    for (level, how) in Level::ALL
        .into_iter()
        .flat_map(|level| How::ALL.map(|how| (level, how)))
    {
        let proof = authorize::<p::ApprovalRequest>(&caller(level, how).context());
        for matter in matters() {
            let wanted = may_ask_at_all("approval.request", level, how)
                && parties(&matter).0.contains(&level.number())
                && !is_about(&matter, ME);
            let found = proof.as_ref().ok().and_then(|proof| ask(proof, matter.clone()).ok());
            assert_eq!(found.is_some(), wanted, "{level} {how:?} asks for {matter:?}");
            if let Some(found) = found {
                assert_eq!(
                    (found.by(), found.tenant(), found.matter()),
                    (person(ME), tenant(HOME), &matter)
                );
                asked += 1;
            }
        }
    }
    assert!(asked > 0);
}

#[test]
fn who_may_agree() {
    let (mut agreed, mut tried) = (0, 0);
    for (level, how) in Level::ALL
        .into_iter()
        .flat_map(|level| How::ALL.map(|how| (level, how)))
    {
        let proof = authorize::<p::ApprovalApprove>(&caller(level, how).context());
        for matter in matters() {
            for (approval, alive) in approvals(&matter) {
                let pending = approval.approved.is_none() && approval.consumed_at.is_none() && alive;
                let wanted = may_ask_at_all("approval.approve", level, how)
                    && parties(&matter).1.contains(&level.number())
                    && pending
                    && approval.tenant == tenant(HOME)
                    && approval.requested_by != person(ME)
                    && !is_about(&matter, ME);
                let found = proof
                    .as_ref()
                    .ok()
                    .and_then(|proof| second(proof, &approval, now()).ok());
                assert_eq!(found.is_some(), wanted, "{level} {how:?} agrees to {approval:?}");
                tried += 1;
                agreed += usize::from(wanted);
            }
        }
    }
    assert!(agreed > 0 && tried > 70_000, "{agreed} of {tried}");
}

/// What may be spent under `P`, by anybody, on anything.
fn spent<P: TwoPerson>(action: &str) -> usize {
    let mut done = 0;
    for (level, how) in Level::ALL
        .into_iter()
        .flat_map(|level| How::ALL.map(|how| (level, how)))
    {
        let proof = authorize::<P>(&caller(level, how).context());
        for matter in matters() {
            let of_this_kind = matter.action() == P::KIND;
            for (approval, alive) in approvals(&matter) {
                let second = approval.approved.map(|(who, _)| who);
                let wanted = may_ask_at_all(action, level, how)
                    && of_this_kind
                    && parties(&matter).0.contains(&level.number())
                    && approval.tenant == tenant(HOME)
                    && approval.consumed_at.is_none()
                    && alive
                    && second.is_some_and(|second| {
                        second != approval.requested_by
                            && [second, approval.requested_by].contains(&person(ME))
                            && [ME, OTHER, THIRD].iter().all(|who| {
                                !is_about(&matter, *who) || ![second, approval.requested_by].contains(&person(*who))
                            })
                    });
                let found = proof
                    .as_ref()
                    .ok()
                    .and_then(|proof| spend(proof, &approval, &matter, now()).ok());
                assert_eq!(found.is_some(), wanted, "{action}: {level} {how:?} spends {approval:?}");
                for other in matters().iter().filter(|other| **other != matter) {
                    let stretched = proof
                        .as_ref()
                        .is_ok_and(|proof| spend(proof, &approval, other, now()).is_ok());
                    assert!(!stretched, "an approval of {matter:?} is good for {other:?}");
                }
                done += usize::from(wanted);
            }
        }
    }
    done
}

#[test]
fn an_approval_is_good_for_what_it_says_and_for_the_two() {
    assert!(spent::<p::UserCreate>("user.create") > 0);
    assert!(spent::<p::UserUpdate>("user.update") > 0);
    assert!(spent::<p::BreakGlass>("tenant.break-glass") > 0);
    assert!(spent::<p::KeyDestroy>("key.destroy") > 0);
}

#[test]
fn level_seven_is_given_by_a_seven_with_the_consent_to_exactly_that() {
    let mut appointed = 0;
    let proof = authorize::<p::UserUpdate>(&caller(Level::GlobalAdmin, How::Fresh).context()).unwrap();
    for matter in matters()
        .into_iter()
        .filter(|matter| matter.action() == TwoPersonAction::GrantGlobal)
    {
        for (who, home) in [(ME, HOME), (OTHER, HOME), (THIRD, HOME), (THIRD, 2)] {
            for present in support::presents() {
                let (mut approval, _) = approvals(&matter).swap_remove(0);
                approval.requested_by = person(ME);
                approval.approved = Some((person(OTHER), now()));
                approval.expires_at = now() + Duration::from_secs(1);
                let Ok(consent) = spend(&proof, &approval, &matter, now()) else {
                    continue;
                };
                let target = keepgate_policy::Target {
                    principal: person(who),
                    tenant: tenant(home),
                    present,
                };
                let meant = match &matter {
                    Matter::GrantGlobal(Candidate::User(user)) => *user == person(who),
                    _ => present.is_none(),
                };
                let wanted = who != ME && home == HOME && present != Some(Level::GlobalAdmin) && meant;
                let found = appoint(&proof, target, consent);
                assert_eq!(found.is_ok(), wanted, "{target:?} by {matter:?}");
                if let Ok(found) = found {
                    assert_eq!(
                        (found.level(), found.approval()),
                        (Level::GlobalAdmin, Some(approval.id))
                    );
                    appointed += 1;
                }
            }
        }
    }
    assert!(appointed > 0);
}
