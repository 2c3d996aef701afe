//! Keys on record.
use std::net::IpAddr;

use ipnet::IpNet;
use keepgate_kernel::{Action, Hat, KeyId, Level, PrincipalId, TenantId, Timestamp, UnitId};
use keepgate_policy::{Scopes, rule};

use super::imported::Lookup;
use crate::Phc;

/// A key to be put on record. Its owner is who issues it.
#[derive(Debug, Clone)]
pub struct NewApiKey {
    /// Its id.
    pub id: KeyId,
    /// The service that acts with it.
    pub service: PrincipalId,
    /// What people call it, 1 to 200 characters.
    pub name: String,
    /// The verifier of its secret.
    pub phc: Phc,
    /// The actions it is narrowed to; `None`: every one of its level that a key can carry.
    pub scopes: Option<Vec<Action>>,
    /// When it ends; `None`: never by itself.
    pub expires_at: Option<Timestamp>,
    /// Where it may be used from; `None`: anywhere.
    pub allowed_cidrs: Option<Vec<IpNet>>,
}

/// A key as its tenant's admins see it. The secret is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKeyRecord {
    /// Its id.
    pub id: KeyId,
    /// What people call it.
    pub name: String,
    /// The service that acts with it.
    pub service: PrincipalId,
    /// Who issued it, and whose level bounds it.
    pub owner: PrincipalId,
    /// The service's live level; `None` when it has been revoked.
    pub level: Option<Level>,
    /// The actions it is narrowed to.
    pub scopes: Option<Vec<Action>>,
    /// Where it may be used from.
    pub allowed_cidrs: Option<Vec<IpNet>>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// From where.
    pub last_used_from: Option<IpAddr>,
    /// The secret before the last rotation, while it works.
    pub retiring: Option<Retiring>,
    /// How the text begins that came from another system, while it works.
    pub imported: Option<Lookup>,
}

/// A secret on its way out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retiring {
    /// Until when it works.
    pub until: Timestamp,
    /// When it was last used since the rotation.
    pub last_used_at: Option<Timestamp>,
}

/// A use of a key, to be remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyUse {
    /// Which.
    pub key: KeyId,
    /// When.
    pub at: Timestamp,
    /// From where.
    pub source: Option<IpAddr>,
    /// With the secret before the last rotation.
    pub old: bool,
}

/// The secret before the last rotation.
#[derive(Debug, Clone)]
pub struct OldSecret {
    /// Its verifier.
    pub phc: Phc,
    /// Until when it works.
    pub until: Timestamp,
}

/// A key as the authenticator reads it, dead ones too: what is wrong with it is told only to who knows its secret.
#[derive(Debug, Clone)]
pub struct KeyOnFile {
    /// Where it lives.
    pub tenant: TenantId,
    /// The service that acts with it.
    pub service: PrincipalId,
    /// Who issued it.
    pub owner: PrincipalId,
    /// The live level, below the owner's; `None` when service or owner may not act.
    pub level: Option<Level>,
    /// The service's unit.
    pub unit: Option<UnitId>,
    /// The hat of service or owner: whatever narrows its owner narrows the key.
    pub hat: Option<Hat>,
    /// What it is narrowed to.
    pub scopes: Scopes,
    /// Where it may be used from.
    pub allowed_cidrs: Option<Vec<IpNet>>,
    /// The verifier of its secret.
    pub phc: Phc,
    /// The secret before the last rotation.
    pub old: Option<OldSecret>,
    /// When it ends.
    pub expires_at: Option<Timestamp>,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// A scope that names no action an API key can carry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("scope {index} names nothing an API key may do")]
pub struct UnknownScope {
    /// Which one, from 0.
    pub index: usize,
}

/// The actions that `scopes` name. Duplicates count once.
///
/// # Errors
/// [`UnknownScope`] for the first that is no action, or one that no key can carry.
pub fn parse_scopes<S: AsRef<str>>(scopes: &[S]) -> Result<Vec<Action>, UnknownScope> {
    let mut actions = Vec::new();
    for (index, scope) in scopes.iter().enumerate() {
        let action: Action = scope.as_ref().parse().map_err(|_| UnknownScope { index })?;
        if !rule(action).keys {
            return Err(UnknownScope { index });
        }
        if !actions.contains(&action) {
            actions.push(action);
        }
    }
    Ok(actions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_actions_a_key_can_carry() {
        let scopes = parse_scopes(&["message.accept", "message.read", "message.accept"]).unwrap();
        assert_eq!(scopes, [Action::MessageAccept, Action::MessageRead]);
        assert_eq!(
            parse_scopes(&["message.accept", "message.*"]),
            Err(UnknownScope { index: 1 })
        );
        assert_eq!(parse_scopes(&["user.create"]), Err(UnknownScope { index: 0 }));
    }
}
