//! Levels that another organisation's directory decides about, within what an owner has mapped.
use keepgate_kernel::{Level, PrincipalId};

use super::{GrantDenied, Target};
use crate::{Authorized, Permission, permissions};

/// A permission under which Keepgate's own worker applies a mapping.
pub trait Mapping: Permission {}
impl Mapping for permissions::AuthSso {}
impl Mapping for permissions::ScimProvision {}

/// A level a group can stand for: 1 to 4. Owners and the platform's levels have no value of this type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MappedLevel(Level);

impl MappedLevel {
    /// The level.
    #[must_use]
    pub const fn level(self) -> Level {
        self.0
    }
}

impl TryFrom<Level> for MappedLevel {
    type Error = GrantDenied;

    /// A mapping is made by an owner, so it stays below one.
    fn try_from(level: Level) -> Result<Self, GrantDenied> {
        if level < Level::TenantOwner {
            Ok(Self(level))
        } else {
            Err(GrantDenied::NotBelowOwn)
        }
    }
}

/// Proof that a mapping gives one principal this level, or none. Consumed by the port that writes it.
#[must_use]
#[derive(Debug)]
pub struct MappedProof {
    by: PrincipalId,
    target: Target,
    level: Option<MappedLevel>,
}

impl MappedProof {
    /// The owner whose mapping it is.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// Who receives, and where.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// What is given; `None`: what was held is taken away.
    #[must_use]
    pub const fn level(&self) -> Option<MappedLevel> {
        self.level
    }
}

/// Mints the proof that the mapping of the owner `by` gives `target` exactly `level`. The database decides again on live rows:
/// the owner must still be one, the level must be in the mapping.
///
/// # Errors
/// [`GrantDenied`]: for anybody but a worker of the target's tenant, for owners as targets, and for the owner's own level.
pub fn map<P: Mapping>(
    proof: &Authorized<P>,
    target: Target,
    level: Option<MappedLevel>,
    by: PrincipalId,
) -> Result<MappedProof, GrantDenied> {
    if proof.level().is_some() {
        return Err(GrantDenied::Level);
    }
    if target.tenant != proof.tenant() {
        return Err(GrantDenied::OtherTenant);
    }
    if target.principal.uuid() == by.uuid() {
        return Err(GrantDenied::Oneself);
    }
    if target.present.is_some_and(|present| present >= Level::TenantOwner) {
        return Err(GrantDenied::Superior);
    }
    Ok(MappedProof { by, target, level })
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::{PrincipalKind, RequestId, TenantId, Uuid};

    use super::*;
    use crate::{OpContext, authorize};

    fn who(number: u128) -> PrincipalId {
        PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(number))
    }

    #[test]
    fn no_group_stands_for_an_owner_or_the_platform() {
        for level in Level::ALL {
            assert_eq!(MappedLevel::try_from(level).is_ok(), level.number() <= 4, "{level}");
        }
    }

    #[test]
    fn a_mapping_reaches_only_people_below_an_owner_in_its_tenant() {
        let tenant = TenantId::from_uuid(Uuid::from_u128(1));
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        let worker = OpContext::system(tenant, RequestId::new(at), at);
        let proof = authorize::<permissions::AuthSso>(&worker).unwrap();
        let target = |tenant, present| Target {
            principal: who(7),
            tenant,
            present,
        };
        for present in Level::ALL {
            let given = map(&proof, target(tenant, Some(present)), None, who(8));
            assert_eq!(given.is_ok(), present < Level::TenantOwner, "{present}");
        }
        let elsewhere = TenantId::from_uuid(Uuid::from_u128(2));
        assert!(map(&proof, target(elsewhere, None), None, who(8)).is_err());
        assert!(
            map(&proof, target(tenant, None), None, who(7)).is_err(),
            "nobody maps themselves"
        );
    }
}
