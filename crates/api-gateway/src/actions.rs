//! Which operation each route is. The table feeds the OpenAPI document (`x-keepgate-action`) and the entries of refused requests;
//! a test holds the routes of the document against it, both ways.
use axum::http::Method;
use keepgate_kernel::Action;

/// Method, route, action.
pub const TABLE: &[(Method, &str, Action)] = &[
    (Method::POST, "/v1/auth/login", Action::AuthLogin),
    (Method::POST, "/v1/auth/enrol", Action::AuthEnrol),
    (Method::POST, "/v1/auth/logout", Action::AuthLogout),
    (Method::GET, "/v1/me", Action::MeRead),
    (Method::GET, "/v1/sessions", Action::SessionList),
    (Method::DELETE, "/v1/sessions/{session}", Action::SessionRevoke),
    (
        Method::DELETE,
        "/v1/principals/{principal}/sessions",
        Action::SessionRevoke,
    ),
    (Method::POST, "/v1/revocations", Action::RevocationCreate),
    (Method::GET, "/v1/signing-keys", Action::SigningKeyList),
    (Method::POST, "/v1/signing-keys:rotate", Action::SigningKeyRotate),
    (Method::POST, "/v1/users", Action::UserCreate),
    (Method::GET, "/v1/users", Action::UserList),
    (Method::GET, "/v1/users/{user}", Action::UserRead),
    (Method::PATCH, "/v1/users/{user}", Action::UserUpdate),
    (Method::DELETE, "/v1/users/{user}", Action::UserDelete),
    (Method::POST, "/v1/api-keys", Action::ApiKeyIssue),
    (Method::GET, "/v1/api-keys", Action::ApiKeyList),
    (Method::POST, "/v1/api-keys/{key}/rotate", Action::ApiKeyRotate),
    (Method::DELETE, "/v1/api-keys/{key}", Action::ApiKeyRevoke),
    (Method::POST, "/v1/tenants", Action::TenantCreate),
    (Method::GET, "/v1/tenants", Action::TenantList),
    (Method::GET, "/v1/tenants/{tenant}", Action::TenantRead),
    (Method::PATCH, "/v1/tenants/{tenant}", Action::TenantUpdate),
    (Method::POST, "/v1/tenants/{tenant}/break-glass", Action::BreakGlass),
    (Method::POST, "/v1/units", Action::UnitCreate),
    (Method::GET, "/v1/units", Action::UnitList),
    (Method::GET, "/v1/units/{unit}", Action::UnitRead),
    (Method::PATCH, "/v1/units/{unit}", Action::UnitUpdate),
    (Method::DELETE, "/v1/units/{unit}", Action::UnitDelete),
    (Method::POST, "/v1/approvals", Action::ApprovalRequest),
    (Method::GET, "/v1/approvals", Action::ApprovalList),
    (Method::GET, "/v1/approvals/{approval}", Action::ApprovalList),
    (
        Method::POST,
        "/v1/approvals/{approval}/approve",
        Action::ApprovalApprove,
    ),
    (Method::GET, "/v1/keys", Action::KeyList),
    (Method::DELETE, "/v1/keys/{version}", Action::KeyDestroy),
    (Method::GET, "/v1/sso/providers", Action::SsoRead),
    (Method::GET, "/v1/sso/providers/{provider}", Action::SsoRead),
    (Method::PUT, "/v1/sso/providers/{provider}", Action::SsoConfigure),
    (Method::DELETE, "/v1/sso/providers/{provider}", Action::SsoConfigure),
    (Method::GET, "/v1/auth/sso/{provider}/start", Action::AuthSso),
    (Method::GET, "/v1/auth/sso/callback", Action::AuthSso),
    (Method::POST, "/v1/recipients", Action::RecipientCreate),
    (Method::GET, "/v1/recipients", Action::RecipientList),
    (Method::GET, "/v1/recipients/{recipient}", Action::RecipientRead),
    (Method::PATCH, "/v1/recipients/{recipient}", Action::RecipientUpdate),
    (Method::DELETE, "/v1/recipients/{recipient}", Action::RecipientDelete),
    (Method::GET, "/v1/routes", Action::RouteList),
    (Method::PUT, "/v1/routes/{name}", Action::RoutePut),
    (Method::GET, "/v1/routes/{name}", Action::RouteRead),
    (Method::DELETE, "/v1/routes/{name}", Action::RouteDelete),
    (Method::POST, "/v1/messages", Action::MessageAccept),
    (Method::POST, "/v1/messages:batch", Action::MessageAccept),
    (Method::GET, "/v1/messages", Action::MessageList),
    (Method::GET, "/v1/messages/{message}", Action::MessageRead),
    (Method::POST, "/v1/messages/{message}/ack", Action::MessageAck),
    (Method::POST, "/v1/messages/{message}/cancel", Action::MessageCancel),
    (Method::POST, "/v1/messages/{message}/replay", Action::MessageReplay),
    (Method::GET, "/v1/stream", Action::StreamOpen),
    (Method::POST, "/v1/webhooks", Action::WebhookCreate),
    (Method::GET, "/v1/webhooks", Action::WebhookList),
    (Method::GET, "/v1/webhooks/{webhook}", Action::WebhookRead),
    (Method::DELETE, "/v1/webhooks/{webhook}", Action::WebhookDelete),
    (Method::POST, "/v1/hooks/twilio/{kind}", Action::ProviderCallback),
    (Method::GET, "/v1/audit", Action::AuditList),
    (Method::GET, "/v1/audit/entries/{index}", Action::AuditRead),
    (Method::GET, "/v1/audit/proof", Action::AuditRead),
    (Method::GET, "/v1/audit/log/checkpoint", Action::AuditLog),
    (Method::GET, "/v1/audit/log/vkey", Action::AuditLog),
    (Method::GET, "/v1/audit/log/tile/{*path}", Action::AuditLog),
    (Method::GET, "/v1/audit/export", Action::AuditExport),
];

/// Routes that are no operation of a principal: health, documentation, public keys. The list may only shrink.
pub const EXEMPT: &[(Method, &str)] = &[
    (Method::GET, "/livez"),
    (Method::GET, "/readyz"),
    (Method::GET, "/version"),
    (Method::GET, "/openapi.json"),
    (Method::GET, "/.well-known/jwks.json"),
];

/// The action of a route, `None` for exempt ones.
pub(crate) fn of(method: &Method, route: &str) -> Option<Action> {
    TABLE
        .iter()
        .find(|(m, r, _)| m == method && *r == route)
        .map(|(_, _, action)| *action)
}
