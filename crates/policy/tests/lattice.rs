//! Every decision and every grant there can be, against an oracle that shares no line with the policy.
#![cfg(test)]

mod support;

use keepgate_kernel::Level;
use keepgate_policy::{Granting, Permission, Reaching, Target, authorize, grant, permissions as p, reach};
use support::{
    Actor, How, golden, hats, oracle,
    oracle::{Case, asks, gives, reaches},
    person, presents, tenant,
};

const ME: u128 = 100;
const HOME: u128 = 1;

/// Every caller of the platform or of a customer, whichever level it claims.
fn actors() -> impl Iterator<Item = Actor> {
    Level::ALL.into_iter().flat_map(|level| {
        How::ALL.into_iter().flat_map(move |how| {
            hats().map(move |hat| Actor {
                who: ME,
                home: HOME,
                level,
                how,
                hat,
            })
        })
    })
}

/// Every target: who, where, what it holds.
fn targets() -> impl Iterator<Item = Target> {
    [(ME, HOME), (200, HOME), (ME, 2), (200, 2)]
        .into_iter()
        .flat_map(|(who, home)| {
            presents().map(move |present| Target {
                principal: person(who),
                tenant: tenant(home),
                present,
            })
        })
}

fn asked<P: Permission>(actor: &Actor) -> bool {
    let rows = golden::rows();
    asks(
        &rows[P::ACTION.as_str()],
        actor.level.number(),
        actor.how,
        actor.hat.map(|hat| hat as usize),
    )
}

fn case(actor: &Actor, target: Target, new: u8) -> Case {
    Case {
        granter: if actor.how == How::Worker {
            0
        } else {
            actor.level.number()
        },
        oneself: target.principal == person(ME),
        same_tenant: target.tenant == tenant(HOME),
        present: target.present.map_or(0, Level::number),
        new,
    }
}

/// Tries every caller × target × level under `P`; how many were tried, and how many given.
fn grants<P: Granting>() -> (usize, usize) {
    let (mut tried, mut given) = (0, 0);
    for actor in actors() {
        let asks = asked::<P>(&actor);
        let proof = authorize::<P>(&actor.context());
        assert_eq!(proof.is_ok(), asks, "{} by {actor:?}", P::ACTION);
        for target in targets() {
            for new in Level::ALL {
                let wanted = asks && gives(case(&actor, target, new.number()));
                let found = proof.as_ref().ok().and_then(|proof| grant(proof, target, new).ok());
                assert_eq!(
                    found.is_some(),
                    wanted,
                    "{}: {actor:?} gives {new} to {target:?}",
                    P::ACTION
                );
                if let Some(found) = &found {
                    assert_eq!((found.by(), found.from()), (person(ME), tenant(HOME)));
                    assert_eq!(
                        (found.target(), found.level()),
                        (target, new),
                        "the proof is of what was asked"
                    );
                }
                tried += 1;
                given += usize::from(wanted);
            }
        }
    }
    (tried, given)
}

fn reached<P: Reaching>() -> (usize, usize) {
    let (mut tried, mut found) = (0, 0);
    for actor in actors() {
        let asks = asked::<P>(&actor);
        let proof = authorize::<P>(&actor.context());
        assert_eq!(proof.is_ok(), asks, "{} by {actor:?}", P::ACTION);
        for target in targets() {
            let wanted = asks && reaches(case(&actor, target, 0));
            let reached = proof.as_ref().ok().and_then(|proof| reach(proof, target).ok());
            assert_eq!(reached.is_some(), wanted, "{}: {actor:?} reaches {target:?}", P::ACTION);
            if let Some(reached) = &reached {
                assert_eq!((reached.by(), reached.target()), (person(ME), target));
            }
            tried += 1;
            found += usize::from(wanted);
        }
    }
    (tried, found)
}

/// The permissions that `$trait` is written for, by name.
fn written_for(marker: &str) -> Vec<&'static str> {
    let source = include_str!("../src/grant.rs");
    let start = format!("impl {marker} for permissions::");
    source
        .lines()
        .filter_map(|line| line.strip_prefix(start.as_str())?.strip_suffix(" {}"))
        .collect()
}

/// Runs `$run` for each permission and holds the list against the source, so that none is left out.
macro_rules! each { ($run:ident, $marker:literal, [$($name:ident),* $(,)?]) => {{
    let results = [$((stringify!($name), $run::<p::$name>())),*];
    let mut names = results.map(|(name, _)| name);
    let mut written = written_for($marker);
    names.sort_unstable();
    written.sort_unstable();
    assert_eq!(names.as_slice(), written, "the suite tries every permission that is {}", $marker);
    results
}} }

const CALLERS: usize = 7 * 6 * 4;
const TARGETS: usize = 4 * 8;

#[test]
fn a_level_is_given_exactly_when_the_oracle_says_so() {
    for (name, (tried, given)) in each!(
        grants,
        "Granting",
        [UserCreate, UserUpdate, ApiKeyIssue, ServiceCreate, ServiceUpdate]
    ) {
        assert_eq!(tried, CALLERS * TARGETS * 7, "{name}");
        assert!(given > 0, "{name} gives nothing to anybody");
    }
}

#[test]
fn somebody_is_reached_exactly_when_the_oracle_says_so() {
    for (name, (tried, found)) in each!(
        reached,
        "Reaching",
        [
            UserUpdate,
            UserDelete,
            ApiKeyIssue,
            ApiKeyRotate,
            MfaReset,
            UserCreate,
            ServiceUpdate,
            ServiceDelete,
            PasswordReset,
            SessionRevoke
        ]
    ) {
        assert_eq!(tried, CALLERS * TARGETS, "{name}");
        assert!(found > 0, "{name} reaches nobody");
    }
}

#[test]
fn the_oracle_is_not_easily_pleased() {
    // Counted by hand: in one's own tenant 5 gives 1 to 4, 4 gives 1 to 3, 7 gives 6; elsewhere 7 gives 5. The target holds
    // nothing, or one of the levels below.
    let cases =
        (1..=7).flat_map(|granter| (0..=7).flat_map(move |present| (1..=7).map(move |new| (granter, present, new))));
    let count = |same_tenant| {
        let given = cases.clone().filter(|(granter, present, new)| {
            gives(Case {
                granter: *granter,
                oneself: false,
                same_tenant,
                present: *present,
                new: *new,
            })
        });
        given.count()
    };
    assert_eq!((count(true), count(false)), (4 * 5 + 3 * 4 + 7, 7));
    assert!(!oracle::gives(Case {
        granter: 7,
        oneself: true,
        same_tenant: true,
        present: 0,
        new: 6
    }));
}

#[test]
fn a_denial_names_its_reason() {
    let admin = Actor {
        who: ME,
        home: HOME,
        level: Level::TenantAdmin,
        how: How::Fresh,
        hat: None,
    };
    let proof = authorize::<p::UserCreate>(&admin.context()).unwrap();
    let other = |present| Target {
        principal: person(200),
        tenant: tenant(HOME),
        present,
    };
    let (me, away) = (
        Target {
            principal: person(ME),
            ..other(None)
        },
        Target {
            tenant: tenant(2),
            ..other(None)
        },
    );
    let reasons = [
        (other(None), Level::TenantAdmin, "grant-not-below-own"),
        (other(Some(Level::TenantAdmin)), Level::Operator, "out-of-reach"),
        (me, Level::Operator, "not-oneself"),
        (away, Level::Operator, "other-tenant"),
    ];
    for (target, level, reason) in reasons {
        assert_eq!(grant(&proof, target, level).unwrap_err().reason(), reason);
    }
    let global = Actor {
        level: Level::GlobalAdmin,
        ..admin
    };
    let proof = authorize::<p::UserCreate>(&global.context()).unwrap();
    assert_eq!(
        grant(&proof, other(None), Level::Operator).unwrap_err().reason(),
        "other-plane"
    );
}
