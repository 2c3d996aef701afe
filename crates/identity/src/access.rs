//! Who has which access, and whether anybody still uses it.
use std::{fmt, str::FromStr, time::Duration};

use keepgate_kernel::{Hat, IdError, KeyId, Level, PrincipalId, Timestamp, UnitId};

use crate::Email;

/// Access that nobody has used for so long is due to be taken away: 90 days.
pub const ACCESS_STALE_AFTER: Duration = Duration::from_hours(90 * 24);

/// Who or what has access. The order is that of a review: people, devices, services, keys; among themselves by id, so by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Holder {
    /// A user, device or service.
    Principal(PrincipalId),
    /// An API key.
    Key(KeyId),
}

impl Holder {
    /// The word in the API: `user`, `device`, `service` or `api_key`.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Principal(id) => id.kind().as_str(),
            Self::Key(_) => "api_key",
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(id) => id.fmt(f),
            Self::Key(id) => id.fmt(f),
        }
    }
}

impl FromStr for Holder {
    type Err = IdError;
    fn from_str(text: &str) -> Result<Self, IdError> {
        text.parse()
            .map(Self::Principal)
            .or_else(|_| text.parse().map(Self::Key))
    }
}

/// Whether it opens anything now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessStatus {
    /// It does.
    Active,
    /// Not until it is active again; a key: its service or owner may not act.
    Disabled,
    /// A key past its end.
    Expired,
}

impl AccessStatus {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
            Self::Expired => "expired",
        }
    }

    /// That of a key which ends at `end`, as of `at`; `live`: service and owner may act.
    pub(crate) fn of_key(live: bool, end: Option<Timestamp>, at: Timestamp) -> Self {
        match end {
            Some(end) if end <= at => Self::Expired,
            _ if live => Self::Active,
            _ => Self::Disabled,
        }
    }
}

/// What somebody can prove a second time with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HeldFactors {
    /// Whether there is an authenticator app.
    pub totp: bool,
    /// How many passkeys there are.
    pub passkeys: u32,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

/// One line of a review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who or what.
    pub holder: Holder,
    /// What people call it.
    pub name: Option<String>,
    /// The address of a user.
    pub email: Option<Email>,
    /// Whether it opens anything now.
    pub status: AccessStatus,
    /// The live level; of a key, what it is worth below its owner. `None` when there is none left.
    pub level: Option<Level>,
    /// The unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// The hat.
    pub hat: Option<Hat>,
    /// Who answers for it: the owner of a key, who carries a device, and otherwise who gave it or a service its level.
    pub owner: Option<PrincipalId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When a key ends by itself.
    pub expires_at: Option<Timestamp>,
    /// The last log-in of a user or device, to the eight hours a session lasts; the last use of a key, or of any key of a service, to
    /// about a minute.
    pub last_used_at: Option<Timestamp>,
    /// The second factors of a user.
    pub factors: Option<HeldFactors>,
}

impl Access {
    /// Whether nobody has used it for [`ACCESS_STALE_AFTER`] as of `at`; what was never used counts from when it was made.
    #[must_use]
    pub fn is_stale(&self, at: Timestamp) -> bool {
        self.last_used_at.unwrap_or(self.created_at) + ACCESS_STALE_AFTER <= at
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::{Clock, FixedClock, PrincipalKind};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn access(created: &str, used: Option<&str>) -> Access {
        Access {
            holder: Holder::Principal(PrincipalId::new(PrincipalKind::User, at(created))),
            name: None,
            email: None,
            status: AccessStatus::Active,
            level: None,
            unit: None,
            hat: None,
            owner: None,
            created_at: at(created),
            expires_at: None,
            last_used_at: used.map(at),
            factors: None,
        }
    }

    #[test]
    fn access_is_stale_ninety_days_after_its_last_use_to_the_microsecond() {
        let clock = FixedClock(at("2026-05-01T00:00:00Z"));
        let (now, old) = (clock.now(), "2025-01-01T00:00:00Z");
        assert!(access(old, Some("2026-01-31T00:00:00Z")).is_stale(now), "90 days");
        assert!(!access(old, Some("2026-01-31T00:00:00.000001Z")).is_stale(now));
        assert!(!access(old, Some("2026-04-30T00:00:00Z")).is_stale(now));
    }

    #[test]
    fn what_was_never_used_is_stale_ninety_days_after_it_was_made() {
        let now = FixedClock(at("2026-05-01T00:00:00Z")).now();
        assert!(access("2026-01-31T00:00:00Z", None).is_stale(now));
        assert!(!access("2026-02-01T00:00:00Z", None).is_stale(now));
    }

    #[test]
    fn a_key_is_expired_before_it_is_anything_else() {
        let now = at("2026-05-01T00:00:00Z");
        let of = |live, end: Option<&str>| AccessStatus::of_key(live, end.map(at), now).as_str();
        assert_eq!(of(true, None), "active");
        assert_eq!(of(false, None), "disabled");
        assert_eq!(of(true, Some("2026-05-01T00:00:00Z")), "expired");
        assert_eq!(of(true, Some("2026-05-01T00:00:01Z")), "active");
    }

    #[test]
    fn people_come_before_what_works_for_them_and_a_holder_survives_its_text() {
        let now = at("2026-05-01T00:00:00Z");
        let kinds = [PrincipalKind::User, PrincipalKind::Device, PrincipalKind::Service];
        let principals = kinds.map(|kind| Holder::Principal(PrincipalId::new(kind, now)));
        let all = [&principals[..], &[Holder::Key(KeyId::new(now))]].concat();
        assert!(all.is_sorted());
        for holder in all {
            assert_eq!(holder.to_string().parse(), Ok(holder));
        }
        assert!("msg_00000000000000000000000000".parse::<Holder>().is_err());
    }
}
