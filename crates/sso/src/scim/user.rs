//! A user as a directory writes it (RFC 7643 section 4.1): the attributes that mean something here.
use serde_json::Value;

/// A user as a directory wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDraft {
    /// `userName`: 1 to 254 characters. An address, if it is one, is where the user gets mail.
    pub user_name: String,
    /// `externalId`: the directory's own key, and the `sub` under which the issuer vouches for the user.
    pub external_id: Option<String>,
    /// `displayName`.
    pub display_name: Option<String>,
    /// `active`.
    pub active: bool,
}

/// Which attribute is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidUser {
    /// No user name, or a long one.
    #[error("`userName` has 1 to 254 characters")]
    UserName,
    /// A long key.
    #[error("`externalId` has 1 to 255 visible ASCII characters")]
    ExternalId,
    /// A long or unprintable name.
    #[error("`displayName` has 1 to 200 characters and no control characters")]
    DisplayName,
    /// Neither true nor false.
    #[error("`active` is true or false")]
    Active,
    /// Not a resource at all.
    #[error("the body is an object")]
    NotAnObject,
}

/// A member of an object by its name, whatever the case (RFC 7643 section 2.1).
pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    let members = value.as_object()?;
    let found = members.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    found.map(|(_, value)| value).filter(|value| !value.is_null())
}

/// A truth; some directories write it as text.
fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Bool(truth) => Some(*truth),
        Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
        Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

impl UserDraft {
    /// From the body of a POST or PUT. Attributes that mean nothing here are passed over (RFC 7644 section 3.3).
    ///
    /// # Errors
    /// [`InvalidUser`].
    pub fn read(body: &Value) -> Result<Self, InvalidUser> {
        if !body.is_object() {
            return Err(InvalidUser::NotAnObject);
        }
        let mut draft = Self {
            user_name: String::new(),
            external_id: None,
            display_name: None,
            active: true,
        };
        for name in ["userName", "externalId", "displayName", "active"] {
            if let Some(value) = member(body, name) {
                draft.set(&name.to_ascii_lowercase(), Some(value))?;
            }
        }
        if draft.user_name.is_empty() {
            return Err(InvalidUser::UserName);
        }
        Ok(draft)
    }

    /// Sets one attribute, by its name in lower case; `None` removes it. `false` if it means nothing here.
    pub(super) fn set(&mut self, name: &str, value: Option<&Value>) -> Result<bool, InvalidUser> {
        let text = value.and_then(Value::as_str).map(str::to_owned);
        match name {
            "username" => {
                let named = text.filter(|text| (1..=254).contains(&text.chars().count()));
                self.user_name = named.ok_or(InvalidUser::UserName)?;
            }
            "externalid" => {
                let plain = |text: &String| {
                    (1..=255).contains(&text.len()) && text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
                };
                if value.is_some() && !text.as_ref().is_some_and(plain) {
                    return Err(InvalidUser::ExternalId);
                }
                self.external_id = text;
            }
            "displayname" => {
                let plain =
                    |text: &String| (1..=200).contains(&text.chars().count()) && !text.chars().any(char::is_control);
                if value.is_some() && !text.as_ref().is_some_and(plain) {
                    return Err(InvalidUser::DisplayName);
                }
                self.display_name = text;
            }
            // Nobody becomes active by having the attribute removed.
            "active" => self.active = value.and_then(truth).ok_or(InvalidUser::Active)?,
            _ => return Ok(false),
        }
        Ok(true)
    }
}
