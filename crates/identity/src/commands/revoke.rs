//! Revoking by hand: what somebody holds, what a tenant holds, what a key signed, or everything.
use keepgate_kernel::{Entity, KeyId, PrincipalId, SessionId, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    ApiKeys, Killed, NewSigningKey, Principals, RevocationOrder, Revocations, Sessions, SigningKey, SigningKeys, Turn,
};

/// What is to die.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// One session.
    Session(SessionId),
    /// Every session and API key of a principal.
    Principal(PrincipalId),
    /// One API key.
    Key(KeyId),
    /// Every session and API key of a tenant.
    Tenant(TenantId),
    /// A signing key, every token it signed and every session that may have been opened with it.
    Kid(String),
    /// Every session of everybody. API keys are no tokens and stay.
    All,
}

impl Target {
    fn order(&self, reason: &str) -> RevocationOrder {
        let (kind, target) = match self {
            Self::Session(id) => ("session", id.to_string()),
            Self::Principal(id) => ("principal", id.to_string()),
            Self::Key(id) => ("key", id.to_string()),
            Self::Tenant(id) => ("tenant", id.to_string()),
            Self::Kid(kid) => ("kid", kid.clone()),
            Self::All => ("all", "*".to_owned()),
        };
        RevocationOrder {
            kind,
            target,
            reason: reason.to_owned(),
        }
    }
}

/// Revokes at once, everywhere. An owner within its own tenant; a global admin any tenant, signing keys, and everything.
#[derive(Debug, Clone)]
pub struct Revoke {
    /// What.
    pub target: Target,
    /// Why, for whoever looks later: 1 to 200 characters, none of them a control character.
    pub reason: String,
    /// A key made before the transaction, in case the one that signs is revoked and none is pending.
    pub spare: Option<NewSigningKey>,
}

/// Why nothing was revoked.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// The reason is empty, too long, or holds control characters.
    #[error("a reason has 1 to 200 characters and no control characters")]
    InvalidReason,
    /// There is no such living thing the caller may revoke.
    #[error("there is nothing to revoke under that id")]
    NotFound,
    /// That kind is for global admins.
    #[error("only a global admin may revoke that")]
    OutOfReach,
    /// Another key was put in place at the same time.
    #[error("the signing keys changed at the same time")]
    NoSuccessor,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for RevokeError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidReason => ErrorKind::Refused("invalid-reason"),
            Self::NotFound => ErrorKind::Refused("nothing-to-revoke"),
            Self::OutOfReach => ErrorKind::Refused("out-of-reach"),
            Self::NoSuccessor => ErrorKind::Conflict,
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx> Command<Tx> for Revoke
where
    Tx: Sessions + Principals + ApiKeys + Revocations + SigningKeys + ?Sized,
{
    type Permission = permissions::RevocationCreate;
    type Output = Killed;
    type Error = RevokeError;

    fn entity(&self) -> Entity {
        match &self.target {
            Target::Session(id) => (*id).into(),
            Target::Principal(id) => (*id).into(),
            Target::Key(id) => (*id).into(),
            Target::Tenant(id) => (*id).into(),
            Target::Kid(kid) => Entity::named("signing-key", kid),
            Target::All => Entity::collection("sessions"),
        }
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Killed, RevokeError> {
        let length = self.reason.chars().count();
        if !(1..=200).contains(&length) || self.reason.chars().any(char::is_control) {
            return Err(RevokeError::InvalidReason);
        }
        // First: what follows may end the caller's own session. Where nothing is revoked nothing is kept either.
        tx.keep_order(&self.target.order(&self.reason)).await?;
        let global = proof.level().is_some_and(keepgate_kernel::Level::is_platform);
        let killed = match &self.target {
            Target::Session(id) => tx.revoke_session(*id).await?.then_some(Killed { sessions: 1, keys: 0 }),
            Target::Key(id) => tx.revoke_api_key(*id).await?.then_some(Killed { sessions: 0, keys: 1 }),
            Target::Principal(id) => self.principal(proof, tx, *id).await?,
            Target::Tenant(id) if global || *id == proof.tenant() => tx.revoke_tenant(proof, *id).await?,
            // Whether there is such a tenant is not told.
            Target::Tenant(_) => None,
            Target::Kid(_) | Target::All if !global => return Err(RevokeError::OutOfReach),
            Target::Kid(kid) => self.kid(proof, tx, kid).await?,
            Target::All => Some(tx.revoke_all(proof).await?),
        };
        killed.ok_or(RevokeError::NotFound)
    }
}

impl Revoke {
    async fn principal<Tx: Principals + Revocations + ?Sized>(
        &self,
        proof: &Authorized<permissions::RevocationCreate>,
        tx: &mut Tx,
        id: PrincipalId,
    ) -> Result<Option<Killed>, RevokeError> {
        if id != proof.by() {
            let Some(target) = tx.principal(id).await? else {
                return Ok(None);
            };
            if target.level.is_some() && target.level >= proof.level() {
                return Ok(None);
            }
        }
        Ok(tx.revoke_principal(proof, id).await?)
    }

    /// Where the key that signs is gone, the pending one signs at once, or the spare one.
    async fn kid<Tx: Revocations + SigningKeys + ?Sized>(
        &self,
        proof: &Authorized<permissions::RevocationCreate>,
        tx: &mut Tx,
        kid: &str,
    ) -> Result<Option<Killed>, RevokeError> {
        let keys = tx.signing_keys().await?;
        let signs =
            |key: &SigningKey| key.activated_at.is_some() && key.retired_at.is_none() && key.revoked_at.is_none();
        let was_active = keys.iter().any(|key| key.kid == kid && signs(key));
        // The successor first: the caller's own session may end with the key.
        if was_active && tx.turn_signing_keys(true).await? == Turn::None {
            let spare = self.spare.as_ref().ok_or(RevokeError::NoSuccessor)?;
            if !tx.add_signing_key(spare, false).await? || tx.turn_signing_keys(true).await? == Turn::None {
                return Err(RevokeError::NoSuccessor);
            }
        }
        Ok(tx.revoke_kid(proof, kid).await?)
    }
}
