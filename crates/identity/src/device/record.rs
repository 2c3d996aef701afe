//! Devices on record.
use keepgate_kernel::{PrincipalId, Timestamp, UnitId};

use crate::PrincipalStatus;

/// A device to be made: active, without a level. Its id and tenant are the proof's.
#[derive(Debug, Clone)]
pub struct NewDevice {
    /// What people call it, 1 to 200 characters.
    pub name: String,
    /// The user who carries it.
    pub owner: Option<PrincipalId>,
}

/// What changes; `None` stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceChange {
    /// The new name.
    pub name: Option<String>,
    /// The new owner; `Some(None)`: nobody's.
    pub owner: Option<Option<PrincipalId>>,
}

/// A device as those see it who may.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its id.
    pub id: PrincipalId,
    /// What people call it; `None` once deleted.
    pub name: Option<String>,
    /// Whether it may act.
    pub status: PrincipalStatus,
    /// Where it lives; `None` once deleted.
    pub unit: Option<UnitId>,
    /// The user who carries it.
    pub owner: Option<PrincipalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it brought the key it has; `None`: it has none.
    pub enrolled_at: Option<Timestamp>,
}
