//! A secret that may change while the service runs.
use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// A secret of the configuration as it is now. Clones see the same one, and every change of it.
#[derive(Clone)]
pub struct LiveSecret(Arc<RwLock<Values>>);

/// Whether two secrets are one, found out in a time that tells only their lengths.
#[must_use]
pub fn same_secret(one: &SecretString, other: &SecretString) -> bool {
    let [one, other] = [one, other].map(|secret| secret.expose_secret().as_bytes());
    one.ct_eq(other).into()
}

struct Values {
    current: SecretString,
    former: Option<(SecretString, Instant)>,
}

impl LiveSecret {
    /// The newest value.
    #[must_use]
    pub fn current(&self) -> SecretString {
        self.read(|values| values.current.clone())
    }

    /// The value before, as long as it counts.
    #[must_use]
    pub fn former(&self) -> Option<SecretString> {
        let now = Instant::now();
        self.read(|values| {
            values
                .former
                .as_ref()
                .filter(|(_, until)| now < *until)
                .map(|(value, _)| value.clone())
        })
    }

    /// What is believed of others: the newest value, and the one before as long as it counts.
    #[must_use]
    pub fn accepted(&self) -> Vec<SecretString> {
        std::iter::once(self.current()).chain(self.former()).collect()
    }

    /// Takes a newer value; the present one counts as the former for `overlap`. Whether it is another one.
    pub fn turn(&self, value: SecretString, overlap: Duration) -> bool {
        let mut values = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if same_secret(&values.current, &value) {
            return false;
        }
        let former = std::mem::replace(&mut values.current, value);
        values.former = Instant::now().checked_add(overlap).map(|until| (former, until));
        true
    }

    fn read<T>(&self, take: impl FnOnce(&Values) -> T) -> T {
        take(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<SecretString> for LiveSecret {
    fn from(current: SecretString) -> Self {
        Self(Arc::new(RwLock::new(Values { current, former: None })))
    }
}

impl fmt::Debug for LiveSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LiveSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_hours(1);

    fn words(values: &[SecretString]) -> Vec<&str> {
        values.iter().map(ExposeSecret::expose_secret).collect()
    }

    #[test]
    fn clones_see_the_newest_value_and_the_one_before_it_for_a_while() {
        let secret = LiveSecret::from(SecretString::from("one"));
        let seen = secret.clone();
        assert_eq!(words(&seen.accepted()), ["one"]);
        assert!(secret.turn("two".into(), LONG));
        assert_eq!(words(&seen.accepted()), ["two", "one"]);
        assert!(!secret.turn("two".into(), LONG), "the same again ends no overlap");
        assert_eq!(words(&seen.accepted()), ["two", "one"]);
        assert!(secret.turn("three".into(), Duration::ZERO));
        assert_eq!(words(&seen.accepted()), ["three"], "an overlap of nothing");
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?}", LiveSecret::from(SecretString::from("hunter2"))),
            "LiveSecret(..)"
        );
    }
}
