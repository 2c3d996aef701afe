//! Hats: masks on a level, which only remove.

/// A hat. Whoever wears one keeps, of what the level permits, a fixed set of reads; every other permission is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hat {
    /// Reads the audit log and who has which access.
    Auditor,
    /// Reads what the tenant uses and pays.
    Billing,
    /// Reads what is on record about people, and which keys seal it.
    PrivacyOfficer,
}

/// A text that names no hat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a hat is `auditor`, `billing` or `privacy_officer`")]
pub struct UnknownHat;

impl Hat {
    /// Every hat.
    pub const ALL: [Self; 3] = [Self::Auditor, Self::Billing, Self::PrivacyOfficer];

    /// The name used in the API, the database and tokens.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auditor => "auditor",
            Self::Billing => "billing",
            Self::PrivacyOfficer => "privacy_officer",
        }
    }
}

impl std::str::FromStr for Hat {
    type Err = UnknownHat;

    fn from_str(text: &str) -> Result<Self, UnknownHat> {
        Self::ALL.into_iter().find(|hat| hat.as_str() == text).ok_or(UnknownHat)
    }
}

impl std::fmt::Display for Hat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_back() {
        for hat in Hat::ALL {
            assert_eq!(hat.as_str().parse(), Ok(hat));
        }
        assert_eq!("Auditor".parse::<Hat>(), Err(UnknownHat));
    }
}
