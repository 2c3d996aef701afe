//! Filters, the subset that directories use to find one resource: `attribute eq "value"` (RFC 7644 section 3.4.2.2).

/// The longest filter that is read, in bytes.
const LENGTH: usize = 1_000;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FilterOn {
    /// `id`.
    Id,
    /// `externalId`.
    ExternalId,
    /// `userName`, whatever the case.
    UserName,
    /// `displayName`.
    DisplayName,
}

/// An equality.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Filter {
    /// What is compared …
    pub on: FilterOn,
    /// … with what.
    pub value: String,
}

/// A filter of another kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only `id`, `externalId`, `userName` and `displayName` can be filtered, with `eq` and a string")]
pub struct InvalidFilter;

/// An attribute's name without the schema before it, in lower case.
pub(super) fn bare(name: &str) -> String {
    let lower = name.to_ascii_lowercase();
    let bare = [
        "urn:ietf:params:scim:schemas:core:2.0:user:",
        "urn:ietf:params:scim:schemas:core:2.0:group:",
    ]
    .iter()
    .find_map(|schema| lower.strip_prefix(schema));
    bare.map_or(lower.clone(), str::to_owned)
}

impl std::str::FromStr for Filter {
    type Err = InvalidFilter;
    fn from_str(text: &str) -> Result<Self, InvalidFilter> {
        if text.len() > LENGTH {
            return Err(InvalidFilter);
        }
        let (name, rest) = text.trim().split_once(' ').ok_or(InvalidFilter)?;
        let (operator, value) = rest.trim_start().split_once(' ').ok_or(InvalidFilter)?;
        let on = match bare(name).as_str() {
            "id" => FilterOn::Id,
            "externalid" => FilterOn::ExternalId,
            "username" => FilterOn::UserName,
            "displayname" => FilterOn::DisplayName,
            _ => return Err(InvalidFilter),
        };
        if !operator.eq_ignore_ascii_case("eq") {
            return Err(InvalidFilter);
        }
        // The value is a JSON string, and nothing comes after it.
        let value = serde_json::from_str(value.trim()).map_err(|_| InvalidFilter)?;
        Ok(Self { on, value })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_equality_is_read_whatever_the_case_of_its_words() {
        for (text, on, value) in [
            (
                r#"userName eq "ann@example.org""#,
                FilterOn::UserName,
                "ann@example.org",
            ),
            (r#"USERNAME Eq "a""#, FilterOn::UserName, "a"),
            (
                r#"externalId eq "a \"b\" \\ \u00e4""#,
                FilterOn::ExternalId,
                "a \"b\" \\ ä",
            ),
            (
                r#"urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a""#,
                FilterOn::UserName,
                "a",
            ),
            (r#"  id  eq  "x and y eq z"  "#, FilterOn::Id, "x and y eq z"),
        ] {
            let value = value.to_owned();
            assert_eq!(text.parse(), Ok(Filter { on, value }), "{text}");
        }
        for bad in [
            "",
            "userName",
            "userName eq",
            "userName eq ann",
            r#"userName ne "a""#,
            r#"userName eq "a" or id eq "b""#,
            r#"not (userName eq "a")"#,
            r#"password eq "a""#,
            r#"userName eq "a"#,
            "userName eq 1",
        ] {
            assert_eq!(bad.parse::<Filter>(), Err(InvalidFilter), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_value_survives_and_no_text_panics(value in ".{0,80}", text in "\\PC{0,200}") {
            let filter = format!("userName eq {}", serde_json::to_string(&value).unwrap());
            prop_assert_eq!(filter.parse::<Filter>().map(|filter| filter.value), Ok(value));
            let _whatever = text.parse::<Filter>();
        }
    }
}
