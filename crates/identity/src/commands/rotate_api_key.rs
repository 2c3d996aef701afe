//! A new secret for an API key.
use std::time::Duration;

use keepgate_kernel::{Entity, Timestamp};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, GrantDenied, Target, permissions, reach};
use keepgate_store::StoreError;

use crate::{ApiKey, ApiKeys, Phc};

/// The longest time for which two secrets work: 30 days.
const LONGEST_OVERLAP: Duration = Duration::from_secs(30 * 24 * 3600);

/// Replaces the secret of a key whose level is below the caller's; the old one works for `overlap` more. Against a stolen secret,
/// revoke the key: an instance that verified the old secret may believe it for another minute.
#[derive(Debug, Clone)]
pub struct RotateApiKey {
    /// The key with its new secret: [`crate::ApiKeyFormat::mint`] for the same id.
    pub key: ApiKey,
    /// The verifier of that secret.
    pub phc: Phc,
    /// How long the old secret works beside it, at most 30 days.
    pub overlap: Duration,
}

/// The rotated key.
#[derive(Debug, Clone)]
pub struct Rotated {
    /// The key, to be shown this once.
    pub key: ApiKey,
    /// Until when the old secret works; `None`: it works no longer.
    pub old_until: Option<Timestamp>,
    /// When the key ends now: a rotation gives it as long a life again.
    pub expires_at: Option<Timestamp>,
}

/// Why it was not rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotateApiKeyError {
    /// More than 30 days.
    #[error("two secrets work together for at most 30 days")]
    OverlapTooLong,
    /// There is no live key of that id, or it has ended.
    #[error("no such API key")]
    NotFound,
    /// The key's level is not below the caller's.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RotateApiKeyError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::OverlapTooLong => ErrorKind::Refused("overlap-too-long"),
            Self::NotFound => ErrorKind::Refused("api-key-not-found"),
            Self::Denied(denied) => ErrorKind::Refused(denied.reason()),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: ApiKeys + ?Sized> Command<Tx> for RotateApiKey {
    type Permission = permissions::ApiKeyRotate;
    type Output = Rotated;
    type Error = RotateApiKeyError;

    fn entity(&self) -> Entity {
        self.key.id().into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Rotated, RotateApiKeyError> {
        if self.overlap > LONGEST_OVERLAP {
            return Err(RotateApiKeyError::OverlapTooLong);
        }
        let id = self.key.id();
        let record = tx
            .api_key(id)
            .await?
            .filter(|key| key.revoked_at.is_none())
            .ok_or(RotateApiKeyError::NotFound)?;
        let target = Target {
            principal: record.service,
            tenant: proof.tenant(),
            present: record.level,
        };
        let reached = reach(proof, target)?;
        if !tx.rotate_api_key(&reached, id, &self.phc, self.overlap).await? {
            return Err(RotateApiKeyError::NotFound);
        }
        let rotated = tx.api_key(id).await?.ok_or(RotateApiKeyError::NotFound)?;
        Ok(Rotated {
            key: self.key.clone(),
            old_until: rotated.retiring.map(|retiring| retiring.until),
            expires_at: rotated.expires_at,
        })
    }
}
