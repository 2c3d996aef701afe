//! How much failing is usual, and when there is far more.
//!
//! Failures are counted by the minute; a week of hours of them is the baseline. It belongs to one process and begins anew with it:
//! then only the floor counts.
use std::{collections::VecDeque, time::Duration};

use keepgate_kernel::Timestamp;

use super::numbers::{ALARM_FLOOR, ALARM_SIGMAS, BASELINE};

#[derive(Debug, Clone, Copy)]
struct Hour {
    nth: i64,
    sum: f64,
    squares: f64,
}

/// Failures of one tenant, or of all.
#[derive(Debug, Default)]
pub(crate) struct Baseline {
    hours: VecDeque<Hour>,
    minute: i64,
    count: u32,
    since: Option<Timestamp>,
    alarm: Option<Timestamp>,
}

impl Baseline {
    /// Counts a failure. True when it makes an alarm begin.
    pub(crate) fn failed(&mut self, at: Timestamp) -> bool {
        self.since.get_or_insert(at);
        let minute = at.timestamp().div_euclid(60);
        if minute != self.minute {
            self.close();
            (self.minute, self.count) = (minute, 0);
        }
        self.count = self.count.saturating_add(1);
        let calm = !self.is_alarmed(at, super::numbers::ALARM_LASTS);
        if calm && self.count > ALARM_FLOOR && f64::from(self.count) > self.threshold(minute) {
            self.alarm = Some(at);
            return true;
        }
        false
    }

    /// Whether an alarm began within `lasts`.
    pub(crate) fn is_alarmed(&self, at: Timestamp, lasts: Duration) -> bool {
        self.alarm
            .is_some_and(|began| (at - began).to_std().is_ok_and(|age| age < lasts))
    }

    fn close(&mut self) {
        if self.count == 0 {
            return;
        }
        let (nth, count) = (self.minute.div_euclid(60), f64::from(self.count));
        match self.hours.back_mut() {
            Some(hour) if hour.nth == nth => {
                hour.sum += count;
                hour.squares += count * count;
            }
            _ => self.hours.push_back(Hour {
                nth,
                sum: count,
                squares: count * count,
            }),
        }
        let oldest = nth - hours(BASELINE);
        while self.hours.front().is_some_and(|hour| hour.nth < oldest) {
            self.hours.pop_front();
        }
    }

    /// Mean and five deviations over every minute of the window, the silent ones included.
    fn threshold(&self, minute: i64) -> f64 {
        let since = self.since.map_or(minute, |since| since.timestamp().div_euclid(60));
        let minutes = (minute - since).clamp(1, hours(BASELINE) * 60);
        let minutes = f64::from(u32::try_from(minutes).unwrap_or(u32::MAX));
        let sum: f64 = self.hours.iter().map(|hour| hour.sum).sum();
        let squares: f64 = self.hours.iter().map(|hour| hour.squares).sum();
        let mean = sum / minutes;
        mean + f64::from(ALARM_SIGMAS) * (squares / minutes - mean * mean).max(0.0).sqrt()
    }
}

fn hours(span: Duration) -> i64 {
    i64::try_from(span.as_secs() / 3600).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn at(minute: i64) -> Timestamp {
        let start: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        start + TimeDelta::minutes(minute)
    }

    fn minute(baseline: &mut Baseline, minute: i64, failures: u32) -> bool {
        (0..failures).fold(false, |alarm, _| baseline.failed(at(minute)) || alarm)
    }

    #[test]
    fn fifty_a_minute_are_no_alarm_and_one_more_is_where_it_is_usually_quiet() {
        assert!(!minute(&mut Baseline::default(), 0, 50));
        assert!(
            minute(&mut Baseline::default(), 0, 51),
            "without a past only the floor counts"
        );
        let mut quiet = Baseline::default();
        for nth in 0..1000 {
            assert!(!minute(&mut quiet, nth, 2));
        }
        assert!(minute(&mut quiet, 1000, 51));
        assert!(quiet.is_alarmed(at(1059), Duration::from_hours(1)));
        assert!(!quiet.is_alarmed(at(1060), Duration::from_hours(1)));
    }

    #[test]
    fn what_is_usual_is_no_alarm_however_much() {
        let mut busy = Baseline::default();
        for nth in 0..2000 {
            let failures = if nth % 2 == 0 { 30 } else { 50 };
            assert!(!minute(&mut busy, nth, failures));
        }
        assert!(
            !minute(&mut busy, 2000, 80),
            "mean 40, deviation 10: five of them are 90"
        );
        assert!(minute(&mut busy, 2001, 120));
    }

    #[test]
    fn a_week_ago_is_forgotten() {
        let mut baseline = Baseline::default();
        for nth in 0..600 {
            minute(&mut baseline, nth, 50);
        }
        minute(&mut baseline, 8 * 24 * 60, 1);
        minute(&mut baseline, 8 * 24 * 60 + 1, 1);
        assert_eq!(baseline.hours.len(), 1);
    }
}
