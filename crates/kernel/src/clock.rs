//! Time as a parameter.
use chrono::{DateTime, SecondsFormat, SubsecRound, Utc};

/// An instant in UTC; the product keeps microseconds, as PostgreSQL does.
pub type Timestamp = DateTime<Utc>;

/// Where an operation gets its time from.
pub trait Clock: Send + Sync + std::fmt::Debug {
    /// The present instant, whole microseconds.
    fn now(&self) -> Timestamp;
}

/// The clock of the machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one reader of the machine's clock")]
    fn now(&self) -> Timestamp {
        Utc::now().trunc_subsecs(6)
    }
}

/// A clock that stands still, for tests and replays.
#[derive(Debug, Clone, Copy)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0.trunc_subsecs(6)
    }
}

/// RFC 3339 in UTC with six digits: `2026-01-02T03:04:05.000000Z`.
#[must_use]
pub fn format_time(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_six_digits_and_a_z() {
        let at: Timestamp = "2026-01-02T04:04:05.1234567+01:00".parse().unwrap();
        assert_eq!(format_time(FixedClock(at).now()), "2026-01-02T03:04:05.123456Z");
    }
}
