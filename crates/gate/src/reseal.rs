//! Values sealed anew under the tenant's newest key: where each kind lives, and one value of it.
mod touched;

use keepgate_audit::AuditLog;
use keepgate_crypto_keys::{
    CryptoError, DataKeys, Place, Purpose, SealedKind, SealedRow, SubjectOwner, Wrapped, sealed_version,
};
use keepgate_kernel::{TenantId, Uuid};
use keepgate_sso::ProviderName;
use keepgate_store::{StoreError, Transaction};

pub(crate) use touched::Touched;

use crate::{Gate, VaultError};

/// What the value of the row `name` is bound to; `None` for keys of persons, which are wrapped, and for a name that is none.
fn place(tenant: TenantId, kind: SealedKind, name: &str) -> Option<Place> {
    let (purpose, table, column) = match kind {
        SealedKind::Payload => (Purpose::Payload, "channels.message", "payload"),
        SealedKind::Text => (Purpose::Payload, "channels.message", "text"),
        SealedKind::Note => (Purpose::Payload, "channels.message", "note"),
        SealedKind::WebhookSecret => (Purpose::WebhookSecret, "channels.webhook", "secret"),
        SealedKind::Answer => (Purpose::Answer, "doorway.idempotency", "answer"),
        SealedKind::TotpSeed => (Purpose::TotpSeed, "identity.factor", "material"),
        SealedKind::SsoSecret => (Purpose::SsoSecret, "sso.provider", "secret"),
        SealedKind::SinkSecret => (Purpose::SinkSecret, "audit.sink_secret", "sealed"),
        SealedKind::Mail => (Purpose::Mail, "identity.mail", "sealed"),
        SealedKind::SubjectKey => return None,
    };
    let row = match kind {
        SealedKind::Answer => {
            let (caller, key) = name.split_once(':')?;
            let folded = u128::from_str_radix(key.get(..32)?, 16).ok()?;
            Uuid::from_u128(caller.parse::<Uuid>().ok()?.as_u128() ^ folded)
        }
        SealedKind::SsoSecret => name.parse::<ProviderName>().ok()?.row(),
        _ => name.parse().ok()?,
    };
    Some(Place {
        tenant,
        purpose,
        table,
        column,
        row,
    })
}

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    /// The content of `row` sealed anew under the tenant's newest key; `None` when it can't be opened: it was damaged, or its key is gone.
    ///
    /// # Errors
    /// [`VaultError`] while keys can't be opened.
    pub(crate) async fn seal_anew(
        &self,
        tenant: TenantId,
        kind: SealedKind,
        row: &SealedRow,
        version: i32,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let Some(value) = &row.value else { return Ok(None) };
        let sealed = match place(tenant, kind, &row.name) {
            Some(place) => match self.open_at_rest(&place, value).await {
                Ok(content) => Some(self.seal(&place, &content).await?),
                Err(VaultError::Crypto(CryptoError::Unopenable(_)) | VaultError::Gone | VaultError::Unknown) => None,
                Err(error) => return Err(error),
            },
            None => self.wrap_anew(tenant, row, value, version).await?,
        };
        match &sealed {
            // The tenant's key was rotated meanwhile: the walk is over.
            Some(new) if kind != SealedKind::SubjectKey && sealed_version(new) != Ok(version) => Err(VaultError::Shut),
            _ => Ok(sealed),
        }
    }

    async fn wrap_anew(
        &self,
        tenant: TenantId,
        row: &SealedRow,
        value: &[u8],
        version: i32,
    ) -> Result<Option<Vec<u8>>, VaultError> {
        let (Some(subject), Ok(key), Some(kek)) = (row.owner, row.name.parse(), &row.kek) else {
            return Ok(None);
        };
        let owner = SubjectOwner { tenant, subject, key };
        let wrapped = Wrapped {
            kek: kek.clone(),
            bytes: value.to_vec(),
        };
        let dek = match self.subject_dek(&owner, &wrapped).await {
            Ok(Some(dek)) => dek,
            Ok(None) | Err(StoreError::Corrupt { .. } | StoreError::KeyGone) => return Ok(None),
            Err(error) => return Err(VaultError::Key(crate::Failure::Store(error))),
        };
        let ring = self.ring_with(tenant, version).await?;
        let newest = self.vault.found(&ring, version)?;
        Ok(Some(newest.wrap_subject(&dek, &owner)?.bytes))
    }

    /// The version that this instance seals under.
    pub(crate) async fn newest(&self, tenant: TenantId) -> Result<i32, VaultError> {
        self.warm(tenant).await?;
        Ok(self.vault.sealing(tenant)?.version())
    }

    /// Whether this instance seals under `version` by now.
    pub(crate) async fn seals_under(&self, tenant: TenantId, version: i32) -> Result<bool, VaultError> {
        Ok(self.newest(tenant).await? == version)
    }
}
