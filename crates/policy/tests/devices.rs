//! Devices, the one kind of principal below the rule of grants: at level 1, by a supervisor in its own unit, by admins in any.
#![cfg(test)]

mod support;

use keepgate_kernel::{Level, PrincipalId, PrincipalKind, UnitId, Uuid};
use keepgate_policy::{Enlisting, authorize, enlist, permissions as p, tend};
use support::{Actor, How, golden, hats, in_unit, oracle::asks, tenant};

const HOME: u128 = 1;

fn unit(number: u128) -> UnitId {
    UnitId::from_uuid(Uuid::from_u128(number))
}

/// Tries every caller on every kind of principal, in its own unit and in another.
fn enlisted<P: Enlisting>(action: &str) -> usize {
    let mut done = 0;
    let kinds = [
        PrincipalKind::User,
        PrincipalKind::Device,
        PrincipalKind::Service,
        PrincipalKind::System,
    ];
    for level in Level::ALL {
        for (how, hat) in How::ALL.into_iter().flat_map(|how| hats().map(move |hat| (how, hat))) {
            let actor = Actor {
                who: 100,
                home: HOME,
                level,
                how,
                hat,
            };
            let may = how != How::Worker
                && asks(
                    &golden::rows()[action],
                    level.number(),
                    how,
                    hat.map(|hat| hat as usize),
                );
            for own in [None, Some(unit(1)), Some(unit(2))] {
                let context = if how == How::Worker {
                    actor.context()
                } else {
                    in_unit(&actor, own)
                };
                let proof = authorize::<P>(&context);
                for kind in kinds {
                    let device = PrincipalId::from_parts(kind, Uuid::from_u128(200));
                    let in_reach = match level.number() {
                        3 => own == Some(unit(1)),
                        4 | 5 => true,
                        _ => false,
                    };
                    let wanted = may && kind == PrincipalKind::Device && in_reach;
                    let made = proof
                        .as_ref()
                        .ok()
                        .and_then(|proof| enlist(proof, device, unit(1)).ok());
                    assert_eq!(
                        made.is_some(),
                        wanted,
                        "{action}: {actor:?} of {own:?} enlists a {kind:?}"
                    );
                    let tended = proof.as_ref().ok().and_then(|proof| tend(proof, device, unit(1)).ok());
                    assert_eq!(
                        tended.is_some(),
                        wanted,
                        "{action}: {actor:?} of {own:?} tends a {kind:?}"
                    );
                    if let (Some(made), Some(tended)) = (made, tended) {
                        assert_eq!(
                            (made.target().principal, made.target().tenant, made.unit()),
                            (device, tenant(HOME), unit(1))
                        );
                        assert_eq!(
                            (made.target().present, tended.target()),
                            (Some(Level::FieldAgent), made.target())
                        );
                        done += 1;
                    }
                }
            }
        }
    }
    done
}

#[test]
fn a_device_is_enlisted_exactly_by_those_who_lead_its_unit() {
    assert!(enlisted::<p::DeviceCreate>("device.create") > 0);
    assert!(enlisted::<p::DeviceUpdate>("device.update") > 0);
    assert!(enlisted::<p::DeviceDelete>("device.delete") > 0);
    assert!(enlisted::<p::DeviceEnrol>("device.enrol") > 0);
}
