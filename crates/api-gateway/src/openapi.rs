//! The OpenAPI 3.1 document, generated from the handlers.
use axum::http::Method;
use serde_json::json;
use utoipa::{
    Modify, OpenApi,
    openapi::{
        PathItem,
        extensions::ExtensionsBuilder,
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
        (name = "messages", description = "Recipients, routes, messages, streams, webhooks"),
        (name = "audit", description = "The log, its proofs and its tiles (C2SP tlog-tiles)"),
        (name = "operations", description = "Health and version")
    )
)]
pub(crate) struct Document;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT or API key").build();
        document.components.get_or_insert_default().add_security_scheme("bearer", SecurityScheme::Http(scheme));
    }
}

/// The document, with each operation's action and its rule.
#[must_use]
pub fn document() -> utoipa::openapi::OpenApi {
    annotated(routes::collect().into_openapi())
}

pub(crate) fn annotated(mut document: utoipa::openapi::OpenApi) -> utoipa::openapi::OpenApi {
    for (method, route, action) in TABLE {
        // OpenAPI knows no wildcard: `{*path}` is documented as `{path}`
        let path = route.replace("{*", "{");
        let Some(operation) = document.paths.paths.get_mut(&path).and_then(|item| operation(item, method)) else { continue };
        let rule = keepgate_policy::rule(*action);
        let levels: Vec<u8> = keepgate_kernel::Level::ALL.into_iter().filter(|level| rule.levels.contains(*level)).map(u8::from).collect();
        let extensions = ExtensionsBuilder::new()
            .add("x-keepgate-action", json!(action.as_str()))
            .add("x-keepgate-levels", json!(levels))
            .add("x-keepgate-api-keys", json!(rule.keys))
            .build();
        operation.extensions.get_or_insert_default().merge(extensions);
    }
    document
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
