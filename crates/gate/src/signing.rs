//! The seeds of the keys that sign tokens: made here, sealed under the key-encryption key, opened for the ring.
use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{
    CryptoError, DataKeys, KeyServiceError, LogKind, NewLogKey, SigningPurpose, SigningSeed, Wrapped,
};
use keepgate_identity::{
    FirstSigningKey, KeyRing, NewSigningKey, SealedSeed, SigningKey, SigningKeys, kid_of, public_half,
};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use keepgate_store::{StoreError, Transaction};
use zeroize::Zeroizing;

use crate::{Failure, Gate};

const PURPOSE: SigningPurpose = SigningPurpose::Token;

/// Why there is no ring.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// The library failed.
    #[error("the key that signs tokens can't be made")]
    Crypto(#[from] CryptoError),
    /// The key service did not wrap or unwrap the seed.
    #[error("the key that signs tokens can't be wrapped or opened")]
    Root(#[from] KeyServiceError),
    /// No key signs, or a key is none.
    #[error("there is no usable key to sign tokens with")]
    NoKey,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<RingError> for StoreError {
    fn from(error: RingError) -> Self {
        match error {
            RingError::Store(error) => error,
            other => Self::Unavailable(Box::new(other)),
        }
    }
}

impl<T: ?Sized> Gate<T> {
    /// A new key, its seed sealed.
    ///
    /// # Errors
    /// [`RingError`] without randomness, or without the key service.
    pub async fn new_signing_key(&self) -> Result<NewSigningKey, RingError> {
        self.seal_seed(&SigningSeed::generate(PURPOSE)?).await
    }

    /// A new key for a log: `owner`'s own, or the log of logs, which is the platform's.
    ///
    /// # Errors
    /// [`RingError`] without randomness, or without the key service.
    pub async fn new_log_key(&self, owner: TenantId, log: LogKind) -> Result<NewLogKey, RingError> {
        let purpose = match log {
            LogKind::Own => SigningPurpose::AuditLog,
            LogKind::Meta => SigningPurpose::MetaLog,
        };
        let seed = SigningSeed::generate(purpose)?;
        let public = seed.public()?;
        let bound = [owner.uuid().as_bytes().as_slice(), &public].concat();
        let wrapped = seed.wrap(self.vault.root(), &bound).await?;
        Ok(NewLogKey { public, wrapped })
    }

    /// The key's name is associated data: under another one the seed does not open.
    async fn seal_seed(&self, seed: &SigningSeed) -> Result<NewSigningKey, RingError> {
        let public = public_half(seed.bytes()).map_err(|_| RingError::NoKey)?;
        let kid = kid_of(&public);
        let sealed = seed.wrap(self.vault.root(), kid.as_bytes()).await?;
        let seed = SealedSeed {
            kek: sealed.kek,
            bytes: sealed.bytes,
        };
        Ok(NewSigningKey { kid, public, seed })
    }

    async fn ring_of(&self, keys: &[SigningKey]) -> Result<KeyRing, RingError> {
        let signing = keys
            .iter()
            .find(|key| key.activated_at.is_some() && key.retired_at.is_none() && key.revoked_at.is_none());
        let signing = signing.ok_or(RingError::NoKey)?;
        let sealed = signing.seed.as_ref().ok_or(RingError::NoKey)?;
        let wrapped = Wrapped {
            kek: sealed.kek.clone(),
            bytes: sealed.bytes.clone(),
        };
        let seed = SigningSeed::unwrap(self.vault.root(), PURPOSE, signing.kid.as_bytes(), &wrapped).await?;
        // A revoked key verifies nothing from now on, whatever the time says.
        let living = keys.iter().filter(|key| key.revoked_at.is_none());
        let others: Vec<_> = living.map(|key| (key.public, key.verifies_until())).collect();
        let ring = KeyRing::of(seed.bytes(), &others).map_err(|_| RingError::NoKey)?;
        // The public half on record is not believed: the ring's comes from the seed.
        if public_half(seed.bytes()).ok() == Some(signing.public) {
            Ok(ring)
        } else {
            Err(RingError::NoKey)
        }
    }
}

impl<T: Transaction + AuditLog + DataKeys + SigningKeys + ?Sized + 'static> Gate<T> {
    /// The ring as the database has it. Through the store of the log-ins: seeds are for nobody else.
    ///
    /// # Errors
    /// [`RingError`].
    pub async fn signing_ring(&self, platform: TenantId) -> Result<KeyRing, RingError> {
        let now = self.clock().now();
        let worker = OpContext::system(platform, RequestId::new(now), now);
        let keys = self.store.begin(&worker).await?.signing_keys().await?;
        self.ring_of(&keys).await
    }

    /// The same, after a first key was put in place where there was none: a new one, or where people have logged in before the one
    /// of seed `former`.
    ///
    /// # Errors
    /// [`RingError`].
    pub async fn first_signing_ring(
        &self,
        platform: TenantId,
        former: Zeroizing<[u8; 32]>,
    ) -> Result<KeyRing, RingError> {
        let now = self.clock().now();
        let worker = OpContext::system(platform, RequestId::new(now), now);
        let keys = self.store.begin(&worker).await?.signing_keys().await?;
        if !keys.is_empty() {
            return self.ring_of(&keys).await;
        }
        let first = FirstSigningKey {
            fresh: self.new_signing_key().await?,
            former: self.seal_seed(&SigningSeed::from_bytes(PURPOSE, former)).await?,
        };
        let done = self.perform(&worker, &first).await.map_err(|failure| match failure {
            Failure::Store(error) | Failure::Command(error) => error,
            Failure::Denied(_) | Failure::KeyReused => StoreError::Forbidden,
        })?;
        self.ring_of(&done.output).await
    }
}
