//! Whom messages go to.
use keepgate_kernel::{RecipientId, Timestamp};

use super::{Contact, QuietHours};

/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The most contacts of one recipient or message.
pub const MAX_CONTACTS: usize = 20;

/// Why a recipient can't be what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecipientError {
    /// Empty, longer than [`MAX_NAME_CHARS`], or with control characters.
    #[error("a name has 1 to 200 characters")]
    Name,
    /// None, or more than [`MAX_CONTACTS`].
    #[error("a recipient has 1 to 20 contacts")]
    Contacts,
    /// Not a language tag (BCP 47) such as `en` or `de-AT`.
    #[error("a locale is a language tag such as `en` or `de-AT`")]
    Locale,
}

/// A person or a thing that messages go to: a name with contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Its id.
    pub id: RecipientId,
    /// What people call it.
    pub name: String,
    /// How to reach it. Within a channel, earlier contacts are tried first.
    pub contacts: Vec<Contact>,
    /// When it would rather not be disturbed. Kept and shown; deliveries do not heed it.
    pub quiet_hours: Option<QuietHours>,
    /// The language calls should speak.
    pub locale: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
}

impl Recipient {
    /// Checks the limits of every field.
    ///
    /// # Errors
    /// [`RecipientError`], the first that applies.
    pub fn check(&self) -> Result<(), RecipientError> {
        if !(1..=MAX_NAME_CHARS).contains(&self.name.chars().count()) || self.name.chars().any(char::is_control) {
            return Err(RecipientError::Name);
        }
        if !(1..=MAX_CONTACTS).contains(&self.contacts.len()) {
            return Err(RecipientError::Contacts);
        }
        if self.locale.as_deref().is_some_and(|locale| !is_language_tag(locale)) {
            return Err(RecipientError::Locale);
        }
        Ok(())
    }
}

fn is_language_tag(text: &str) -> bool {
    let mut parts = text.split('-');
    let language = parts
        .next()
        .is_some_and(|part| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic()));
    let rest: Vec<&str> = parts.collect();
    language
        && rest.len() <= 3
        && rest
            .iter()
            .all(|p| (2..=8).contains(&p.len()) && p.bytes().all(|b| b.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Channel;

    fn recipient() -> Recipient {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        Recipient {
            id: RecipientId::new(at),
            name: "Ann".into(),
            contacts: vec![Contact::new(Channel::Sms, "+15005550006", false).unwrap()],
            quiet_hours: None,
            locale: Some("de-AT".into()),
            created_at: at,
        }
    }

    #[test]
    fn limits_are_held() {
        assert_eq!(recipient().check(), Ok(()));
        assert_eq!(
            Recipient {
                name: "é".repeat(200),
                ..recipient()
            }
            .check(),
            Ok(())
        );
        assert_eq!(
            Recipient {
                name: "a".repeat(201),
                ..recipient()
            }
            .check(),
            Err(RecipientError::Name)
        );
        assert_eq!(
            Recipient {
                name: String::new(),
                ..recipient()
            }
            .check(),
            Err(RecipientError::Name)
        );
        assert_eq!(
            Recipient {
                name: "a\nb".into(),
                ..recipient()
            }
            .check(),
            Err(RecipientError::Name)
        );
        assert_eq!(
            Recipient {
                contacts: vec![],
                ..recipient()
            }
            .check(),
            Err(RecipientError::Contacts)
        );
        let many = vec![Contact::new(Channel::Sms, "+15005550006", false).unwrap(); 21];
        assert_eq!(
            Recipient {
                contacts: many,
                ..recipient()
            }
            .check(),
            Err(RecipientError::Contacts)
        );
        assert_eq!(
            Recipient {
                locale: Some("german".into()),
                ..recipient()
            }
            .check(),
            Err(RecipientError::Locale)
        );
    }
}
