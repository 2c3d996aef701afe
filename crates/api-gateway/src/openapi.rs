//! The OpenAPI 3.1 document, generated from the handlers.
use axum::http::Method;
use keepgate_kernel::{Action, Hat, Level};
use serde_json::json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        PathItem,
        extensions::{Extensions, ExtensionsBuilder},
        path::Operation,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};

use crate::{TABLE, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Keepgate",
        version = "1",
        description = "Gateway between devices and field staff on one side and a back office on the other: who may do this, did it happen, did the message get through.",
        license(name = "MIT OR Apache-2.0")
    ),
    modifiers(&Bearer),
    tags(
        (name = "identity", description = "Log in, sessions, users, API keys, tenants"),
        (name = "scim", description = "Users and groups, kept by a directory (SCIM 2.0)"),
        (name = "messages", description = "Recipients, routes, messages, streams, webhooks"),
        (name = "audit", description = "The log, its proofs and its tiles (C2SP tlog-tiles)"),
        (name = "operations", description = "Health and version")
    )
)]
pub(crate) struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT or API key")
            .build();
        document
            .components
            .get_or_insert_default()
            .add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document, with each operation's action and its rule.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    annotated(routes::everything().into_openapi())
}

/// The document as text, the same bytes every time: members in alphabetical order, which hash maps inside would not keep.
///
/// # Errors
/// What the serialiser says.
pub fn document_text() -> serde_json::Result<String> {
    serde_json::to_string_pretty(&sorted(serde_json::to_value(document())?))
}

fn sorted(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Object(members) => {
            let ordered: std::collections::BTreeMap<_, _> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

pub(crate) fn annotated(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    // OpenAPI knows no wildcard: `{*path}` is documented as `{path}`.
    let paths = std::mem::take(&mut document.paths.paths);
    document.paths.paths = paths
        .into_iter()
        .map(|(path, item)| (documented(&path), item))
        .collect();
    for (method, route, action) in TABLE {
        let path = documented(route);
        let Some(operation) = document
            .paths
            .paths
            .get_mut(&path)
            .and_then(|item| operation(item, method))
        else {
            continue;
        };
        let extensions = permission(*action);
        operation.extensions.get_or_insert_default().merge(extensions);
    }
    document
}

/// The whole rule, as docs/permissions.md has it. The three extensions before it repeat parts of it.
fn permission(action: Action) -> Extensions {
    let rule = keepgate_policy::rule(action);
    let levels: Vec<u8> = Level::ALL
        .into_iter()
        .filter(|level| rule.levels.contains(*level))
        .map(u8::from)
        .collect();
    let hats: Vec<&str> = Hat::ALL
        .into_iter()
        .filter(|hat| rule.hats.contains(*hat))
        .map(Hat::as_str)
        .collect();
    let whole = json!({
        "action": action.as_str(),
        "levels": levels,
        "api_keys": rule.keys,
        "hats": hats,
        "step_up": rule.step_up,
        "two_person": rule.two_person,
        "one_factor": rule.one_factor,
        "reach": rule.reach.as_str(),
    });
    ExtensionsBuilder::new()
        .add("x-keepgate-action", json!(action.as_str()))
        .add("x-keepgate-levels", json!(levels))
        .add("x-keepgate-api-keys", json!(rule.keys))
        .add("x-keepgate-permission", whole)
        .build()
}

fn documented(route: &str) -> String {
    route.replace("{*", "{")
}

fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match method.as_str() {
        "GET" => item.get.as_mut(),
        "POST" => item.post.as_mut(),
        "PUT" => item.put.as_mut(),
        "PATCH" => item.patch.as_mut(),
        "DELETE" => item.delete.as_mut(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::EXEMPT;

    fn described() -> BTreeSet<(String, String)> {
        let document = serde_json::to_value(document()).unwrap();
        let mut all = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for method in item.as_object().unwrap().keys().filter(|key| *key != "parameters") {
                all.insert((method.to_uppercase(), path.clone()));
            }
        }
        all
    }

    #[test]
    fn every_route_is_an_operation_or_exempt_and_every_operation_is_a_route() {
        let operations = TABLE
            .iter()
            .map(|(method, route, _)| (method.to_string(), documented(route)));
        let exempt = EXEMPT
            .iter()
            .map(|(method, route)| (method.to_string(), (*route).to_owned()));
        let known: BTreeSet<_> = operations.chain(exempt).collect();
        let described = described();
        let undescribed: Vec<_> = known
            .difference(&described)
            .filter(|(_, path)| path != "/openapi.json")
            .collect();
        assert!(undescribed.is_empty(), "in the table, but no route: {undescribed:?}");
        let unknown: Vec<_> = described.difference(&known).collect();
        assert!(unknown.is_empty(), "a route, but not in the table: {unknown:?}");
    }

    #[test]
    fn the_text_is_the_same_every_time() {
        assert_eq!(document_text().unwrap(), document_text().unwrap());
    }

    #[test]
    fn the_exemptions_only_shrink() {
        assert!(
            EXEMPT.len() <= 6,
            "a new route is an operation: give it a line in the table"
        );
    }

    #[test]
    fn every_operation_names_its_action_and_its_errors() {
        let document = serde_json::to_value(document()).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
        for (method, route, action) in TABLE {
            let operation = &document["paths"][documented(route)][method.as_str().to_lowercase()];
            assert_eq!(operation["x-keepgate-action"], action.as_str(), "{method} {route}");
            let permission = &operation["x-keepgate-permission"];
            assert_eq!(permission["action"], action.as_str(), "{method} {route}");
            assert_eq!(permission["levels"], operation["x-keepgate-levels"], "{method} {route}");
            assert!(
                operation["description"].is_string() || operation["summary"].is_string(),
                "{method} {route}"
            );
        }
    }
}
