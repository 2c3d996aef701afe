//! What the service can do (RFC 7643 sections 5 to 7, RFC 7644 section 4).
use axum::{
    extract::{RawQuery, State},
    http::StatusCode,
    response::Response,
};
use keepgate_gate::operations::ReadScimSchema;
use serde_json::{Value, json};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::view::{Asked, GROUP, PAGE, USER};
use crate::{
    Api,
    directory::{DirectoryCaller, ScimProblem, answer},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(config))
        .routes(routes!(resource_types))
        .routes(routes!(resource_type))
        .routes(routes!(schemas))
        .routes(routes!(schema))
}

async fn allowed(caller: &DirectoryCaller, api: &Api) -> Result<(), ScimProblem> {
    let directory = caller.directory.clone();
    caller.perform(api, &ReadScimSchema { directory }).await
}

/// What the service can do.
#[utoipa::path(get, path = "/scim/v2/ServiceProviderConfig", tag = "scim", security(("bearer" = [])),
    responses((status = 200, content_type = "application/scim+json"), (status = 401, content_type = "application/scim+json")))]
async fn config(caller: DirectoryCaller, State(api): State<Api>) -> Result<Response, ScimProblem> {
    allowed(&caller, &api).await?;
    let no = json!({"supported": false});
    Ok(answer(
        StatusCode::OK,
        &json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"], "patch": {"supported": true},
            "bulk": {"supported": false, "maxOperations": 0, "maxPayloadSize": 0}, "filter": {"supported": true, "maxResults": PAGE},
            "changePassword": no, "sort": no, "etag": no, "authenticationSchemes": [{"type": "oauthbearertoken", "name": "Bearer token",
                "description": "A token of POST /v1/scim/tokens", "primary": true}],
            "meta": {"resourceType": "ServiceProviderConfig", "location": "/scim/v2/ServiceProviderConfig"}}),
    ))
}

fn types() -> Vec<Value> {
    [("User", "/Users", USER), ("Group", "/Groups", GROUP)]
        .map(|(name, endpoint, schema)| {
            json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"], "id": name, "name": name, "endpoint": endpoint,
                "description": format!("A {} of the directory", name.to_lowercase()), "schema": schema,
                "meta": {"resourceType": "ResourceType", "location": format!("/scim/v2/ResourceTypes/{name}")}})
        })
        .into()
}

/// The kinds of resources.
#[utoipa::path(get, path = "/scim/v2/ResourceTypes", tag = "scim", security(("bearer" = [])),
    responses((status = 200, content_type = "application/scim+json"), (status = 401, content_type = "application/scim+json")))]
async fn resource_types(
    caller: DirectoryCaller,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimProblem> {
    everything(&caller, &api, query, types()).await
}

/// One kind of resource.
#[utoipa::path(get, path = "/scim/v2/ResourceTypes/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/scim+json"), (status = 404, content_type = "application/scim+json")))]
async fn resource_type(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<Response, ScimProblem> {
    single(&caller, &api, &id, types()).await
}

/// The schemas of the resources.
#[utoipa::path(get, path = "/scim/v2/Schemas", tag = "scim", security(("bearer" = [])),
    responses((status = 200, content_type = "application/scim+json"), (status = 401, content_type = "application/scim+json")))]
async fn schemas(
    caller: DirectoryCaller,
    State(api): State<Api>,
    RawQuery(query): RawQuery,
) -> Result<Response, ScimProblem> {
    everything(&caller, &api, query, all_schemas()).await
}

/// One schema.
#[utoipa::path(get, path = "/scim/v2/Schemas/{id}", tag = "scim", security(("bearer" = [])), params(("id" = String, Path)),
    responses((status = 200, content_type = "application/scim+json"), (status = 404, content_type = "application/scim+json")))]
async fn schema(
    caller: DirectoryCaller,
    State(api): State<Api>,
    axum::extract::Path(id): axum::extract::Path<String>,
) -> Result<Response, ScimProblem> {
    single(&caller, &api, &id, all_schemas()).await
}

/// A filter here is forbidden (RFC 7644 section 4).
async fn everything(
    caller: &DirectoryCaller,
    api: &Api,
    query: Option<String>,
    all: Vec<Value>,
) -> Result<Response, ScimProblem> {
    let asked = Asked::read(query.as_deref())?;
    if asked.filter()?.is_some() {
        return Err(ScimProblem::new(
            StatusCode::FORBIDDEN,
            None,
            "nothing is filtered here",
        ));
    }
    allowed(caller, api).await?;
    Ok(asked.list(all.len() as u64, all))
}

async fn single(caller: &DirectoryCaller, api: &Api, id: &str, all: Vec<Value>) -> Result<Response, ScimProblem> {
    let found = all
        .into_iter()
        .find(|one| one.get("id").is_some_and(|known| known == id))
        .ok_or_else(ScimProblem::not_found)?;
    allowed(caller, api).await?;
    Ok(answer(StatusCode::OK, &found))
}

/// An attribute with what most have.
fn attribute(name: &str, kind: &str, change: Value) -> Value {
    let mut attribute = json!({"name": name, "type": kind, "multiValued": false, "description": name, "required": false,
        "caseExact": false, "mutability": "readWrite", "returned": "default", "uniqueness": "none"});
    if let (Some(members), Value::Object(change)) = (attribute.as_object_mut(), change) {
        members.extend(change);
    }
    attribute
}

fn all_schemas() -> Vec<Value> {
    let read_only = |name: &str, kind: &str| attribute(name, kind, json!({"mutability": "readOnly"}));
    let reference = |to: &str, mutability: &str| {
        attribute(
            "$ref",
            "reference",
            json!({"referenceTypes": [to], "mutability": mutability, "caseExact": true}),
        )
    };
    let groups = [
        read_only("value", "string"),
        reference("Group", "readOnly"),
        read_only("display", "string"),
        read_only("type", "string"),
    ];
    let immutable = |name: &str| attribute(name, "string", json!({"mutability": "immutable", "caseExact": true}));
    let members = [immutable("value"), reference("User", "immutable")];
    let user = [
        attribute("userName", "string", json!({"required": true, "uniqueness": "server"})),
        attribute("displayName", "string", json!({})),
        attribute("active", "boolean", json!({"required": true})),
        attribute(
            "groups",
            "complex",
            json!({"multiValued": true, "mutability": "readOnly", "subAttributes": groups}),
        ),
    ];
    let group = [
        attribute(
            "displayName",
            "string",
            json!({"required": true, "caseExact": true, "uniqueness": "server"}),
        ),
        attribute(
            "members",
            "complex",
            json!({"multiValued": true, "subAttributes": members}),
        ),
    ];
    let schema = |id: &str, name: &str, attributes: Value| {
        json!({"schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"], "id": id, "name": name, "description": name,
            "attributes": attributes, "meta": {"resourceType": "Schema", "location": format!("/scim/v2/Schemas/{id}")}})
    };
    vec![schema(USER, "User", json!(user)), schema(GROUP, "Group", json!(group))]
}
