//! PATCH (RFC 7644 section 3.5.2), applied to what is there. All of a request's operations, or none.
use serde_json::Value;

use super::{GroupDraft, InvalidUser, Path, UserDraft, group::members, user::member};

/// How many operations one request may have.
const OPERATIONS: usize = 100;
/// Attributes of the core schema that mean nothing here: writing them changes nothing, and is no error.
const PASSED_OVER: [&str; 18] = [
    "name",
    "nickname",
    "profileurl",
    "title",
    "usertype",
    "preferredlanguage",
    "locale",
    "timezone",
    "password",
    "emails",
    "phonenumbers",
    "ims",
    "photos",
    "addresses",
    "entitlements",
    "roles",
    "x509certificates",
    "groups",
];

/// What one operation does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PatchOp {
    /// `add`.
    Add,
    /// `replace`.
    Replace,
    /// `remove`.
    Remove,
}

/// Why a PATCH can't be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// Not a PATCH request.
    #[error("`Operations` is a list of 1 to 100 operations, each `add`, `replace` or `remove`")]
    Syntax,
    /// A path that leads nowhere.
    #[error("the path leads to nothing that can be changed")]
    Path,
    /// `remove` without a path.
    #[error("`remove` wants a path")]
    NoTarget,
    /// An attribute of a user.
    #[error(transparent)]
    User(#[from] InvalidUser),
    /// The name of a group.
    #[error("`displayName` has 1 to 256 characters")]
    DisplayName,
    /// The key of a group.
    #[error("`externalId` has 1 to 255 characters")]
    ExternalId,
    /// A member that is no user's id.
    #[error("a member is `{{\"value\": …}}` with the id of a user")]
    Member,
    /// Too many members.
    #[error("a group has at most 1000 members")]
    TooMany,
}

/// The operations of one request, read but not applied.
#[derive(Debug, Clone, PartialEq)]
pub struct PatchRequest(Vec<Operation>);

#[derive(Debug, Clone, PartialEq)]
struct Operation {
    op: PatchOp,
    path: Option<Path>,
    value: Option<Value>,
}

impl PatchRequest {
    /// From the body.
    ///
    /// # Errors
    /// [`PatchError::Syntax`] and [`PatchError::Path`].
    pub fn read(body: &Value) -> Result<Self, PatchError> {
        let operations = member(body, "Operations")
            .and_then(Value::as_array)
            .ok_or(PatchError::Syntax)?;
        if operations.is_empty() || operations.len() > OPERATIONS {
            return Err(PatchError::Syntax);
        }
        operations.iter().map(operation).collect::<Result<_, _>>().map(Self)
    }

    /// Applies it to a user.
    ///
    /// # Errors
    /// [`PatchError`]; the draft is then of no use.
    pub fn apply_to_user(&self, user: &mut UserDraft) -> Result<(), PatchError> {
        for operation in &self.0 {
            let set = |user: &mut UserDraft, name: &str, value: Option<&Value>| Ok(user.set(name, value)?);
            each(operation, user, &set)?;
        }
        Ok(())
    }

    /// Applies it to a group.
    ///
    /// # Errors
    /// As [`PatchRequest::apply_to_user`].
    pub fn apply_to_group(&self, group: &mut GroupDraft) -> Result<(), PatchError> {
        for operation in &self.0 {
            match (operation.op, &operation.path, &operation.value) {
                (PatchOp::Remove, Some(Path::Member(id)), _) => {
                    let id = id.parse().map_err(|_| PatchError::Member)?;
                    group.members.remove(&id);
                }
                (PatchOp::Remove, Some(Path::Attribute(name)), Some(value)) if name == "members" => {
                    for id in members(value)? {
                        group.members.remove(&id);
                    }
                }
                (PatchOp::Add, Some(Path::Attribute(name)), Some(value)) if name == "members" => {
                    group.add_members(value)?
                }
                (PatchOp::Add, None, Some(value)) if member(value, "members").is_some() => {
                    if let Some(more) = member(value, "members") {
                        group.add_members(more)?;
                    }
                    for name in ["displayName", "externalId"] {
                        if let Some(value) = member(value, name) {
                            group.set(&name.to_ascii_lowercase(), Some(value))?;
                        }
                    }
                }
                _ => each(operation, group, &GroupDraft::set)?,
            }
        }
        Ok(())
    }
}

type Set<D> = dyn Fn(&mut D, &str, Option<&Value>) -> Result<bool, PatchError>;

/// What users and groups share: single attributes, and several at once.
fn each<D>(operation: &Operation, draft: &mut D, set: &Set<D>) -> Result<(), PatchError> {
    let known = |known: bool, name: &str| {
        let first = name.split('.').next().unwrap_or_default();
        if known || PASSED_OVER.contains(&first) || name.starts_with("urn:") {
            Ok(())
        } else {
            Err(PatchError::Path)
        }
    };
    match (operation.op, &operation.path, &operation.value) {
        (PatchOp::Remove, None, _) => Err(PatchError::NoTarget),
        (PatchOp::Remove, Some(Path::Attribute(name)), _) => known(set(draft, name, None)?, name),
        (_, Some(Path::Attribute(name)), Some(value)) => known(set(draft, name, Some(value))?, name),
        (_, None, Some(Value::Object(several))) => {
            for (name, value) in several {
                let name = name.to_ascii_lowercase();
                if name != "id" && name != "schemas" && name != "meta" {
                    known(set(draft, &name, Some(value).filter(|value| !value.is_null()))?, &name)?;
                }
            }
            Ok(())
        }
        (_, Some(Path::Member(_)), _) => Err(PatchError::Path),
        _ => Err(PatchError::Syntax),
    }
}

fn operation(value: &Value) -> Result<Operation, PatchError> {
    let word = member(value, "op").and_then(Value::as_str).unwrap_or_default();
    let op = match word.to_ascii_lowercase().as_str() {
        "add" => PatchOp::Add,
        "replace" => PatchOp::Replace,
        "remove" => PatchOp::Remove,
        _ => return Err(PatchError::Syntax),
    };
    let path = member(value, "path").map(|path| {
        let text = path.as_str().ok_or(PatchError::Path)?;
        match text.parse() {
            Ok(path) => Ok(path),
            // `emails[type eq "work"].value`: a part of something that means nothing here.
            Err(_) => {
                let first = super::filter::bare(text.split('[').next().unwrap_or_default());
                let over = PASSED_OVER.contains(&first.as_str());
                over.then_some(Path::Attribute(first)).ok_or(PatchError::Path)
            }
        }
    });
    Ok(Operation {
        op,
        path: path.transpose()?,
        value: member(value, "value").cloned(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn user() -> UserDraft {
        UserDraft::read(&json!({"userName": "ann@example.org", "externalId": "x", "displayName": "Ann"})).unwrap()
    }

    fn patched(operations: Value) -> Result<UserDraft, PatchError> {
        let mut user = user();
        PatchRequest::read(&json!({"Operations": operations}))?.apply_to_user(&mut user)?;
        Ok(user)
    }

    #[test]
    fn the_ways_in_which_directories_say_that_somebody_has_left() {
        for operations in [
            json!([{"op": "replace", "path": "active", "value": false}]),
            json!([{"op": "Replace", "path": "active", "value": "False"}]),
            json!([{"op": "replace", "value": {"active": false}}]),
            json!([{"op": "add", "path": "urn:ietf:params:scim:schemas:core:2.0:User:active", "value": false}]),
        ] {
            assert!(!patched(operations.clone()).unwrap().active, "{operations}");
        }
        let removed = patched(json!([{"op": "remove", "path": "active"}]));
        assert_eq!(removed, Err(PatchError::User(InvalidUser::Active)));
    }

    #[test]
    fn attributes_come_and_go_and_what_means_nothing_is_passed_over() {
        let changed = patched(json!([
            {"op": "replace", "path": "userName", "value": "bob@example.org"},
            {"op": "remove", "path": "displayName"},
            {"op": "add", "path": "emails[type eq \"work\"].value", "value": "b@example.org"},
            {"op": "add", "path": "name.givenName", "value": "Bob"},
        ]))
        .unwrap();
        assert_eq!(
            (changed.user_name.as_str(), changed.display_name),
            ("bob@example.org", None)
        );
        for (operations, wanted) in [
            (json!([]), PatchError::Syntax),
            (json!([{"op": "move", "path": "active"}]), PatchError::Syntax),
            (json!([{"op": "remove"}]), PatchError::NoTarget),
            (
                json!([{"op": "replace", "path": "level", "value": 5}]),
                PatchError::Path,
            ),
            (json!([{"op": "replace", "path": "a b", "value": 5}]), PatchError::Path),
            (
                json!([{"op": "remove", "path": "userName"}]),
                PatchError::User(InvalidUser::UserName),
            ),
        ] {
            assert_eq!(patched(operations.clone()), Err(wanted), "{operations}");
        }
    }

    #[test]
    fn members_are_added_taken_and_replaced() {
        let id = |number: u128| {
            keepgate_kernel::PrincipalId::from_parts(
                keepgate_kernel::PrincipalKind::User,
                keepgate_kernel::Uuid::from_u128(number),
            )
        };
        let named = |numbers: &[u128]| {
            let each = numbers.iter().map(|number| json!({"value": id(*number).to_string()}));
            Value::Array(each.collect())
        };
        let mut group = GroupDraft::read(&json!({"displayName": "g", "members": named(&[1, 2])})).unwrap();
        let mut apply = |operation: Value| {
            let read = PatchRequest::read(&json!({"Operations": [operation]})).unwrap();
            read.apply_to_group(&mut group).unwrap();
            group
                .members
                .iter()
                .map(|member| member.uuid().as_u128())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            apply(json!({"op": "add", "path": "members", "value": named(&[3])})),
            [1, 2, 3]
        );
        assert_eq!(
            apply(json!({"op": "remove", "path": format!("members[value eq \"{}\"]", id(1))})),
            [2, 3]
        );
        assert_eq!(
            apply(json!({"op": "remove", "path": "members", "value": named(&[3])})),
            [2]
        );
        assert_eq!(apply(json!({"op": "add", "value": {"members": named(&[4])}})), [2, 4]);
        assert_eq!(
            apply(json!({"op": "replace", "path": "members", "value": named(&[5])})),
            [5]
        );
        assert_eq!(apply(json!({"op": "remove", "path": "members"})), [] as [u128; 0]);
    }
}
