//! E-mail addresses, as a name to log in with.

/// An address: ASCII, lower-cased, 3 to 254 characters, one `@` with something sensible on either side. Whether anybody reads it
/// is not known. Debug shows no part of it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Email(String);

/// A text that is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an e-mail address")]
pub struct InvalidEmail;

impl Email {
    /// An address that nobody has: what a text that is no address is looked up as, so that it costs the same.
    pub(crate) fn nobody() -> Self {
        Self("nobody@nowhere.invalid".into())
    }

    /// The address in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Email {
    type Err = InvalidEmail;
    fn from_str(text: &str) -> Result<Self, InvalidEmail> {
        let (local, domain) = text.split_once('@').ok_or(InvalidEmail)?;
        let plain = |part: &str| {
            part.bytes()
                .all(|byte| byte.is_ascii_graphic() && !b"@\"(),:;<>[\\]".contains(&byte))
        };
        let label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let dots = !local.starts_with('.') && !local.ends_with('.') && !local.contains("..");
        let right = (1..=64).contains(&local.len())
            && plain(local)
            && dots
            && domain.split('.').all(label)
            && text.len() <= 254;
        if right {
            Ok(Self(text.to_ascii_lowercase()))
        } else {
            Err(InvalidEmail)
        }
    }
}

impl std::fmt::Debug for Email {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Email(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference() {
        assert_eq!(
            "Ann.B+x@Example.ORG".parse::<Email>().unwrap().as_str(),
            "ann.b+x@example.org"
        );
        assert!("owner@default.invalid".parse::<Email>().is_ok());
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@example.org", "a".repeat(65));
        for bad in [
            "", "a", "@", "a@", "@b", "a@b@c", "a b@c.d", "a@b..c", "a@.b", ".a@b.c", "a.@b.c", "a@-b.c", "é@b.c",
            "a\n@b.c", &long,
        ] {
            assert_eq!(bad.parse::<Email>(), Err(InvalidEmail), "{bad:?}");
        }
    }

    #[test]
    fn debug_shows_nothing() {
        assert!(!format!("{:?}", "ann@example.org".parse::<Email>().unwrap()).contains("ann"));
    }
}
