//! What a mapping gives, put into effect.
use keepgate_identity::{DirectoryUsers, UserStanding};
use keepgate_kernel::{Level, PrincipalId};
use keepgate_policy::{Authorized, GrantDenied, MappedProof, Mapping, Target, map};
use keepgate_rbac::Units;
use keepgate_sso::{Mapped, Provider};
use keepgate_store::StoreError;

use crate::operations::unit::{UnitError, unit_for};

/// Why a mapping could not be put into effect.
#[derive(Debug, thiserror::Error)]
pub enum MappedError {
    /// The unit is gone.
    #[error(transparent)]
    Unit(#[from] UnitError),
    /// Not by this mapping, or not for this person.
    #[error(transparent)]
    Denied(#[from] GrantDenied),
    /// Whoever made the mapping is an owner no longer.
    #[error("the owner who made the mapping is no longer one; an owner has to configure the provider again")]
    NoOwner,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Gives `user` what `mapped` says, in the name of the owner who configured `provider`; `None` takes the level away. Nothing is
/// written when nothing changes. A person whom somebody made an owner since is left alone.
pub(crate) async fn apply<P: Mapping, Tx: DirectoryUsers + Units + ?Sized>(
    tx: &mut Tx,
    proof: &Authorized<P>,
    provider: &Provider,
    user: PrincipalId,
    present: UserStanding,
    mapped: Option<Mapped>,
) -> Result<(), MappedError> {
    if present.level.is_some_and(|level| level >= Level::TenantOwner) {
        return Ok(());
    }
    let unit = match mapped {
        Some(mapped) => unit_for(tx, mapped.level.level(), mapped.unit).await?,
        None => None,
    };
    if present.level == mapped.map(|mapped| mapped.level.level()) && present.unit == unit {
        return Ok(());
    }
    let target = Target {
        principal: user,
        tenant: proof.tenant(),
        present: present.level,
    };
    let given: MappedProof = map(proof, target, mapped.map(|mapped| mapped.level), provider.configured_by)?;
    match tx.grant_mapped(given, unit).await {
        Err(StoreError::Forbidden) => Err(MappedError::NoOwner),
        other => Ok(other?),
    }
}
