//! A group as a directory writes it (RFC 7643 section 4.2).
use std::collections::BTreeSet;

use keepgate_kernel::{PrincipalId, Timestamp, Uuid};
use serde_json::Value;

use super::{PatchError, user::member};
use crate::Issuer;

/// How many members a group may have.
const MEMBERS: usize = 1_000;

/// A group as a directory wants it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupDraft {
    /// `displayName`: the name by which a mapping knows it, 1 to 256 characters.
    pub display_name: String,
    /// `externalId`.
    pub external_id: Option<String>,
    /// `members`: users.
    pub members: BTreeSet<PrincipalId>,
}

/// A group on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectoryGroup {
    /// Its id.
    pub id: Uuid,
    /// Whose directory keeps it.
    pub issuer: Issuer,
    /// What it is.
    pub draft: GroupDraft,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// The members that `value` names: an array of `{"value": id}`, or one of them.
pub(super) fn members(value: &Value) -> Result<BTreeSet<PrincipalId>, PatchError> {
    let several = match value {
        Value::Array(several) => several.as_slice(),
        one => std::slice::from_ref(one),
    };
    if several.len() > MEMBERS {
        return Err(PatchError::TooMany);
    }
    let one = |value: &Value| {
        let id = member(value, "value").and_then(Value::as_str);
        id.and_then(|id| id.parse().ok()).ok_or(PatchError::Member)
    };
    several.iter().map(one).collect()
}

impl GroupDraft {
    /// From the body of a POST or PUT.
    ///
    /// # Errors
    /// [`PatchError`].
    pub fn read(body: &Value) -> Result<Self, PatchError> {
        let mut draft = Self {
            display_name: String::new(),
            external_id: None,
            members: BTreeSet::new(),
        };
        for name in ["displayName", "externalId", "members"] {
            if let Some(value) = member(body, name) {
                draft.set(&name.to_ascii_lowercase(), Some(value))?;
            }
        }
        if draft.display_name.is_empty() {
            return Err(PatchError::DisplayName);
        }
        Ok(draft)
    }

    /// As for users; members are replaced.
    pub(super) fn set(&mut self, name: &str, value: Option<&Value>) -> Result<bool, PatchError> {
        let text = value.and_then(Value::as_str).map(str::to_owned);
        match name {
            "displayname" => {
                let named = text.filter(|text| (1..=256).contains(&text.chars().count()));
                self.display_name = named.ok_or(PatchError::DisplayName)?;
            }
            "externalid" => {
                if value.is_some()
                    && !text
                        .as_ref()
                        .is_some_and(|text| (1..=255).contains(&text.chars().count()))
                {
                    return Err(PatchError::ExternalId);
                }
                self.external_id = text;
            }
            "members" => self.members = value.map_or_else(|| Ok(BTreeSet::new()), members)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Members on top of those there are.
    pub(super) fn add_members(&mut self, value: &Value) -> Result<(), PatchError> {
        self.members.extend(members(value)?);
        if self.members.len() > MEMBERS {
            return Err(PatchError::TooMany);
        }
        Ok(())
    }
}
