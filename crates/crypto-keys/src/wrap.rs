//! What is wrapped by what: tenants' keys and seeds by the root key, people's keys by their tenant's.
use keepgate_kernel::TenantId;
use zeroize::Zeroizing;

use crate::{
    CryptoError, DataKey, KeyContext, KeyService, KeyServiceError, SigningPurpose, SigningSeed, SubjectDek,
    SubjectOwner, Unopenable, Wrapped, aead,
};

/// What stands before the version in [`Wrapped::kek`] of a person's key.
const TENANT: &str = "tenant:";

fn context(tenant: TenantId, version: i32) -> KeyContext {
    KeyContext::new("dek", tenant.uuid().as_bytes(), version)
}

impl DataKey {
    /// Wraps it for storage, as `tenant`'s.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn wrap(&self, root: &dyn KeyService, tenant: TenantId) -> Result<Wrapped, KeyServiceError> {
        root.wrap(&context(tenant, self.version()), self.bytes()).await
    }

    /// `tenant`'s key of that version again.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn unwrap(
        root: &dyn KeyService,
        tenant: TenantId,
        version: i32,
        wrapped: &Wrapped,
    ) -> Result<Self, KeyServiceError> {
        let bytes = root.unwrap(&context(tenant, version), wrapped).await?;
        Ok(Self::from_bytes(version, bytes))
    }

    /// Wraps a person's key; tenant, person and number are associated data.
    ///
    /// # Errors
    /// [`CryptoError::Library`].
    pub fn wrap_subject(&self, key: &SubjectDek, owner: &SubjectOwner) -> Result<Wrapped, CryptoError> {
        let wrapping = self.derive(b"keepgate/v1 wraps|subject")?;
        Ok(Wrapped {
            kek: format!("{TENANT}{}", self.version()),
            bytes: aead::seal(&wrapping, owner.context().as_str().as_bytes(), key.bytes())?,
        })
    }

    /// The person's key again.
    ///
    /// # Errors
    /// [`CryptoError::Unopenable`].
    pub fn unwrap_subject(&self, wrapped: &Wrapped, owner: &SubjectOwner) -> Result<SubjectDek, CryptoError> {
        if subject_version(wrapped) != Some(self.version()) {
            return Err(Unopenable.into());
        }
        let wrapping = self.derive(b"keepgate/v1 wraps|subject")?;
        let opened = aead::open(&wrapping, owner.context().as_str().as_bytes(), &wrapped.bytes)?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| Unopenable)?;
        Ok(SubjectDek::from_bytes(Zeroizing::new(bytes)))
    }
}

/// Which version of its tenant's key wrapped a person's key; `None` when the root key did, as it was at first.
#[must_use]
pub fn subject_version(wrapped: &Wrapped) -> Option<i32> {
    wrapped.kek.strip_prefix(TENANT)?.parse().ok()
}

impl SubjectDek {
    /// A person's key that the root key wrapped.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn unwrap(
        root: &dyn KeyService,
        owner: &SubjectOwner,
        wrapped: &Wrapped,
    ) -> Result<Self, KeyServiceError> {
        Ok(Self::from_bytes(root.unwrap(&owner.context(), wrapped).await?))
    }
}

impl SigningSeed {
    /// Wraps it for storage; `owner` is who or what it belongs to.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn wrap(&self, root: &dyn KeyService, owner: &[u8]) -> Result<Wrapped, KeyServiceError> {
        let context = KeyContext::new(self.purpose().as_str(), owner, 1);
        root.wrap(&context, self.bytes()).await
    }

    /// The seed again.
    ///
    /// # Errors
    /// Those of the service.
    pub async fn unwrap(
        root: &dyn KeyService,
        purpose: SigningPurpose,
        owner: &[u8],
        wrapped: &Wrapped,
    ) -> Result<Self, KeyServiceError> {
        let context = KeyContext::new(purpose.as_str(), owner, 1);
        Ok(Self::from_bytes(purpose, root.unwrap(&context, wrapped).await?))
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::Uuid;

    use super::*;
    use crate::MemoryKeys;

    fn tenant(n: u128) -> TenantId {
        TenantId::from_uuid(Uuid::from_u128(n))
    }

    fn owner(subject: u128, key: u128) -> SubjectOwner {
        SubjectOwner {
            tenant: tenant(1),
            subject: Uuid::from_u128(subject),
            key: Uuid::from_u128(key),
        }
    }

    #[tokio::test]
    async fn a_tenant_s_key_opens_for_its_tenant_and_version_only() {
        let root = MemoryKeys::generate().unwrap();
        let key = DataKey::generate(1).unwrap();
        let wrapped = key.wrap(&root, tenant(1)).await.unwrap();
        let again = DataKey::unwrap(&root, tenant(1), 1, &wrapped).await.unwrap();
        assert_eq!(again.bytes(), key.bytes());
        for (other, version) in [(tenant(2), 1), (tenant(1), 2)] {
            assert!(DataKey::unwrap(&root, other, version, &wrapped).await.is_err());
        }
    }

    #[test]
    fn a_person_s_key_opens_for_its_person_number_and_tenant_s_key_only() {
        let tenants = DataKey::generate(3).unwrap();
        let key = SubjectDek::generate().unwrap();
        let wrapped = tenants.wrap_subject(&key, &owner(1, 1)).unwrap();
        assert_eq!((wrapped.bytes.len(), subject_version(&wrapped)), (60, Some(3)));
        let again = tenants.unwrap_subject(&wrapped, &owner(1, 1)).unwrap();
        assert_eq!(again.bytes(), key.bytes());
        for other in [owner(2, 1), owner(1, 2)] {
            assert!(tenants.unwrap_subject(&wrapped, &other).is_err());
        }
        let another = DataKey::generate(3).unwrap();
        assert!(another.unwrap_subject(&wrapped, &owner(1, 1)).is_err());
    }

    #[tokio::test]
    async fn a_seed_opens_for_its_purpose_and_owner_only() {
        let root = MemoryKeys::generate().unwrap();
        let seed = SigningSeed::generate(SigningPurpose::Token).unwrap();
        let wrapped = seed.wrap(&root, b"kid").await.unwrap();
        let open = async |purpose, owner: &[u8]| SigningSeed::unwrap(&root, purpose, owner, &wrapped).await;
        assert_eq!(open(SigningPurpose::Token, b"kid").await.unwrap().bytes(), seed.bytes());
        assert!(open(SigningPurpose::AuditLog, b"kid").await.is_err());
        assert!(open(SigningPurpose::Token, b"dik").await.is_err());
    }
}
