//! From what a source says and what the database's clock does to an attestation.
use std::time::{Duration, Instant};

use keepgate_kernel::{Timestamp, Uuid};

use super::{Attestation, ClockReading};
use crate::TimeQuality;

/// A clock nearer to UTC than this is called synchronised.
const SYNCED_US: u64 = 50_000;
/// A clock that lost its reference is called that for so long …
const HOLDOVER: Duration = Duration::from_hours(1);
/// … and while it is nearer to UTC than this.
const HOLDOVER_US: u64 = 1_000_000;
/// What the kernel assumes when nobody disciplines the clock.
const UNKNOWN_US: u64 = 16_000_000;
/// A clock may run this much faster or slower than the monotonic one without having jumped: 0.1 %.
const DRIFT: u32 = 1_000;
/// And may look so much off because of scheduling.
const JITTER_US: i64 = 10_000;

/// One look at the database's clock.
#[derive(Debug, Clone, Copy)]
pub struct Probe {
    /// The node's clock just before.
    pub wall: Timestamp,
    /// The monotonic clock just before.
    pub before: Instant,
    /// The monotonic clock just after.
    pub after: Instant,
    /// What the database said.
    pub database: Timestamp,
    /// The latest attestation it remembers.
    pub latest: Option<Timestamp>,
}

impl Probe {
    fn round_trip(&self) -> Duration {
        self.after.duration_since(self.before)
    }
}

/// What one node remembers from one attestation to the next.
#[derive(Debug)]
pub struct Watch {
    node: Uuid,
    last: Option<Probe>,
    synced: Option<Instant>,
}

impl Watch {
    /// Of the node `node`, which has attested nothing yet.
    #[must_use]
    pub const fn new(node: Uuid) -> Self {
        Self {
            node,
            last: None,
            synced: None,
        }
    }

    /// What to attest after `probe`, when the node's own clock is as `reading` says; `None`: no source answers.
    pub fn judge(&mut self, reading: Option<ClockReading>, probe: Probe) -> Attestation {
        let half = probe.round_trip() / 2;
        let offset_us = micros(probe.database - probe.wall).saturating_sub(whole(half));
        let own_us = reading.map_or(UNKNOWN_US, |reading| reading.bound_us);
        let bound_us = own_us
            .saturating_add(offset_us.unsigned_abs())
            .saturating_add(u64::try_from(whole(half)).unwrap_or(0));
        let disciplined = reading.is_some_and(|reading| reading.disciplined);
        let lately = |synced: Instant| probe.after.duration_since(synced) < HOLDOVER;
        let quality = match (disciplined, bound_us) {
            (true, ..=SYNCED_US) => TimeQuality::Synced,
            (_, ..=HOLDOVER_US) if disciplined || self.synced.is_some_and(lately) => TimeQuality::Holdover,
            _ => TimeQuality::Unsynchronised,
        };
        if quality == TimeQuality::Synced {
            self.synced = Some(probe.after);
        }
        let step_us = self.step(&probe);
        self.last = Some(probe);
        Attestation {
            node: self.node,
            quality,
            source: reading.map_or("none", |reading| reading.source),
            offset_us,
            bound_us,
            step_us,
        }
    }

    /// How far the database's clock went otherwise than the monotonic one. At the first look: how far it lies before
    /// the latest attestation, which it must not.
    fn step(&self, probe: &Probe) -> i64 {
        let Some(last) = self.last else {
            let back = probe.latest.map_or(0, |latest| micros(probe.database - latest));
            return if back < -JITTER_US { back } else { 0 };
        };
        let elapsed = probe.before.duration_since(last.before);
        let step = micros(probe.database - last.database).saturating_sub(whole(elapsed));
        let allowed = whole(probe.round_trip() + last.round_trip() + elapsed / DRIFT).saturating_add(JITTER_US);
        if step.abs() > allowed { step } else { 0 }
    }
}

fn micros(delta: chrono::TimeDelta) -> i64 {
    delta.num_microseconds().unwrap_or(i64::MAX)
}

fn whole(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: ClockReading = ClockReading {
        source: "chrony",
        disciplined: true,
        bound_us: 800,
    };

    fn start() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    /// A node whose clock is right, and a database whose clock is `ahead` of it, `seconds` after the start.
    fn probe(zero: Instant, seconds: u64, ahead_ms: i64) -> Probe {
        let elapsed = Duration::from_secs(seconds);
        let wall = start() + elapsed;
        Probe {
            wall,
            before: zero + elapsed,
            after: zero + elapsed + Duration::from_millis(2),
            database: wall + chrono::TimeDelta::milliseconds(1 + ahead_ms),
            latest: None,
        }
    }

    fn told(attestation: &Attestation) -> (TimeQuality, i64, u64, i64) {
        let Attestation {
            quality,
            offset_us,
            bound_us,
            step_us,
            ..
        } = attestation;
        (*quality, *offset_us, *bound_us, *step_us)
    }

    #[test]
    fn the_bound_adds_up_and_decides() {
        let (zero, mut watch) = (Instant::now(), Watch::new(Uuid::nil()));
        assert_eq!(
            told(&watch.judge(Some(GOOD), probe(zero, 0, 0))),
            (TimeQuality::Synced, 0, 1_800, 0)
        );
        let far = Watch::new(Uuid::nil()).judge(Some(GOOD), probe(zero, 0, -48));
        assert_eq!(told(&far), (TimeQuality::Synced, -48_000, 49_800, 0));
        let farther = Watch::new(Uuid::nil()).judge(Some(GOOD), probe(zero, 0, 49));
        assert_eq!(
            told(&farther),
            (TimeQuality::Holdover, 49_000, 50_800, 0),
            "the database's clock counts"
        );
        let lost = Watch::new(Uuid::nil()).judge(None, probe(zero, 0, 0));
        assert_eq!((lost.quality, lost.source), (TimeQuality::Unsynchronised, "none"));
        assert!(lost.entity().as_str().chars().count() <= 200);
    }

    #[test]
    fn a_clock_that_loses_its_reference_is_in_holdover_for_an_hour() {
        let (zero, mut watch) = (Instant::now(), Watch::new(Uuid::nil()));
        let lost = ClockReading {
            disciplined: false,
            bound_us: 40_000,
            ..GOOD
        };
        assert_eq!(
            watch.judge(Some(lost), probe(zero, 0, 0)).quality,
            TimeQuality::Unsynchronised
        );
        watch.judge(Some(GOOD), probe(zero, 60, 0));
        assert_eq!(
            watch.judge(Some(lost), probe(zero, 120, 0)).quality,
            TimeQuality::Holdover
        );
        assert_eq!(
            watch.judge(Some(lost), probe(zero, 3_600, 0)).quality,
            TimeQuality::Holdover
        );
        assert_eq!(
            watch.judge(Some(lost), probe(zero, 3_700, 0)).quality,
            TimeQuality::Unsynchronised
        );
        watch.judge(Some(GOOD), probe(zero, 4_000, 0));
        let far = ClockReading {
            bound_us: 2_000_000,
            ..lost
        };
        assert_eq!(
            watch.judge(Some(far), probe(zero, 4_060, 0)).quality,
            TimeQuality::Unsynchronised
        );
    }

    #[test]
    fn a_jump_of_the_database_s_clock_is_seen_in_both_directions_and_drift_is_none() {
        let (zero, mut watch) = (Instant::now(), Watch::new(Uuid::nil()));
        watch.judge(Some(GOOD), probe(zero, 0, 0));
        assert_eq!(watch.judge(Some(GOOD), probe(zero, 60, 50)).step_us, 0, "slewed");
        let back = watch.judge(Some(GOOD), probe(zero, 120, 50 - 3_600_000));
        assert_eq!(
            (back.step_us, back.quality),
            (-3_600_000_000, TimeQuality::Unsynchronised)
        );
        assert_eq!(watch.judge(Some(GOOD), probe(zero, 180, 50 - 3_600_000)).step_us, 0);
        let forward = watch.judge(Some(GOOD), probe(zero, 240, 0));
        assert_eq!(forward.step_us, 3_599_950_000);
    }

    #[test]
    fn a_clock_that_went_back_while_nobody_looked_is_seen_at_the_first_look() {
        let zero = Instant::now();
        let mut first = probe(zero, 0, 0);
        first.latest = Some(first.database + chrono::TimeDelta::seconds(5));
        assert_eq!(Watch::new(Uuid::nil()).judge(Some(GOOD), first).step_us, -5_000_000);
        first.latest = Some(first.database - chrono::TimeDelta::seconds(5));
        assert_eq!(Watch::new(Uuid::nil()).judge(Some(GOOD), first).step_us, 0);
    }
}
