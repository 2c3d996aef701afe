//! The seven levels of authority.

/// A level. `Ord` is the order of domination; there is no level 0 and no value that means "none".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub enum Level {
    /// People in the field, and devices: their own messages only.
    FieldAgent = 1,
    /// Sends messages, works a unit's desk.
    Operator = 2,
    /// Leads operators of a unit, enrols devices.
    Supervisor = 3,
    /// People, API keys, channels and devices of a tenant.
    TenantAdmin = 4,
    /// Keys, export and billing of a tenant; appoints its admins.
    TenantOwner = 5,
    /// Runs the service; reads no payload.
    PlatformOperator = 6,
    /// Creates and suspends tenants, appoints their owners; reads no payload.
    GlobalAdmin = 7,
}

/// A number that is not a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a level is a number from 1 to 7")]
pub struct InvalidLevel;

impl Level {
    /// Every level, lowest first.
    pub const ALL: [Self; 7] = [
        Self::FieldAgent,
        Self::Operator,
        Self::Supervisor,
        Self::TenantAdmin,
        Self::TenantOwner,
        Self::PlatformOperator,
        Self::GlobalAdmin,
    ];

    /// The number, 1 to 7.
    #[must_use]
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// The name used in the API, the database and the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::FieldAgent => "field_agent",
            Self::Operator => "operator",
            Self::Supervisor => "supervisor",
            Self::TenantAdmin => "tenant_admin",
            Self::TenantOwner => "tenant_owner",
            Self::PlatformOperator => "platform_operator",
            Self::GlobalAdmin => "global_admin",
        }
    }

    /// Levels 6 and 7 live in the platform tenant, 1 to 5 in a customer's.
    #[must_use]
    pub const fn is_platform(self) -> bool {
        self.number() >= 6
    }

    /// Levels 1 to 3 act inside one unit.
    #[must_use]
    pub const fn needs_unit(self) -> bool {
        self.number() <= 3
    }
}

impl TryFrom<u8> for Level {
    type Error = InvalidLevel;
    fn try_from(number: u8) -> Result<Self, InvalidLevel> {
        Self::ALL
            .into_iter()
            .find(|level| level.number() == number)
            .ok_or(InvalidLevel)
    }
}

impl From<Level> for u8 {
    fn from(level: Level) -> Self {
        level.number()
    }
}

impl std::fmt::Display for Level {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_to_seven_are_levels() {
        for number in 0..=u8::MAX {
            assert_eq!(Level::try_from(number).is_ok(), (1..=7).contains(&number), "{number}");
        }
    }

    #[test]
    fn the_order_is_the_number() {
        for (number, level) in (1u8..).zip(Level::ALL) {
            assert_eq!(level.number(), number);
        }
        assert!(Level::ALL.is_sorted());
    }
}
