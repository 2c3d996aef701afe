//! Keys as the API shows them.
use keepgate_gate::operations::ApiKeyIssued;
use keepgate_identity::{ApiKeyRecord, Rotated};
use keepgate_kernel::{Level, format_time};
use serde::Serialize;
use utoipa::ToSchema;

/// A key, without its secret.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct KeyView {
    /// Its id.
    #[schema(example = "key_01jd0000000000000000000000")]
    id: String,
    /// What people call it.
    name: String,
    /// The service that acts with it.
    service: String,
    /// Who issued it; its level stays below theirs.
    owner: String,
    /// The service's level; `null` when it has been taken away.
    level: Option<u8>,
    /// The actions it is narrowed to; `null`: all of its level.
    scopes: Option<Vec<&'static str>>,
    /// Where it may be used from; `null`: anywhere.
    allowed_cidrs: Option<Vec<String>>,
    /// When it was issued.
    created_at: String,
    /// When it ends.
    expires_at: Option<String>,
    /// When it was revoked.
    revoked_at: Option<String>,
    /// When it was last used, to about a minute.
    last_used_at: Option<String>,
    /// From where.
    last_used_from: Option<String>,
    /// Until when the secret before the last rotation works.
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring_until: Option<String>,
    /// The secret before the last rotation, while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    retiring: Option<RetiringView>,
    /// How the text begins that came from another system, while it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    imported: Option<String>,
}

/// A secret on its way out.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetiringView {
    /// Until when it works.
    until: String,
    /// When it was last used since the rotation; `null`: nobody needs it any more, so far.
    last_used_at: Option<String>,
}

impl From<&ApiKeyRecord> for KeyView {
    fn from(key: &ApiKeyRecord) -> Self {
        Self {
            id: key.id.to_string(),
            name: key.name.clone(),
            service: key.service.to_string(),
            owner: key.owner.to_string(),
            level: key.level.map(Level::number),
            scopes: key
                .scopes
                .as_ref()
                .map(|scopes| scopes.iter().map(|action| action.as_str()).collect()),
            allowed_cidrs: key
                .allowed_cidrs
                .as_ref()
                .map(|nets| nets.iter().map(ToString::to_string).collect()),
            created_at: format_time(key.created_at),
            expires_at: key.expires_at.map(format_time),
            revoked_at: key.revoked_at.map(format_time),
            last_used_at: key.last_used_at.map(format_time),
            last_used_from: key.last_used_from.map(|address| address.to_string()),
            retiring_until: key.retiring.map(|old| format_time(old.until)),
            retiring: key.retiring.map(|old| RetiringView {
                until: format_time(old.until),
                last_used_at: old.last_used_at.map(format_time),
            }),
            imported: key.imported.as_ref().map(|lookup| lookup.as_str().to_owned()),
        }
    }
}

/// A key, shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct IssuedView {
    /// Its id.
    #[schema(example = "key_01jd0000000000000000000000")]
    id: String,
    /// Send it as `Authorization: Bearer …`.
    #[schema(example = "kgl_…")]
    key: String,
    /// When it ends; `null`: never by itself.
    expires_at: Option<String>,
    /// Until when the old secret works, after a rotation with an overlap.
    #[serde(skip_serializing_if = "Option::is_none")]
    old_until: Option<String>,
}

impl From<&ApiKeyIssued> for IssuedView {
    fn from(issued: &ApiKeyIssued) -> Self {
        Self {
            id: issued.id.to_string(),
            key: issued.key.expose().to_owned(),
            expires_at: issued.expires_at.map(format_time),
            old_until: None,
        }
    }
}

impl From<&Rotated> for IssuedView {
    fn from(rotated: &Rotated) -> Self {
        Self {
            id: rotated.key.id().to_string(),
            key: rotated.key.expose().to_owned(),
            expires_at: rotated.expires_at.map(format_time),
            old_until: rotated.old_until.map(format_time),
        }
    }
}
