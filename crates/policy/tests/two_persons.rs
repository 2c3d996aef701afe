//! What takes two people, and what a supervisor may enlist: every case there is.
#![cfg(test)]

mod support;

use keepgate_kernel::{ApprovalId, HoldId, Level, PrincipalId, PrincipalKind, Timestamp, UnitId, Uuid};
use keepgate_policy::{
    Approval, ApprovalState, Candidate, GrantDenied, Matter, Target, TwoPersonAction, appoint, ask, authorize, enlist,
    permissions as p, second, spend, tend,
};
use support::{Actor, How, person, tenant};

const HOME: u128 = 1;
const ME: u128 = 100;
const OTHER: u128 = 200;
const THIRD: u128 = 300;

fn actor(level: Level) -> Actor {
    Actor {
        who: ME,
        home: HOME,
        level,
        how: How::Fresh,
        hat: None,
    }
}

fn at(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
    start + std::time::Duration::from_secs(u64::try_from(minutes * 60).unwrap())
}

fn matters() -> Vec<Matter> {
    vec![
        Matter::GrantGlobal(Candidate::User(person(THIRD))),
        Matter::GrantGlobal(Candidate::Address("eve@example.org".into())),
        Matter::BreakGlass {
            tenant: tenant(2),
            owner: person(THIRD),
        },
        Matter::DestroyKey { version: 1 },
        Matter::EraseSubject { subject: person(THIRD) },
        Matter::ReleaseHold {
            hold: HoldId::from_uuid(Uuid::from_u128(1)),
        },
    ]
}

fn approval(matter: Matter, by: u128, approved: Option<u128>) -> Approval {
    Approval {
        id: ApprovalId::from_uuid(Uuid::from_u128(9)),
        tenant: tenant(HOME),
        matter,
        reason: "because of the test".into(),
        requested_by: person(by),
        requested_at: at(0),
        expires_at: at(240),
        approved: approved.map(|who| (person(who), at(1))),
        consumed_at: None,
    }
}

/// The oracle: who asks for what, and who agrees to it.
fn asks(action: TwoPersonAction, level: Level) -> bool {
    let global = matches!(action, TwoPersonAction::GrantGlobal | TwoPersonAction::BreakGlass);
    level.number() == if global { 7 } else { 5 }
}

fn agrees(action: TwoPersonAction, level: Level) -> bool {
    match action {
        TwoPersonAction::GrantGlobal | TwoPersonAction::BreakGlass => level.number() == 7,
        _ => matches!(level.number(), 4 | 5),
    }
}

#[test]
fn each_action_is_asked_for_and_agreed_to_at_its_levels_only() {
    for level in Level::ALL {
        for matter in matters() {
            let context = actor(level).context();
            let asked =
                authorize::<p::ApprovalRequest>(&context).is_ok_and(|proof| ask(&proof, matter.clone()).is_ok());
            assert_eq!(asked, asks(matter.action(), level), "{level} asks {matter:?}");
            let pending = approval(matter.clone(), OTHER, None);
            let proof = authorize::<p::ApprovalApprove>(&context);
            let agreed = proof.is_ok_and(|proof| second(&proof, &pending, at(2)).is_ok());
            assert_eq!(agreed, agrees(matter.action(), level), "{level} agrees to {matter:?}");
        }
    }
}

#[test]
fn nobody_decides_about_themselves_or_twice_or_too_late() {
    let seven = actor(Level::GlobalAdmin).context();
    let about_me = Matter::GrantGlobal(Candidate::User(person(ME)));
    let asking = authorize::<p::ApprovalRequest>(&seven).unwrap();
    assert_eq!(ask(&asking, about_me.clone()).unwrap_err().reason(), "not-oneself");
    let proof = authorize::<p::ApprovalApprove>(&seven).unwrap();
    let eve = Matter::GrantGlobal(Candidate::Address("eve@example.org".into()));
    for (case, minute, reason) in [
        (approval(about_me, OTHER, None), 2, "not-oneself"),
        (approval(eve.clone(), ME, None), 2, "same-person"),
        (approval(eve.clone(), OTHER, Some(THIRD)), 2, "approval-not-pending"),
        (approval(eve, OTHER, None), 240, "approval-expired"),
    ] {
        assert_eq!(second(&proof, &case, at(minute)).unwrap_err().reason(), reason);
    }
}

#[test]
fn consent_is_minted_for_exactly_what_two_agreed_on_and_for_one_of_them() {
    let context = actor(Level::GlobalAdmin).context();
    let proof = authorize::<p::UserCreate>(&context).unwrap();
    let eve = Matter::GrantGlobal(Candidate::Address("eve@example.org".into()));
    let good = approval(eve.clone(), ME, Some(OTHER));
    assert!(spend(&proof, &good, &eve, at(2)).is_ok());
    assert!(spend(&proof, &approval(eve.clone(), OTHER, Some(ME)), &eve, at(2)).is_ok());
    let consumed = Approval {
        consumed_at: Some(at(2)),
        ..good.clone()
    };
    assert_eq!(consumed.state(at(3)), ApprovalState::Consumed);
    let elsewhere = Approval {
        tenant: tenant(2),
        ..good.clone()
    };
    for (case, minute) in [
        (approval(eve.clone(), ME, None), 2),
        (approval(eve.clone(), ME, Some(ME)), 2),
        (approval(eve.clone(), OTHER, Some(THIRD)), 2),
        (good.clone(), 240),
        (consumed, 3),
        (elsewhere, 2),
    ] {
        assert!(spend(&proof, &case, &eve, at(minute)).is_err(), "{case:?}");
    }
    for other in matters().into_iter().filter(|other| *other != eve) {
        assert!(spend(&proof, &good, &other, at(2)).is_err(), "{other:?}");
    }
    let glass = authorize::<p::BreakGlass>(&context).unwrap();
    assert!(spend(&glass, &good, &eve, at(2)).is_err(), "another permission");
}

#[test]
fn level_seven_is_given_with_that_consent_to_that_person_and_never_to_oneself() {
    let context = actor(Level::GlobalAdmin).context();
    let proof = authorize::<p::UserUpdate>(&context).unwrap();
    let matter = Matter::GrantGlobal(Candidate::User(person(THIRD)));
    let consent = || spend(&proof, &approval(matter.clone(), ME, Some(OTHER)), &matter, at(2)).unwrap();
    let target = |who, home, present| Target {
        principal: person(who),
        tenant: tenant(home),
        present,
    };
    let given = appoint(&proof, target(THIRD, HOME, Some(Level::PlatformOperator)), consent()).unwrap();
    assert_eq!((given.level(), given.approval().is_some()), (Level::GlobalAdmin, true));
    for (target, why) in [
        (
            target(OTHER, HOME, Some(Level::PlatformOperator)),
            GrantDenied::Unapproved,
        ),
        (target(ME, HOME, None), GrantDenied::Oneself),
        (target(THIRD, 2, None), GrantDenied::OtherTenant),
        (target(THIRD, HOME, Some(Level::GlobalAdmin)), GrantDenied::Superior),
    ] {
        assert_eq!(appoint(&proof, target, consent()).unwrap_err(), why);
    }
    let glass = authorize::<p::BreakGlass>(&context).unwrap();
    let matter = Matter::BreakGlass {
        tenant: tenant(2),
        owner: person(THIRD),
    };
    let other = spend(&glass, &approval(matter.clone(), ME, Some(OTHER)), &matter, at(2)).unwrap();
    assert_eq!(
        appoint(&proof, target(THIRD, HOME, None), other).unwrap_err(),
        GrantDenied::Unapproved
    );
}

#[test]
fn only_devices_are_enlisted_by_supervisors_in_their_unit_and_by_admins_in_any() {
    let units = [
        UnitId::from_uuid(Uuid::from_u128(1)),
        UnitId::from_uuid(Uuid::from_u128(2)),
    ];
    for level in Level::ALL {
        for own in [None, Some(units[0])] {
            let context = support::in_unit(&actor(level), own);
            for kind in [
                PrincipalKind::User,
                PrincipalKind::Device,
                PrincipalKind::Service,
                PrincipalKind::System,
            ] {
                for unit in units {
                    let who = PrincipalId::from_parts(kind, Uuid::from_u128(OTHER));
                    let made =
                        authorize::<p::DeviceCreate>(&context).is_ok_and(|proof| enlist(&proof, who, unit).is_ok());
                    let tended =
                        authorize::<p::DeviceDelete>(&context).is_ok_and(|proof| tend(&proof, who, unit).is_ok());
                    let reaches = matches!(level.number(), 4 | 5) || (level.number() == 3 && own == Some(unit));
                    let wanted = kind == PrincipalKind::Device && reaches;
                    assert_eq!((made, tended), (wanted, wanted), "{level} {own:?} {kind:?} {unit}");
                }
            }
        }
    }
}
