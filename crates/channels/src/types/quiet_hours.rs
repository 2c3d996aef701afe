//! When a recipient would rather not be disturbed.

/// Why quiet hours can't be what was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuietHoursError {
    /// Not `HH:MM`.
    #[error("a time of day is written as HH:MM, from 00:00 to 23:59")]
    Time,
    /// Start and end are the same.
    #[error("quiet hours must have a length")]
    Empty,
    /// Not the form of an IANA zone name.
    #[error("a time zone is named as in the IANA database, such as Europe/Vienna")]
    Zone,
}

/// A daily span in the recipient's own time zone; `end` before `start` means the next morning.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct QuietHours {
    start: String,
    end: String,
    timezone: String,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    start: String,
    end: String,
    timezone: String,
}

impl QuietHours {
    /// From `start` to `end` (`HH:MM`) in `timezone`. The zone's form is checked; whether it exists is not.
    ///
    /// # Errors
    /// [`QuietHoursError`].
    pub fn new(start: &str, end: &str, timezone: &str) -> Result<Self, QuietHoursError> {
        if !is_time_of_day(start) || !is_time_of_day(end) {
            return Err(QuietHoursError::Time);
        }
        if start == end {
            return Err(QuietHoursError::Empty);
        }
        if !is_zone_name(timezone) {
            return Err(QuietHoursError::Zone);
        }
        Ok(Self {
            start: start.to_owned(),
            end: end.to_owned(),
            timezone: timezone.to_owned(),
        })
    }

    /// When they begin, `HH:MM`.
    #[must_use]
    pub fn start(&self) -> &str {
        &self.start
    }

    /// When they end, `HH:MM`.
    #[must_use]
    pub fn end(&self) -> &str {
        &self.end
    }

    /// The IANA name of the zone.
    #[must_use]
    pub fn timezone(&self) -> &str {
        &self.timezone
    }
}

impl TryFrom<Written> for QuietHours {
    type Error = QuietHoursError;
    fn try_from(written: Written) -> Result<Self, QuietHoursError> {
        Self::new(&written.start, &written.end, &written.timezone)
    }
}

impl From<QuietHours> for Written {
    fn from(hours: QuietHours) -> Self {
        Self {
            start: hours.start,
            end: hours.end,
            timezone: hours.timezone,
        }
    }
}

fn is_time_of_day(text: &str) -> bool {
    let two = |part: &str, below: u8| {
        part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit()) && part.parse::<u8>().is_ok_and(|n| n < below)
    };
    text.split_once(':')
        .is_some_and(|(hour, minute)| two(hour, 24) && two(minute, 60))
}

fn is_zone_name(text: &str) -> bool {
    text.len() <= 64
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .split('/')
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"_+-".contains(&b)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_and_an_afternoon_are_quiet_hours() {
        for (start, end) in [("22:00", "07:00"), ("13:00", "15:30")] {
            assert!(QuietHours::new(start, end, "America/Port-au-Prince").is_ok());
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for time in ["24:00", "7:00", "07:60", "0700", "-1:00", "+1:00", ""] {
            assert_eq!(
                QuietHours::new(time, "08:00", "UTC"),
                Err(QuietHoursError::Time),
                "{time}"
            );
        }
        assert_eq!(QuietHours::new("07:00", "07:00", "UTC"), Err(QuietHoursError::Empty));
        for zone in ["", "Europe/", "/etc", "Europe Vienna", "../UTC"] {
            assert_eq!(
                QuietHours::new("22:00", "07:00", zone),
                Err(QuietHoursError::Zone),
                "{zone}"
            );
        }
    }
}
