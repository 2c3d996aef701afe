//! Where a PATCH operation aims (RFC 7644 section 3.5.2): an attribute, or one member by its value.
use super::filter::bare;

/// The longest path that is read, in bytes.
const LENGTH: usize = 1_000;

/// A place in a user or group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Path {
    /// An attribute, in lower case.
    Attribute(String),
    /// `members[value eq "…"]`.
    Member(String),
}

/// A path of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a path is an attribute's name, or a member by its value")]
pub struct InvalidPath;

impl std::str::FromStr for Path {
    type Err = InvalidPath;
    fn from_str(text: &str) -> Result<Self, InvalidPath> {
        let text = text.trim();
        if text.is_empty() || text.len() > LENGTH {
            return Err(InvalidPath);
        }
        if let Some((name, rest)) = text.split_once('[') {
            let inner = rest.strip_suffix(']').ok_or(InvalidPath)?.trim();
            let mut words = inner.splitn(3, ' ');
            let (attribute, operator, value) = (words.next(), words.next(), words.next());
            let by_value = attribute.is_some_and(|word| word.eq_ignore_ascii_case("value"))
                && operator.is_some_and(|word| word.eq_ignore_ascii_case("eq"));
            if bare(name) != "members" || !by_value {
                return Err(InvalidPath);
            }
            let value = value.and_then(|value| serde_json::from_str(value.trim()).ok());
            return value.map(Self::Member).ok_or(InvalidPath);
        }
        let name = bare(text);
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_-$.".contains(&byte);
        if name.bytes().all(letters) {
            Ok(Self::Attribute(name))
        } else {
            Err(InvalidPath)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_attribute_or_a_member() {
        let attribute = |name: &str| Ok(Path::Attribute(name.to_owned()));
        assert_eq!("active".parse(), attribute("active"));
        assert_eq!("name.givenName".parse(), attribute("name.givenname"));
        assert_eq!(
            "urn:ietf:params:scim:schemas:core:2.0:User:displayName".parse(),
            attribute("displayname")
        );
        assert_eq!(r#"members[value eq "usr_1"]"#.parse(), Ok(Path::Member("usr_1".into())));
        assert_eq!(r#"Members[Value EQ "a b"]"#.parse(), Ok(Path::Member("a b".into())));
        for bad in [
            "",
            "members[",
            "members[]",
            r#"members[value ne "a"]"#,
            r#"members[value eq "a"].display"#,
            r#"emails[type eq "work"].value"#,
            r#"members[value eq "a" or value eq "b"]"#,
            "a b",
        ] {
            assert_eq!(bad.parse::<Path>(), Err(InvalidPath), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,200}") {
            let _whatever = text.parse::<Path>();
            let _member = format!("members[{text}]").parse::<Path>();
        }
    }
}
