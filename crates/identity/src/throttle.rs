//! How fast passwords may be guessed.
//!
//! An attempt is counted before the password is looked at, so that a thousand at once are a thousand; success forgets them.
//! Four failures are free, the fifth closes the door for 30 s, and each further one for twice as long, up to an hour: 11
//! guesses in the first hour, about one an hour from then on. A refusal is told at once; no connection is held.
use std::time::Duration;

use aws_lc_rs::hmac;

/// What is counted: the HMAC of an identifier, so that the table holds no names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket([u8; 32]);

impl Bucket {
    /// The bytes, as stored.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// The key that turns identifiers into buckets; the same on every instance, or each counts for itself.
pub struct BucketKey(hmac::Key);

impl BucketKey {
    /// A key from 32 secret bytes.
    #[must_use]
    pub fn new(secret: &[u8; 32]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The bucket of a log-in identifier, in any case. Unknown identifiers have buckets like known ones.
    #[must_use]
    pub fn login(&self, identifier: &str) -> Bucket {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"login\0");
        context.update(identifier.trim().to_lowercase().as_bytes());
        let mut bucket = [0; 32];
        bucket.copy_from_slice(context.sign().as_ref());
        Bucket(bucket)
    }
}

impl std::fmt::Debug for BucketKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BucketKey(..)")
    }
}

/// Whether an attempt may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may, and has been counted as a failure until a success says otherwise.
    Admitted,
    /// It may not, for so long; it was not counted.
    Locked(Duration),
}

/// Seconds of silence after the 1st, 2nd, … failure; the last for every further one.
pub(crate) const SILENCE: [i32; 12] = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600];

/// Seconds of silence after `failures` failures in a row.
pub(crate) fn silence(failures: u32) -> Duration {
    let index = (failures as usize).clamp(1, SILENCE.len()) - 1;
    let seconds = SILENCE.get(index).copied().unwrap_or(3600);
    Duration::from_secs(u64::try_from(seconds).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_are_free_then_thirty_seconds_double_to_an_hour() {
        assert!((1..=4).all(|failures| silence(failures) == Duration::ZERO));
        assert_eq!(silence(5), Duration::from_secs(30));
        assert!((5..=10).all(|failures| silence(failures + 1) == silence(failures) * 2));
        assert_eq!(silence(12), Duration::from_secs(3600));
        assert_eq!(silence(u32::MAX), Duration::from_secs(3600));
    }

    #[test]
    fn a_patient_attacker_has_eleven_guesses_in_an_hour_and_34_in_a_day() {
        let guesses_within = |limit: u64| {
            let (mut clock, mut guesses) = (0, 0);
            while clock <= limit {
                guesses += 1;
                clock += silence(guesses).as_secs();
            }
            guesses
        };
        assert_eq!(guesses_within(3600), 11);
        assert_eq!(guesses_within(86_400), 34);
    }

    #[test]
    fn a_bucket_ignores_case_and_depends_on_the_key() {
        let key = BucketKey::new(&[1; 32]);
        assert_eq!(key.login("Ann@Example.org "), key.login("ann@example.org"));
        assert_ne!(key.login("ann@example.org"), key.login("bob@example.org"));
        assert_ne!(
            key.login("ann@example.org"),
            BucketKey::new(&[2; 32]).login("ann@example.org")
        );
    }
}
