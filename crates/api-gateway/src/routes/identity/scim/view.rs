//! Resources as JSON, pages of them, and what both share.
use axum::{
    http::{StatusCode, header},
    response::Response,
};
use keepgate_gate::operations::ScimUser;
use keepgate_kernel::format_time;
use keepgate_sso::scim::{DirectoryGroup, Filter};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::directory::{ScimProblem, answer};

pub(super) const USER: &str = "urn:ietf:params:scim:schemas:core:2.0:User";
pub(super) const GROUP: &str = "urn:ietf:params:scim:schemas:core:2.0:Group";
const LIST: &str = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
/// The largest page.
pub(super) const PAGE: u32 = 100;

/// What a list, or a single resource, may be asked for with. Other parameters are passed over, as RFC 7644 has it for services that
/// don't sort.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    filter: Option<String>,
    start_index: Option<i64>,
    count: Option<i64>,
    attributes: Option<String>,
    excluded_attributes: Option<String>,
}

impl Asked {
    pub(super) fn read(query: Option<&str>) -> Result<Self, ScimProblem> {
        let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
        let mut asked = Self::default();
        let number = |text: &str| {
            text.parse()
                .map_err(|_| ScimProblem::invalid("invalidValue", "not a number"))
        };
        for (name, value) in pairs {
            match name.as_ref() {
                "filter" => asked.filter = Some(value.into_owned()),
                "startIndex" => asked.start_index = Some(number(&value)?),
                "count" => asked.count = Some(number(&value)?),
                "attributes" => asked.attributes = Some(value.into_owned()),
                "excludedAttributes" => asked.excluded_attributes = Some(value.into_owned()),
                _ => {}
            }
        }
        Ok(asked)
    }

    pub(super) fn filter(&self) -> Result<Option<Filter>, ScimProblem> {
        let parsed = self.filter.as_deref().map(str::parse::<Filter>).transpose();
        parsed.map_err(|error| ScimProblem::invalid("invalidFilter", error.to_string()))
    }

    /// How many to leave out and to show (RFC 7644 section 3.4.2.4: a first index below 1 means 1, a negative count 0).
    pub(super) fn page(&self) -> (u32, u32) {
        let start = self.start_index.unwrap_or(1).max(1);
        let count = self.count.unwrap_or(i64::from(PAGE)).clamp(0, i64::from(PAGE));
        (
            u32::try_from(start - 1).unwrap_or(u32::MAX),
            u32::try_from(count).unwrap_or(PAGE),
        )
    }

    /// The attributes that were asked for (RFC 7644 section 3.4.2.5); `schemas` and `id` always.
    pub(super) fn narrow(&self, mut resource: Value) -> Value {
        let first = |name: &str| {
            let bare = name.trim().rsplit(':').next().unwrap_or_default();
            bare.split('.').next().unwrap_or_default().to_ascii_lowercase()
        };
        let names = |list: &Option<String>| list.as_ref().map(|list| list.split(',').map(first).collect::<Vec<_>>());
        let (wanted, unwanted) = (names(&self.attributes), names(&self.excluded_attributes));
        if let Some(members) = resource.as_object_mut() {
            members.retain(|name, _| {
                let name = name.to_ascii_lowercase();
                let always = name == "schemas" || name == "id";
                let asked = wanted.as_ref().is_none_or(|wanted| wanted.contains(&name));
                always || (asked && !unwanted.as_ref().is_some_and(|unwanted| unwanted.contains(&name)))
            });
        }
        resource
    }

    /// A page of resources.
    pub(super) fn list(&self, total: u64, resources: Vec<Value>) -> Response {
        let resources: Vec<Value> = resources.into_iter().map(|resource| self.narrow(resource)).collect();
        let body = json!({"schemas": [LIST], "totalResults": total, "itemsPerPage": resources.len(),
            "startIndex": self.page().0.saturating_add(1), "Resources": resources});
        answer(StatusCode::OK, &body)
    }
}

/// `Some` members only: what has no value is left out (RFC 7643 section 2.5).
fn object(members: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Value {
    let present = members
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(present.collect::<Map<_, _>>())
}

pub(super) fn user(user: &ScimUser) -> Value {
    let groups = user.groups.iter().map(|(id, name)| {
        json!({"value": id.to_string(), "$ref": format!("/scim/v2/Groups/{id}"), "display": name, "type": "direct"})
    });
    let groups: Vec<Value> = groups.collect();
    object([
        ("schemas", Some(json!([USER]))),
        ("id", Some(json!(user.id.to_string()))),
        ("externalId", user.draft.external_id.as_ref().map(|id| json!(id))),
        ("userName", Some(json!(user.draft.user_name))),
        ("displayName", user.draft.display_name.as_ref().map(|name| json!(name))),
        ("active", Some(json!(user.draft.active))),
        ("groups", Some(json!(groups)).filter(|_| !groups.is_empty())),
        (
            "meta",
            Some(json!({"resourceType": "User", "created": format_time(user.created_at),
                "lastModified": format_time(user.updated_at), "location": format!("/scim/v2/Users/{}", user.id)})),
        ),
    ])
}

pub(super) fn group(group: &DirectoryGroup) -> Value {
    let members = group
        .draft
        .members
        .iter()
        .map(|id| json!({"value": id.to_string(), "$ref": format!("/scim/v2/Users/{id}")}));
    let members: Vec<Value> = members.collect();
    object([
        ("schemas", Some(json!([GROUP]))),
        ("id", Some(json!(group.id.to_string()))),
        ("externalId", group.draft.external_id.as_ref().map(|id| json!(id))),
        ("displayName", Some(json!(group.draft.display_name))),
        ("members", Some(json!(members)).filter(|_| !members.is_empty())),
        (
            "meta",
            Some(
                json!({"resourceType": "Group", "created": format_time(group.created_at),
                "lastModified": format_time(group.updated_at), "location": format!("/scim/v2/Groups/{}", group.id)}),
            ),
        ),
    ])
}

/// One resource, with `Location` where it has just been made.
pub(super) fn one(status: StatusCode, resource: &Value) -> Response {
    let mut response = answer(status, resource);
    let location = resource
        .pointer("/meta/location")
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok());
    if let Some(location) = location.filter(|_| status == StatusCode::CREATED) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}
