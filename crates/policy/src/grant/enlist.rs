//! Devices: the one kind of principal that a supervisor may make, at the lowest level and in its own unit.
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, UnitId};

use super::{GrantDenied, ReachProof, Target};
use crate::{Authorized, Permission, permissions};

/// A permission under which a device may be made or tended.
pub trait Enlisting: Permission {}
impl Enlisting for permissions::DeviceCreate {}
impl Enlisting for permissions::DeviceUpdate {}
impl Enlisting for permissions::DeviceDelete {}
impl Enlisting for permissions::DeviceEnrol {}

/// Proof that one principal may have a device at level 1 in one unit of its tenant. It can mint nothing else.
#[must_use]
#[derive(Debug)]
pub struct EnlistProof {
    target: Target,
    by: PrincipalId,
    unit: UnitId,
}

impl EnlistProof {
    /// Who enlists.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// The device, and where it lives.
    #[must_use]
    pub const fn target(&self) -> Target {
        self.target
    }

    /// The unit it belongs to.
    #[must_use]
    pub const fn unit(&self) -> UnitId {
        self.unit
    }
}

/// Mints the proof that `proof`'s principal may place `device` in `unit`: a supervisor in its own, admins in any.
///
/// # Errors
/// [`GrantDenied`] says which part of the rule failed.
pub fn enlist<P: Enlisting>(
    proof: &Authorized<P>,
    device: PrincipalId,
    unit: UnitId,
) -> Result<EnlistProof, GrantDenied> {
    let target = over_device(proof, device, unit)?;
    Ok(EnlistProof {
        target,
        by: proof.by(),
        unit,
    })
}

/// Mints the proof that `proof`'s principal may change `device`, which lives in `unit` now.
///
/// # Errors
/// [`GrantDenied`] says which part of the rule failed.
pub fn tend<P: Enlisting>(proof: &Authorized<P>, device: PrincipalId, unit: UnitId) -> Result<ReachProof, GrantDenied> {
    let target = over_device(proof, device, unit)?;
    Ok(ReachProof { by: proof.by(), target })
}

fn over_device<P: Permission>(proof: &Authorized<P>, device: PrincipalId, unit: UnitId) -> Result<Target, GrantDenied> {
    let own = proof
        .level()
        .filter(|own| *own >= Level::Supervisor && !own.is_platform());
    let own = own.ok_or(GrantDenied::Level)?;
    if device.kind() != PrincipalKind::Device {
        return Err(GrantDenied::NoDevice);
    }
    if own == Level::Supervisor && proof.unit() != Some(unit) {
        return Err(GrantDenied::OtherUnit);
    }
    Ok(Target {
        principal: device,
        tenant: proof.tenant(),
        present: Some(Level::FieldAgent),
    })
}
