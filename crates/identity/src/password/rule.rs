//! What a new password must be: long, and not one of those tried first. No rule about character classes (NIST SP 800-63B).
use secrecy::{ExposeSecret, SecretString};

/// A password that may be set. Comparing passwords needs no rule, so old ones keep working when the rule changes.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

/// Why a password may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRule {
    /// Fewer than 15 characters.
    #[error("a password has at least 15 characters")]
    TooShort,
    /// More than 1,024 bytes.
    #[error("a password has at most 1,024 bytes")]
    TooLong,
    /// A repetition, a run along the alphabet, or made of the commonest passwords.
    #[error("that password is among those tried first")]
    Common,
}

const SHORTEST: usize = 15;
const LONGEST: usize = 1024;
/// Whoever guesses tries these first, one after another and with a few digits around them.
const FRAGMENTS: [&str; 24] = [
    "password",
    "passwort",
    "motdepasse",
    "keepgate",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qwerty",
    "letmein",
    "welcome",
    "iloveyou",
    "administrator",
    "admin",
    "changeme",
    "trustno1",
    "football",
    "baseball",
    "superman",
    "1q2w3e4r5t",
    "123456789",
    "12345",
    "secret",
    "login",
];
/// What must be left of a password when the fragments are taken out.
const REST: usize = 8;

impl Password {
    /// Checks `text` against the rule.
    ///
    /// # Errors
    /// [`PasswordRule`] names the part that fails.
    pub fn new(text: SecretString) -> Result<Self, PasswordRule> {
        let exposed = text.expose_secret();
        if exposed.len() > LONGEST {
            return Err(PasswordRule::TooLong);
        }
        if exposed.chars().count() < SHORTEST {
            return Err(PasswordRule::TooShort);
        }
        if is_common(exposed) {
            Err(PasswordRule::Common)
        } else {
            Ok(Self(text))
        }
    }

    pub(crate) const fn secret(&self) -> &SecretString {
        &self.0
    }
}

fn is_common(text: &str) -> bool {
    let plain: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest: String = plain.iter().collect();
    for fragment in FRAGMENTS {
        rest = rest.replace(fragment, "");
    }
    is_repetition(&plain) || is_run(&plain) || rest.chars().count() < REST
}

/// One block of at most 8 characters over and over.
fn is_repetition(text: &[char]) -> bool {
    (1..=8).any(|block| {
        text.iter()
            .zip(text.iter().skip(block))
            .all(|(one, other)| one == other)
    })
}

/// Every character follows, or is followed by, its neighbour's neighbour in the alphabet, or nearly every one.
fn is_run(text: &[char]) -> bool {
    let step = |by: i64| {
        text.windows(2)
            .filter(
                |pair| matches!(pair, [one, other] if i64::from(u32::from(*other)) - i64::from(u32::from(*one)) == by),
            )
            .count()
    };
    step(1).max(step(-1)) + 4 > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(text: &str) -> Result<(), PasswordRule> {
        Password::new(text.into()).map(|_| ())
    }

    #[test]
    fn length_is_counted_in_characters_below_and_in_bytes_above() {
        assert_eq!(rule("violet-harbour"), Err(PasswordRule::TooShort));
        assert_eq!(rule("violet-harbours"), Ok(()));
        assert_eq!(rule("näive-Brücke-öd"), Ok(()));
        assert_eq!(rule(&"violet-harbour ".repeat(69)), Err(PasswordRule::TooLong));
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for bad in [
            "passwordpassword",
            "Password-Password-1",
            "password12345678",
            "KeepgateKeepgate2",
            "aaaaaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "abcdefghijklmnop",
            "9876543210987654",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "letmeinletmein123",
            "               ",
        ] {
            assert_eq!(rule(bad), Err(PasswordRule::Common), "{bad}");
        }
    }

    #[test]
    fn phrases_are_welcome() {
        for good in [
            "correct horse battery staple",
            "Tr0ub4dor&3-and-more",
            "nine purple kayaks",
            "my admin password is harmless",
        ] {
            assert_eq!(rule(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", Password::new("violet-harbour-7".into())).contains("violet"));
    }
}
