//! How old a log's newest sign of life is. A checkpoint tells no time itself: what does are witnesses and entries.
use std::time::Duration;

use chrono::{DateTime, TimeDelta};
use keepgate_kernel::{Timestamp, format_time};

/// A clock may be so far ahead of ours.
const AHEAD: TimeDelta = TimeDelta::minutes(5);

/// The latest of the cosignatures and of the entries.
pub fn newest(cosigned: &[(String, u64)], entry: Option<Timestamp>) -> Option<Timestamp> {
    let cosigned = cosigned
        .iter()
        .filter_map(|(_, seconds)| DateTime::from_timestamp(i64::try_from(*seconds).ok()?, 0));
    cosigned.chain(entry).max()
}

/// Why the log is too old for whoever asks, or dated in the future; `None` when it is neither, or nobody asks.
pub fn stale(most: Option<Duration>, newest: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let most = most?;
    let Some(newest) = newest else {
        return Some("the log has no entry and no cosignature: nothing tells its age".into());
    };
    let told = format_time(newest);
    if newest > now + AHEAD {
        return Some(format!("its newest sign of life is of {told}: that is in the future"));
    }
    let age = (now - newest).to_std().unwrap_or_default();
    (age > most).then(|| format!("its newest sign of life is of {told}, {} seconds ago", age.as_secs()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap()
    }

    #[test]
    fn a_witness_or_an_entry_shows_life_and_the_future_shows_nothing() {
        let cosigned = [("w".to_owned(), 1_790_000_100)];
        assert_eq!(newest(&cosigned, Some(at(50))), Some(at(100)));
        assert_eq!(newest(&cosigned, Some(at(150))), Some(at(150)));
        let most = Some(Duration::from_mins(1));
        assert_eq!(stale(most, Some(at(0)), at(60)), None);
        assert!(stale(most, Some(at(0)), at(61)).unwrap().contains("61 seconds"));
        assert!(stale(most, Some(at(1000)), at(0)).unwrap().contains("future"));
        assert!(stale(most, None, at(0)).is_some());
        assert_eq!(stale(None, None, at(0)), None);
    }
}
