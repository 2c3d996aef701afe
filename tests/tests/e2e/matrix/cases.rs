//! The table: one line for each operation that is somebody's.
use keepgate_tests::{PASSWORD, email};
use serde_json::json;

use super::{
    case::{
        Case,
        Part::{Messages, People, Tenant},
        case,
    },
    make::{approval, provider, sink, webhook, word},
    thing::Thing,
};

pub fn all() -> Vec<Case> {
    [people(), tenant(), messages()].into_iter().flatten().collect()
}

fn people() -> Vec<Case> {
    vec![
        case(People, "GET /v1/me", Thing::None),
        case(People, "GET /v1/sessions", Thing::None).query("?limit=500"),
        case(People, "DELETE /v1/sessions/{session}", Thing::Session).spends_caller(),
        case(People, "DELETE /v1/principals/{principal}/sessions", Thing::Principal).spends_caller(),
        case(People, "POST /v1/users", Thing::None)
            .body(|given| json!({"email": email(), "level": if given.level == 7 { 6 } else { 1 }})),
        case(People, "GET /v1/users", Thing::None).query("?limit=500"),
        case(People, "GET /v1/users/{user}", Thing::User),
        case(People, "PATCH /v1/users/{user}", Thing::User).body(|_| json!({"status": "disabled"})),
        case(People, "DELETE /v1/users/{user}", Thing::User),
        case(People, "POST /v1/users/{user}/reset", Thing::User).done(&[202, 409]),
        // The present password as the new one: allowed, and refused for that.
        case(People, "POST /v1/auth/password", Thing::None)
            .body(|_| json!({"current_password": PASSWORD, "new_password": PASSWORD}))
            .done(&[422]),
        case(People, "POST /v1/auth/step-up", Thing::None)
            .body(|_| json!({"password": PASSWORD}))
            .spends_caller()
            .reached(&["second-factor-missing", "invalid-credentials"]),
        case(People, "POST /v1/auth/step-up/passkey", Thing::None).done_elsewhere(&["no-passkey"]),
        case(People, "GET /v1/me/mfa", Thing::None),
        case(People, "POST /v1/me/mfa/passkeys", Thing::None).body(|_| json!({"name": "key"})),
        case(People, "POST /v1/me/mfa/passkeys/confirm", Thing::None)
            .body(|_| json!({"passkey": nobody_s_passkey()}))
            .done_elsewhere(&["invalid-challenge"]),
        case(People, "POST /v1/me/mfa/totp", Thing::None),
        case(People, "POST /v1/me/mfa/totp/confirm", Thing::None)
            .body(|_| json!({"code": "000000"}))
            .done_elsewhere(&["no-pending-factor", "invalid-second-factor"]),
        case(People, "POST /v1/me/mfa/recovery-codes", Thing::None).reached(&["no-second-factor"]),
        case(People, "DELETE /v1/me/mfa/{factor}", Thing::Factor),
        case(People, "DELETE /v1/users/{user}/mfa", Thing::User),
        // The last of all: there is one global admin, whose session it ends.
        case(People, "POST /v1/auth/logout", Thing::None).spends_caller(),
    ]
}

fn tenant() -> Vec<Case> {
    vec![
        case(Tenant, "POST /v1/api-keys", Thing::None).body(|_| json!({"name": "k", "level": 1})),
        case(Tenant, "POST /v1/api-keys:import", Thing::None).body(|_| foreign_key()),
        case(Tenant, "GET /v1/api-keys", Thing::None).query("?limit=500"),
        case(Tenant, "POST /v1/api-keys/{key}/rotate", Thing::Key).body(|_| json!({"overlap_seconds": 0})),
        case(Tenant, "DELETE /v1/api-keys/{key}", Thing::Key),
        case(Tenant, "POST /v1/units", Thing::None).body(|_| json!({"name": word()})),
        case(Tenant, "GET /v1/units", Thing::None).query("?limit=500"),
        case(Tenant, "GET /v1/units/{unit}", Thing::Unit),
        case(Tenant, "PATCH /v1/units/{unit}", Thing::Unit).body(|_| json!({"name": word()})),
        case(Tenant, "DELETE /v1/units/{unit}", Thing::Unit),
        case(Tenant, "POST /v1/devices", Thing::Unit)
            .in_body()
            .body(|given| json!({"name": word(), "unit": given.thing})),
        case(Tenant, "GET /v1/devices", Thing::None).query("?limit=500"),
        case(Tenant, "GET /v1/devices/{device}", Thing::Device),
        case(Tenant, "PATCH /v1/devices/{device}", Thing::Device).body(|_| json!({"name": word()})),
        case(Tenant, "DELETE /v1/devices/{device}", Thing::Device),
        case(Tenant, "POST /v1/devices/{device}/enrol", Thing::Device).body(|_| json!({})),
        case(Tenant, "POST /v1/services", Thing::None).body(|_| json!({"name": "s", "level": 1})),
        case(Tenant, "GET /v1/services", Thing::None).query("?limit=500"),
        case(Tenant, "GET /v1/services/{service}", Thing::Service),
        case(Tenant, "PATCH /v1/services/{service}", Thing::Service).body(|_| json!({"status": "disabled"})),
        case(Tenant, "DELETE /v1/services/{service}", Thing::Service),
        case(Tenant, "POST /v1/approvals", Thing::None).body(|given| approval(given.level)),
        case(Tenant, "GET /v1/approvals", Thing::None),
        case(Tenant, "GET /v1/approvals/{approval}", Thing::Approval),
        // The owner and the admin asked themselves, and no one is two.
        case(Tenant, "POST /v1/approvals/{approval}/approve", Thing::Approval).reached(&["same-person"]),
        case(Tenant, "POST /v1/tenants/{tenant}/break-glass", Thing::Tenant)
            .body(|_| json!({}))
            .done_elsewhere(&["approval-required", "owner-not-found"]),
        case(Tenant, "GET /v1/keys", Thing::None),
        // The owner, once an admin has agreed above.
        case(Tenant, "DELETE /v1/keys/{version}", Thing::DataKey).reached(&["approval-required"]),
        case(Tenant, "POST /v1/keys/{version}/keep", Thing::DataKey)
            .body(|_| json!({}))
            .reached(&["key-not-pending"]),
        case(Tenant, "POST /v1/keys:rotate", Thing::None).body(|_| json!({})),
        case(Tenant, "GET /v1/tenant/policy", Thing::None),
        case(Tenant, "PATCH /v1/tenant/policy", Thing::None).body(|_| json!({"mfa_level": 5})),
        case(Tenant, "POST /v1/revocations", Thing::Session)
            .in_body()
            .body(|given| json!({"kind": "session", "id": given.thing, "reason": "laptop stolen"})),
        case(Tenant, "GET /v1/signing-keys", Thing::None),
        case(Tenant, "POST /v1/signing-keys:rotate", Thing::None).body(|_| json!({})),
        case(Tenant, "GET /v1/access", Thing::Log).query("?format=json"),
        case(Tenant, "POST /v1/tenants", Thing::None).body(|_| json!({"name": "t"})),
        case(Tenant, "GET /v1/tenants", Thing::None),
        case(Tenant, "GET /v1/tenants/{tenant}", Thing::Tenant),
        case(Tenant, "PATCH /v1/tenants/{tenant}", Thing::Tenant).body(|_| json!({"status": "suspended"})),
        case(Tenant, "GET /v1/sso/providers", Thing::None),
        case(Tenant, "GET /v1/sso/providers/{provider}", Thing::Provider),
        case(Tenant, "PUT /v1/sso/providers/{provider}", Thing::NewName).body(|_| provider()),
        case(Tenant, "DELETE /v1/sso/providers/{provider}", Thing::Provider),
        // The provider of the house answers nobody; that is told to whom the policy lets through.
        case(Tenant, "POST /v1/me/sso/{provider}/link", Thing::Provider).done(&[503]),
        case(Tenant, "GET /v1/scim/tokens", Thing::None),
        case(Tenant, "POST /v1/scim/tokens", Thing::Provider)
            .in_body()
            .body(|given| json!({"name": "d", "provider": given.thing})),
        case(Tenant, "DELETE /v1/scim/tokens/{token}", Thing::ScimToken),
        case(Tenant, "GET /v1/audit", Thing::Log).query("?limit=500"),
        case(Tenant, "GET /v1/audit/entries/{index}", Thing::Index),
        case(Tenant, "GET /v1/audit/proof", Thing::None).query("?index=0"),
        case(Tenant, "GET /v1/audit/log/checkpoint", Thing::None),
        case(Tenant, "GET /v1/audit/log/vkey", Thing::None),
        case(Tenant, "GET /v1/audit/log/tile/{path}", Thing::Tile),
        case(Tenant, "GET /v1/audit/meta/checkpoint", Thing::None),
        case(Tenant, "GET /v1/audit/meta/vkey", Thing::None),
        case(Tenant, "GET /v1/audit/meta/proof", Thing::None),
        // Nobody stamps the log of this house; that is told to whom the policy lets through.
        case(Tenant, "GET /v1/audit/meta/timestamp", Thing::None).done_elsewhere(&["no-such-part"]),
        case(Tenant, "GET /v1/audit/meta/tile/{path}", Thing::Tile),
        case(Tenant, "GET /v1/log-keys", Thing::None),
        case(Tenant, "POST /v1/log-keys:rotate", Thing::None).body(|_| json!({"emergency": true})),
        case(Tenant, "GET /v1/audit/export", Thing::Log).query("?format=jsonl"),
        // Nobody is erased who lives, and by one person alone.
        case(Tenant, "POST /v1/erasures", Thing::User)
            .in_body()
            .body(|given| json!({"subject": given.thing, "reason": "request of the person"}))
            .done_elsewhere(&["user-not-deleted"]),
        case(Tenant, "GET /v1/erasures", Thing::None),
        case(Tenant, "POST /v1/holds", Thing::None).body(|_| json!({"reason": "proceedings under way"})),
        case(Tenant, "GET /v1/holds", Thing::None),
        case(Tenant, "DELETE /v1/holds/{hold}", Thing::Hold).done_elsewhere(&["approval-required"]),
        case(Tenant, "GET /v1/audit/archives", Thing::None),
        case(Tenant, "POST /v1/sinks", Thing::None).body(|_| sink()),
        case(Tenant, "GET /v1/sinks", Thing::None).query("?limit=500"),
        case(Tenant, "GET /v1/sinks/{sink}", Thing::Sink),
        case(Tenant, "GET /v1/sinks/{sink}/dead-letters", Thing::Sink),
        case(Tenant, "PATCH /v1/sinks/{sink}", Thing::Sink).body(|_| json!({"paused": true})),
        case(Tenant, "POST /v1/sinks/{sink}/test", Thing::Sink).body(|_| json!({})),
        case(Tenant, "POST /v1/sinks/{sink}/replay", Thing::Sink).body(|_| json!({"from_index": 0})),
        case(Tenant, "DELETE /v1/sinks/{sink}", Thing::Sink),
    ]
}

fn messages() -> Vec<Case> {
    vec![
        case(Messages, "POST /v1/recipients", Thing::None)
            .body(|_| json!({"name": "r", "contacts": [{"channel": "sms", "address": "+15005550001"}]})),
        case(Messages, "GET /v1/recipients", Thing::None).query("?limit=500"),
        case(Messages, "GET /v1/recipients/{recipient}", Thing::Recipient),
        case(Messages, "PATCH /v1/recipients/{recipient}", Thing::Recipient).body(|_| json!({"name": "r2"})),
        case(Messages, "DELETE /v1/recipients/{recipient}", Thing::Recipient),
        case(Messages, "GET /v1/routes", Thing::None),
        case(Messages, "PUT /v1/routes/{name}", Thing::NewName).body(|_| {
            json!({"steps": [{"channel": "internet", "wait_seconds": 60}], "require_ack": true, "deadline_seconds": 600})
        }),
        case(Messages, "GET /v1/routes/{name}", Thing::Route),
        case(Messages, "DELETE /v1/routes/{name}", Thing::Route),
        case(Messages, "POST /v1/messages", Thing::Recipient)
            .in_body()
            .body(|given| json!({"recipient": given.thing, "payload": "aGk="}))
            .done(&[202]),
        case(Messages, "POST /v1/messages:batch", Thing::None)
            .body(|_| json!({"messages": [{"to": [{"channel": "sms", "address": "+15005550001"}], "payload": "aGk="}]})),
        case(Messages, "GET /v1/messages", Thing::None).query("?limit=500"),
        case(Messages, "GET /v1/messages/{message}", Thing::Message),
        case(Messages, "POST /v1/messages/{message}/ack", Thing::Message).body(|_| json!({})),
        case(Messages, "POST /v1/messages/{message}/cancel", Thing::Message).body(|_| json!({})),
        case(Messages, "POST /v1/messages/{message}/replay", Thing::Message).body(|_| json!({})),
        case(Messages, "GET /v1/stream", Thing::None),
        case(Messages, "POST /v1/webhooks", Thing::None).body(|_| webhook()),
        case(Messages, "GET /v1/webhooks", Thing::None).query("?limit=500"),
        case(Messages, "GET /v1/webhooks/{webhook}", Thing::Webhook),
        case(Messages, "DELETE /v1/webhooks/{webhook}", Thing::Webhook),
    ]
}

/// A key of another system, with a lookup nobody had before.
fn foreign_key() -> serde_json::Value {
    let number: String = keepgate_tests::email().chars().filter(char::is_ascii_digit).collect();
    let hash = "$2b$04$abcdefghijklmnopqrstuuW0f9s9w7Dq1n9E4Ff5nE1FqAqV2oKxW";
    json!({"name": "k", "level": 1, "lookup": format!("acme_{number:0>8}"), "bcrypt": hash})
}

/// Well formed, and the answer to nothing.
fn nobody_s_passkey() -> serde_json::Value {
    json!({"id": "AAAA", "type": "public-key", "response": {"clientDataJSON": "e30", "attestationObject": "oA"}})
}
