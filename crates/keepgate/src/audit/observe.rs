//! What is checked in an entry beyond its hash, while the log is read.
use chrono::TimeDelta;
use indicatif::ProgressBar;
use keepgate_audit::{EntryCheck, Leaf};
use keepgate_kernel::{Timestamp, format_time};
use keepgate_merkle::verify;

/// Entries are numbered in the order of commits, and dated when they are written: a transaction may take that long.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// Shows progress, and refuses entries that are no leaves, are another tenant's, or are back-dated.
pub struct Observer {
    bar: ProgressBar,
    check: EntryCheck,
    latest: Option<Timestamp>,
}

impl Observer {
    pub const fn new(bar: ProgressBar, check: EntryCheck) -> Self {
        Self {
            bar,
            check,
            latest: None,
        }
    }

    fn dated(&mut self, bytes: &[u8]) -> Result<(), String> {
        let at = Leaf::parse(bytes).map_err(|error| error.to_string())?.recorded_at;
        let latest = self.latest.unwrap_or(at);
        if at + TOLERANCE < latest {
            let (at, latest) = (format_time(at), format_time(latest));
            return Err(format!(
                "it is dated {at} and stands after one of {latest}: back-dated, or the clock was set back"
            ));
        }
        self.latest = Some(latest.max(at));
        Ok(())
    }
}

impl verify::Observer for Observer {
    fn progress(&mut self, done: u64, total: u64) {
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn entry(&mut self, index: u64, bytes: &[u8]) -> Result<(), String> {
        self.check
            .verify_entry(index, bytes)
            .map_err(|fault| fault.to_string())?;
        self.dated(bytes)
    }
}
