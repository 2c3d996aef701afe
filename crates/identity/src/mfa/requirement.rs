//! Who has to prove a second factor, and from when.
use chrono::TimeDelta;
use keepgate_kernel::{Level, Timestamp};

use super::FactorKind;
use crate::Email;

/// How long a new principal below level 6 may go without a second factor: 24 hours from its enrolment.
pub const GRACE: TimeDelta = TimeDelta::hours(24);

/// The level from which a tenant requires a second factor. The platform's levels always need one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MfaLevel(Level);

impl MfaLevel {
    /// From `level` up.
    #[must_use]
    pub const fn from(level: Level) -> Self {
        Self(level)
    }

    /// The level as a number, 1 to 7.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0.number()
    }

    /// Whether `level` needs a second factor.
    #[must_use]
    pub fn requires(self, level: Level) -> bool {
        level.is_platform() || level >= self.0
    }
}

/// As long as a tenant says nothing: from `tenant_admin` up.
impl Default for MfaLevel {
    fn default() -> Self {
        Self(Level::TenantAdmin)
    }
}

/// What decides about a principal's second factor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MfaStanding {
    /// Its address, which an authenticator app shows.
    pub email: Option<Email>,
    /// Its live level.
    pub level: Level,
    /// When it first enrolled; when it was made, if it came without a code.
    pub enrolled_at: Timestamp,
    /// What its tenant requires.
    pub required_from: MfaLevel,
    /// Its confirmed factors.
    pub factors: Vec<FactorKind>,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

/// What a right password is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// A session: a second factor is not required, or not yet.
    Nothing,
    /// A second factor is on record and has to be proved.
    Factor,
    /// None is on record and one is overdue: the session can add one, and do nothing else.
    Owing,
    /// None is on record, and there is no session without one.
    FactorFirst,
}

impl MfaStanding {
    /// The rule, at the instant `at`.
    #[must_use]
    pub fn demand(&self, at: Timestamp) -> Demand {
        if !self.factors.is_empty() {
            Demand::Factor
        } else if self.level.is_platform() {
            Demand::FactorFirst
        } else if self.required_from.requires(self.level) && at >= self.enrolled_at + GRACE {
            Demand::Owing
        } else {
            Demand::Nothing
        }
    }

    /// Whether a second factor is required of it, now or when its grace ends.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.required_from.requires(self.level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(level: Level, from: Level, factors: &[FactorKind]) -> MfaStanding {
        MfaStanding {
            email: None,
            level,
            enrolled_at: Timestamp::UNIX_EPOCH,
            required_from: MfaLevel::from(from),
            factors: factors.to_vec(),
            recovery_codes: 0,
        }
    }

    #[test]
    fn every_level_under_every_policy_before_and_after_the_grace() {
        let last = Timestamp::UNIX_EPOCH + GRACE - TimeDelta::microseconds(1);
        for level in Level::ALL {
            for from in Level::ALL {
                let bare = standing(level, from, &[]);
                let (before, after) = (bare.demand(last), bare.demand(Timestamp::UNIX_EPOCH + GRACE));
                let wanted = match level.number() {
                    6 | 7 => (Demand::FactorFirst, Demand::FactorFirst),
                    own if own >= from.number() => (Demand::Nothing, Demand::Owing),
                    _ => (Demand::Nothing, Demand::Nothing),
                };
                assert_eq!((before, after), wanted, "{level} where {from} needs one");
                assert_eq!(bare.is_required(), level.number() >= 6 || level >= from);
            }
        }
    }

    #[test]
    fn a_factor_on_record_is_asked_for_at_any_level_and_at_once() {
        for level in Level::ALL {
            for kind in [FactorKind::Totp, FactorKind::Passkey] {
                let standing = standing(level, Level::GlobalAdmin, &[kind]);
                assert_eq!(standing.demand(Timestamp::UNIX_EPOCH), Demand::Factor);
            }
        }
    }

    #[test]
    fn a_tenant_that_says_nothing_requires_it_from_level_four() {
        assert_eq!(MfaLevel::default().number(), 4);
    }
}
