//! The grant rule against an independent statement of it, on every case there is.
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, RequestId, SessionId, TenantId, Uuid};
use keepgate_policy::{
    Assurance, Authorized, Credential, Factors, GrantDenied, OpContext, Principal, Scopes, Standing, Target, authorize,
    grant,
    permissions::{UserCreate, UserDelete},
    reach,
};

const HOME: u128 = 1;

#[expect(
    clippy::disallowed_methods,
    reason = "the caller of a test is authenticated by construction"
)]
fn caller(level: Level) -> OpContext {
    let tenant = TenantId::from_uuid(Uuid::from_u128(HOME));
    let id = PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(100));
    let principal = Principal {
        id,
        tenant,
        standing: Standing::Level(level),
        unit: None,
        scopes: Scopes::All,
        hat: None,
    };
    let at = "2026-01-02T03:04:05Z".parse().unwrap_or_default();
    let fresh = Assurance {
        at,
        factors: Factors::Two,
    };
    let session = Credential::Session(SessionId::from_uuid(Uuid::nil()));
    OpContext::authenticated(
        principal,
        session,
        Some(fresh),
        None,
        RequestId::from_uuid(Uuid::nil()),
        at,
    )
}

/// Levels that hold no granting permission at all get no proof to begin with.
fn may(level: Level, target: Target, new: Level) -> bool {
    authorize::<UserCreate>(&caller(level)).is_ok_and(|proof| grant(&proof, target, new).is_ok())
}

fn cases() -> impl Iterator<Item = (Level, Target)> {
    let presents = std::iter::once(None).chain(Level::ALL.into_iter().map(Some));
    Level::ALL.into_iter().flat_map(move |own| {
        presents.clone().flat_map(move |present| {
            [(100, HOME), (200, HOME), (100, 2), (200, 2)]
                .into_iter()
                .map(move |(who, tenant)| {
                    let principal = PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(who));
                    (
                        own,
                        Target {
                            principal,
                            tenant: TenantId::from_uuid(Uuid::from_u128(tenant)),
                            present,
                        },
                    )
                })
        })
    })
}

#[test]
fn a_level_is_given_exactly_when_the_oracle_says_so() {
    let mut count = 0;
    for (own, target) in cases() {
        for new in Level::ALL {
            let (g, n, p) = (own.number(), new.number(), target.present.map_or(0, Level::number));
            let (other, here) = (
                target.principal.uuid().as_u128() != 100,
                target.tenant.uuid().as_u128() == HOME,
            );
            // The oracle.
            let dominates = g >= 4 && n < g && p < g && other;
            let reachable = if here { (g >= 6) == (n >= 6) } else { g == 7 && n == 5 };
            let holds_permission = g != 6;
            assert_eq!(
                may(own, target, new),
                dominates && reachable && holds_permission,
                "{own} gives {new}: {target:?}"
            );
            count += 1;
        }
    }
    assert_eq!(count, 7 * 8 * 4 * 7);
}

#[test]
fn reach_is_strictly_downwards_and_within_the_tenant() {
    for (own, target) in cases() {
        let proven = authorize::<UserDelete>(&caller(own)).is_ok_and(|proof| reach(&proof, target).is_ok());
        let (g, p) = (own.number(), target.present.map_or(0, Level::number));
        let (other, here) = (
            target.principal.uuid().as_u128() != 100,
            target.tenant.uuid().as_u128() == HOME,
        );
        assert_eq!(
            proven,
            matches!(g, 4 | 5 | 7) && p < g && other && here,
            "{own}: {target:?}"
        );
    }
}

#[test]
fn nobody_ever_gives_level_seven() {
    for (own, target) in cases() {
        assert!(!may(own, target, Level::GlobalAdmin), "{own}: {target:?}");
    }
}

#[test]
fn no_sequence_of_grants_raises_the_highest_level() {
    let (home, slots) = (TenantId::from_uuid(Uuid::from_u128(HOME)), 100..103u128);
    let id = |who| PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(who));
    for start in 0..343u32 {
        let mut held: Vec<Level> = [start / 49, start / 7 % 7, start % 7]
            .iter()
            .filter_map(|n| Level::try_from(u8::try_from(n + 1).unwrap_or(0)).ok())
            .collect();
        let highest = held.iter().max().copied();
        for _round in 0..4 {
            for (granter, target) in slots.clone().flat_map(|g| slots.clone().map(move |t| (g, t))) {
                let at = |who: u128| usize::try_from(who - 100).unwrap_or(0);
                let (Some(own), Some(present)) = (held.get(at(granter)).copied(), held.get(at(target)).copied()) else {
                    continue;
                };
                // The proof's principal is always number 100, so who is whom is swapped instead.
                let seen = if granter == target { id(100) } else { id(200) };
                let best = Level::ALL.into_iter().rfind(|new| {
                    may(
                        own,
                        Target {
                            principal: seen,
                            tenant: home,
                            present: Some(present),
                        },
                        *new,
                    )
                });
                if let (Some(new), Some(slot)) = (best, held.get_mut(at(target))) {
                    *slot = new;
                }
            }
        }
        assert!(held.iter().max().copied() <= highest, "start {start}");
    }
}

#[test]
fn a_denial_names_its_reason() {
    let proof: Authorized<UserCreate> = authorize(&caller(Level::TenantAdmin)).unwrap();
    let other = |present| Target {
        principal: PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(200)),
        tenant: TenantId::from_uuid(Uuid::from_u128(HOME)),
        present,
    };
    assert_eq!(
        grant(&proof, other(None), Level::TenantAdmin).unwrap_err(),
        GrantDenied::NotBelowOwn
    );
    assert_eq!(
        grant(&proof, other(Some(Level::TenantAdmin)), Level::Operator).unwrap_err(),
        GrantDenied::Superior
    );
    let me = Target {
        principal: proof.by(),
        ..other(None)
    };
    assert_eq!(grant(&proof, me, Level::Operator).unwrap_err(), GrantDenied::Oneself);
    let away = Target {
        tenant: TenantId::from_uuid(Uuid::from_u128(2)),
        ..other(None)
    };
    assert_eq!(
        grant(&proof, away, Level::Operator).unwrap_err(),
        GrantDenied::OtherTenant
    );
}
