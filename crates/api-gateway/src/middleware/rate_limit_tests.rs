//! Who pays for a request.
use keepgate_kernel::{PrincipalKind, Timestamp};

use super::*;

const HOME: &str = "192.0.2.1";

fn limiter(per_principal: u32, per_address: u32) -> RateLimiter {
    RateLimiter::new(Limits {
        per_principal: per_principal.try_into().unwrap(),
        per_address: per_address.try_into().unwrap(),
    })
}

fn somebody() -> PrincipalId {
    let at: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
    PrincipalId::new(PrincipalKind::User, at)
}

fn take(limiter: &RateLimiter, credential: Option<&str>, source: &str) -> Paid {
    let header = credential.map(|text| HeaderValue::from_str(&format!("Bearer {text}")).unwrap());
    limiter.take(header.as_ref(), Some(source.parse().unwrap()))
}

fn passes(paid: &Paid) -> bool {
    paid.answer().1.is_ok()
}

#[test]
fn invented_credentials_all_come_out_of_the_bucket_of_their_address() {
    let limiter = limiter(1000, 5);
    let admitted = (0..50)
        .filter(|n| {
            let paid = take(&limiter, Some(&format!("invented-{n}")), HOME);
            // Before anybody has looked at the credential.
            let passes = passes(&paid);
            limiter.refused(&paid);
            passes
        })
        .count();
    assert_eq!(admitted, 5);
    assert!(!passes(&take(&limiter, None, HOME)), "the same bucket as without any");
    assert!(passes(&take(&limiter, Some("invented"), "192.0.2.2")));
}

#[test]
fn a_verified_credential_is_its_principal_s_and_hurts_and_feels_no_neighbour() {
    let (limiter, ann) = (limiter(4, 3), somebody());
    let first = take(&limiter, Some("good"), HOME);
    assert_eq!(first.answer().0.get(), 3, "before it is verified, the address pays");
    limiter.verified(&first, ann).unwrap();
    assert_eq!(first.answer().0.get(), 4, "then its principal");
    while passes(&take(&limiter, Some("invented"), HOME)) {}
    for _ in 0..3 {
        let paid = take(&limiter, Some("good"), HOME);
        assert!(passes(&paid), "an empty bucket of the address is not ann's");
        limiter.verified(&paid, ann).unwrap();
    }
    assert!(!passes(&take(&limiter, Some("good"), HOME)), "four a minute");
}

#[test]
fn the_sessions_and_keys_of_one_principal_share_its_bucket() {
    let (limiter, ann) = (limiter(2, 100), somebody());
    for name in ["one", "two"] {
        limiter.verified(&take(&limiter, Some(name), HOME), ann).unwrap();
    }
    let wait = limiter.verified(&take(&limiter, Some("three"), HOME), ann).unwrap_err();
    assert!((1..=60).contains(&wait));
    assert!(
        !passes(&take(&limiter, Some("one"), "192.0.2.9")),
        "wherever it comes from"
    );
    let bob = somebody();
    limiter.verified(&take(&limiter, Some("bob's"), HOME), bob).unwrap();
}

#[test]
fn a_credential_that_ends_is_its_address_s_again() {
    let (limiter, ann) = (limiter(1000, 3), somebody());
    limiter.verified(&take(&limiter, Some("good"), HOME), ann).unwrap();
    let dead = take(&limiter, Some("good"), HOME);
    assert_eq!(dead.answer().0.get(), 1000);
    limiter.refused(&dead);
    assert_eq!(dead.answer().0.get(), 3);
    assert!(passes(&take(&limiter, Some("good"), HOME)));
    assert!(!passes(&take(&limiter, Some("good"), HOME)), "three of this address");
}

#[test]
fn reports_of_leaked_keys_have_a_bucket_of_their_own() {
    let limiter = limiter(1000, 1000);
    let at = |address: &str| Some(address.parse().unwrap());
    let taken = (0..100).filter(|_| limiter.report(at(HOME)).is_ok()).count();
    assert_eq!(taken, 30);
    assert!(limiter.report(at("192.0.2.2")).is_ok());
    assert!(passes(&take(&limiter, None, HOME)), "and nothing else feels it");
}

#[test]
fn a_network_of_ipv6_is_one_address() {
    let limiter = limiter(1000, 2);
    assert!(passes(&take(&limiter, None, "2001:db8:1:2::1")));
    assert!(passes(&take(&limiter, Some("x"), "2001:db8:1:2:3::4")));
    assert!(!passes(&take(&limiter, Some("y"), "2001:db8:1:2:ffff::")));
    assert!(passes(&take(&limiter, None, "2001:db8:1:3::1")));
    assert!(passes(&take(&limiter, None, "192.0.2.1")));
    assert!(passes(&take(&limiter, None, "::ffff:192.0.2.1")));
    assert!(!passes(&take(&limiter, None, "192.0.2.1")));
}
