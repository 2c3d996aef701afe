//! What a new password must be: long, and not one of those tried first. No rule about character classes (NIST SP 800-63B-4, 3.1.1.2).
//!
//! Passwords are put into Unicode NFC before anything is done with them, when they are set and when they are compared, so that
//! two keyboards agree. Length is counted in code points.
mod common;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::{UnicodeNormalization, is_nfc};

/// The fewest characters where the password is the only factor.
pub const ALONE: usize = 15;
/// The fewest characters where a second factor is enrolled.
pub const WITH_SECOND_FACTOR: usize = 8;
/// The most bytes: whoever sends megabytes wants our time, not an account.
pub const LONGEST: usize = 1024;

/// A password that may be set. Comparing passwords needs no rule, so old ones keep working when the rule changes.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Whose password it is to be.
#[derive(Clone, Default)]
pub struct PasswordContext {
    /// Whether a second factor is enrolled, so that a shorter one will do.
    pub second_factor: bool,
    /// Words that anybody would try on this account: its address, the tenant's name.
    pub words: Vec<String>,
}

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Fewer characters than the number inside.
    #[error("a password has at least {0} characters")]
    TooShort(usize),
    /// More than 1,024 bytes.
    #[error("a password has at most 1,024 bytes")]
    TooLong,
    /// A repetition, a run along the keyboard, or made of the commonest passwords, words, or the account's own names.
    #[error("that password is among those tried first")]
    Common,
}

impl Password {
    /// Checks `text` against the rule for an account without a second factor that nothing is known of.
    ///
    /// # Errors
    /// [`PasswordRule`] names the part that fails.
    pub fn new(text: SecretString) -> Result<Self, PasswordRule> {
        Self::fitting(text, &PasswordContext::default())
    }

    /// Checks `text` against the rule. May take milliseconds.
    ///
    /// # Errors
    /// [`PasswordRule`] names the part that fails.
    pub fn fitting(text: SecretString, context: &PasswordContext) -> Result<Self, PasswordRule> {
        if text.expose_secret().len() > LONGEST {
            return Err(PasswordRule::TooLong);
        }
        let text = normalised(text);
        let exposed = text.expose_secret();
        if exposed.len() > LONGEST {
            return Err(PasswordRule::TooLong);
        }
        let least = if context.second_factor {
            WITH_SECOND_FACTOR
        } else {
            ALONE
        };
        if exposed.chars().count() < least {
            return Err(PasswordRule::TooShort(least));
        }
        if common::is_common(exposed, context) {
            Err(PasswordRule::Common)
        } else {
            Ok(Self(text))
        }
    }

    /// Whether it is too short to be the only factor.
    pub(crate) fn is_short(&self) -> bool {
        self.0.expose_secret().chars().count() < ALONE
    }

    pub(crate) const fn secret(&self) -> &SecretString {
        &self.0
    }
}

/// What somebody typed, as it is compared: normalised, and nobody's password when it is longer than any.
pub(crate) fn typed(text: &SecretString) -> SecretString {
    if text.expose_secret().len() > LONGEST {
        return SecretString::default();
    }
    normalised(text.clone())
}

fn normalised(text: SecretString) -> SecretString {
    if is_nfc(text.expose_secret()) {
        return text;
    }
    text.expose_secret().nfc().collect::<String>().into()
}

impl std::fmt::Debug for PasswordContext {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PasswordContext")
            .field("second_factor", &self.second_factor)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<(), PasswordRule> {
        Password::new(text.into()).map(|_| ())
    }

    #[test]
    fn length_is_counted_in_characters_below_and_in_bytes_above() {
        assert_eq!(rule("violet-harbour"), Err(PasswordRule::TooShort(15)));
        assert_eq!(rule("violet-harbours"), Ok(()));
        assert_eq!(rule("näive-Brücke-öd"), Ok(()));
        assert_eq!(
            rule(&"violet harbours and 7 kayaks, ".repeat(34)),
            Ok(()),
            "1,020 bytes"
        );
        assert_eq!(
            rule(&"violet harbours and 7 kayaks, ".repeat(35)),
            Err(PasswordRule::TooLong)
        );
    }

    #[test]
    fn eight_characters_are_enough_beside_a_second_factor() {
        let context = PasswordContext {
            second_factor: true,
            words: Vec::new(),
        };
        let with = |text: &str| Password::fitting(text.into(), &context).map(|_| ());
        assert_eq!(with("kX9-vtq"), Err(PasswordRule::TooShort(8)));
        assert_eq!(with("kX9-vtq2"), Ok(()));
        for bad in ["password", "Passw0rd", "football", "12345678", "qwertyui", "iloveyou2"] {
            assert_eq!(with(bad), Err(PasswordRule::Common), "{bad}");
        }
    }

    #[test]
    fn two_ways_to_type_the_same_are_one_password_of_the_same_length() {
        let (composed, decomposed) = ("Br\u{fc}cke nach \u{d6}land", "Bru\u{308}cke nach O\u{308}land");
        assert_eq!(
            typed(&decomposed.into()).expose_secret(),
            typed(&composed.into()).expose_secret()
        );
        let set = Password::new(decomposed.into()).unwrap();
        assert_eq!(set.secret().expose_secret(), composed);
        // Fifteen code points, of which one is a combining mark.
        assert_eq!(rule("violet-harbou\u{308}r"), Err(PasswordRule::TooShort(15)));
    }

    #[test]
    fn what_is_longer_than_any_password_is_nobody_s() {
        assert_eq!(typed(&"x".repeat(1025).into()).expose_secret(), "");
        assert_eq!(typed(&"x".repeat(1024).into()).expose_secret().len(), 1024);
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Password::new("violet-harbour-7".into())).contains("violet"));
        let context = PasswordContext {
            words: vec!["ann".into()],
            ..PasswordContext::default()
        };
        assert!(!format!("{context:?}").contains("ann"));
    }
}
