//! Versions of a root key that is in this process: what the key file and the memory have in common.
use keepgate_kernel::Timestamp;
use zeroize::Zeroizing;

use crate::{Kek, KeyContext, KeyServiceError, RootKey, RootState, RootVersion, Wrapped, aead};

/// One version.
#[derive(Debug)]
pub(crate) struct Version {
    pub(crate) kek: Kek,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) state: RootState,
}

impl Version {
    /// A fresh one.
    pub(crate) fn generate(now: Timestamp) -> Result<Self, KeyServiceError> {
        let key = aead::random_secret().map_err(|_| KeyServiceError::Library)?;
        Ok(Self {
            kek: Kek::new(key),
            created_at: Some(now),
            state: RootState::Active,
        })
    }

    fn told(&self) -> RootVersion {
        RootVersion {
            kek: self.kek.id().to_owned(),
            state: self.state,
            created_at: self.created_at,
        }
    }
}

/// All versions, oldest first; the last one wraps. Never empty.
#[derive(Debug)]
pub(crate) struct Versions(pub(crate) Vec<Version>);

impl Versions {
    pub(crate) fn newest(&self) -> Result<&Version, KeyServiceError> {
        self.0.last().ok_or(KeyServiceError::NoKey)
    }

    pub(crate) fn wrap(&self, context: &KeyContext, key: &[u8; 32]) -> Result<Wrapped, KeyServiceError> {
        let newest = self.newest()?;
        if newest.state != RootState::Active {
            return Err(KeyServiceError::Revoked);
        }
        let wrapped = newest.kek.wrap_bytes(key, context.as_str().as_bytes());
        wrapped.map_err(|_| KeyServiceError::Library)
    }

    /// `None` when no version of that name is known.
    pub(crate) fn unwrap(
        &self,
        context: &KeyContext,
        wrapped: &Wrapped,
    ) -> Option<Result<Zeroizing<[u8; 32]>, KeyServiceError>> {
        let version = self.0.iter().find(|version| version.kek.id() == wrapped.kek)?;
        Some(match version.state {
            RootState::Suspended | RootState::Destroyed => Err(KeyServiceError::Revoked),
            RootState::Active | RootState::Deactivated => version
                .kek
                .unwrap_bytes(wrapped, context.as_str().as_bytes())
                .map_err(|_| KeyServiceError::WrongKey),
        })
    }

    /// Adds a version; the one before only unwraps from now on.
    pub(crate) fn push(&mut self, version: Version) -> RootVersion {
        for older in self.0.iter_mut().filter(|older| older.state == RootState::Active) {
            older.state = RootState::Deactivated;
        }
        let told = version.told();
        self.0.push(version);
        told
    }

    pub(crate) fn describe(&self, service: &'static str, name: String) -> Result<RootKey, KeyServiceError> {
        Ok(RootKey {
            service,
            name,
            current: self.newest()?.kek.id().to_owned(),
            versions: self.0.iter().rev().map(Version::told).collect(),
        })
    }
}
