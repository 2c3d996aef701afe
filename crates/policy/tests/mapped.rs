//! Levels that a directory decides about: given by Keepgate's worker alone, within its tenant, below an owner, to anybody but the
//! owner whose mapping it is.
#![cfg(test)]

mod support;

use keepgate_kernel::Level;
use keepgate_policy::{MappedLevel, Mapping, Target, authorize, map, permissions as p};
use support::{Actor, How, hats, person, presents, tenant};

const HOME: u128 = 1;

fn mapped<P: Mapping>() -> usize {
    let mut done = 0;
    for (level, how) in Level::ALL
        .into_iter()
        .flat_map(|level| How::ALL.map(|how| (level, how)))
    {
        for hat in hats() {
            let caller = Actor {
                who: 100,
                home: HOME,
                level,
                how,
                hat,
            };
            let proof = authorize::<P>(&caller.context());
            assert_eq!(proof.is_ok(), how == How::Worker, "{caller:?}");
            let Ok(proof) = proof else { continue };
            for (home, by) in [(HOME, 200), (HOME, 300), (2, 200), (2, 300)] {
                for present in presents() {
                    for new in presents() {
                        let below_owner = new.is_none_or(|new| new.number() <= 4);
                        let new = match new.map(MappedLevel::try_from) {
                            None => None,
                            Some(Ok(new)) => Some(new),
                            Some(Err(_)) => {
                                assert!(!below_owner);
                                continue;
                            }
                        };
                        assert!(below_owner, "{new:?}");
                        let target = Target {
                            principal: person(200),
                            tenant: tenant(home),
                            present,
                        };
                        let wanted = home == HOME && by != 200 && present.is_none_or(|present| present.number() <= 4);
                        let found = map(&proof, target, new, person(by));
                        assert_eq!(found.is_ok(), wanted, "{target:?} {new:?}");
                        if let Ok(found) = found {
                            assert_eq!((found.by(), found.target(), found.level()), (person(by), target, new));
                            done += 1;
                        }
                    }
                }
            }
        }
    }
    done
}

#[test]
fn a_mapping_gives_only_what_is_below_its_owner_and_only_through_the_worker() {
    assert!(mapped::<p::AuthSso>() > 0);
    assert!(mapped::<p::ScimProvision>() > 0);
}
