//! A presented key against what is on file.
use keepgate_kernel::{KeyId, RequestId, TenantId, Timestamp};
use keepgate_policy::OpContext;
use keepgate_store::Transaction;
use secrecy::{ExposeSecret, SecretString};

use super::{AuthError, Authenticator};
use crate::{
    ApiKeys, BcryptHash, Homes, ImportedKeys, KeyName, KeyOnFile, OldSecret, Phc, PresentedKey, ReportLeak, Verifier,
    lookups_of, password::Verdict,
};

/// A key whose secret has matched.
pub(super) struct Matched {
    pub(super) key: KeyId,
    pub(super) file: KeyOnFile,
    /// It was the secret before the last rotation.
    pub(super) old: bool,
    /// Until when that secret works.
    pub(super) until: Option<Timestamp>,
}

impl<Tx: Transaction + Homes + ApiKeys + ImportedKeys + ?Sized + 'static> Authenticator<Tx> {
    /// The key on file, once its secret, or the one before a rotation, has matched.
    pub(super) async fn compare(
        &self,
        key: &PresentedKey,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Matched, AuthError> {
        let (home, id) = self.home(key.name(), request, at).await?.ok_or(AuthError::Unknown)?;
        let file = self.on_file(home, id, request, at).await?;
        if self.matches(key.secret(), &file.phc).await? {
            return Ok(Matched {
                key: id,
                file,
                old: false,
                until: None,
            });
        }
        let old = file
            .old
            .clone()
            .filter(|old| at < old.until)
            .ok_or(AuthError::Unknown)?;
        let OldSecret { phc, until } = old;
        if self.matches(key.secret(), &phc).await? {
            return Ok(Matched {
                key: id,
                file,
                old: true,
                until: Some(until),
            });
        }
        Err(AuthError::Unknown)
    }

    /// The same for a text that another system made. An unknown one costs as much as a wrong one.
    pub(super) async fn compare_imported(
        &self,
        text: &SecretString,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Matched, AuthError> {
        let mut tx = self.begin(self.platform, request, at).await?;
        let home = tx.home_of_imported(&lookups_of(text.expose_secret())).await?;
        drop(tx);
        let Some((home, key)) = home else {
            self.hasher.verify(text, None).await?;
            return Err(AuthError::Unknown);
        };
        let mut tx = self.begin(home, request, at).await?;
        let file = tx.key_on_file(key).await?.ok_or(AuthError::Unknown)?;
        let imported = tx.imported_on_file(key).await?.ok_or(AuthError::Unknown)?;
        drop(tx); // no connection is held while hashing
        let right = match &imported.verifier {
            Verifier::Argon2id(phc) => self.matches(text, phc).await?,
            Verifier::Bcrypt(hash) => matches!(self.hasher.verify_bcrypt(text, hash).await?, Verdict::Right { .. }),
        };
        if !right || imported.until.is_some_and(|until| until <= at) {
            return Err(AuthError::Unknown);
        }
        if let Verifier::Bcrypt(hash) = &imported.verifier {
            let phc = self.hasher.hash(text).await?;
            self.rehash(home, key, hash, &phc, request, at).await;
        }
        Ok(Matched {
            key,
            file,
            old: imported.until.is_some(),
            until: imported.until,
        })
    }

    /// The key that `text` is, revoked or not, where it lives and whose it is, when it is one that this server made and that is on record.
    ///
    /// # Errors
    /// [`AuthError`]; [`AuthError::Unknown`] for whatever is no such key.
    pub async fn leaked(
        &self,
        text: &str,
        request: RequestId,
        at: Timestamp,
    ) -> Result<(TenantId, ReportLeak), AuthError> {
        let found = self.compare(&self.keys.parse(text)?, request, at).await?;
        let report = ReportLeak {
            id: found.key,
            owner: found.file.owner,
        };
        Ok((found.file.tenant, report))
    }

    async fn home(
        &self,
        name: KeyName,
        request: RequestId,
        at: Timestamp,
    ) -> Result<Option<(TenantId, KeyId)>, AuthError> {
        let mut tx = self.begin(self.platform, request, at).await?;
        Ok(match name {
            KeyName::Handle(handle) => tx.home_of_handle(handle).await?,
            KeyName::Id(id) => tx.home_of_key(id).await?.map(|home| (home, id)),
        })
    }

    async fn on_file(
        &self,
        home: TenantId,
        key: KeyId,
        request: RequestId,
        at: Timestamp,
    ) -> Result<KeyOnFile, AuthError> {
        let mut tx = self.begin(home, request, at).await?;
        tx.key_on_file(key).await?.ok_or(AuthError::Unknown)
    }

    async fn matches(&self, secret: &SecretString, phc: &Phc) -> Result<bool, AuthError> {
        Ok(matches!(
            self.hasher.verify(secret, Some(phc)).await?,
            Verdict::Right { .. }
        ))
    }

    /// A worker is refused where its tenant is suspended.
    async fn begin(&self, tenant: TenantId, request: RequestId, at: Timestamp) -> Result<Box<Tx>, AuthError> {
        let begun = self.store.begin(&OpContext::system(tenant, request, at)).await;
        begun.map_err(super::revoked)
    }

    /// A bcrypt hash lives until its key's first use; no request fails because it lives a little longer.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: no operation of anybody, so there is no entry to write"
    )]
    async fn rehash(
        &self,
        home: TenantId,
        key: KeyId,
        from: &BcryptHash,
        phc: &Phc,
        request: RequestId,
        at: Timestamp,
    ) {
        let Ok(mut tx) = self.begin(home, request, at).await else {
            return;
        };
        if matches!(tx.rehash_imported_key(key, from, phc).await, Ok(true)) {
            let _tried_again_at_the_next_use = tx.commit().await;
        }
    }
}
