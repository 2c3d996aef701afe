//! What is checked in an entry beyond its hash, while the log is read.
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use chrono::TimeDelta;
use indicatif::ProgressBar;
use keepgate_audit::{EntryCheck, Leaf};
use keepgate_kernel::{Timestamp, format_time};
use keepgate_merkle::verify;

use super::openings::Openings;

/// Entries are numbered in the order of commits, and dated when they are written: a transaction may take that long.
const TOLERANCE: TimeDelta = TimeDelta::minutes(5);

/// What a database's rows say otherwise than their leaves, by index; the source fills it before the entry is shown.
pub type RowFaults = Rc<RefCell<BTreeMap<u64, String>>>;

/// Shows progress, and refuses entries that are no leaves, are another tenant's, are back-dated, have an opening that is not
/// theirs, or stand in a row that says something else.
pub struct Observer {
    bar: ProgressBar,
    check: EntryCheck,
    latest: Option<Timestamp>,
    openings: Openings,
    rows: RowFaults,
}

impl Observer {
    pub fn new(bar: ProgressBar, check: EntryCheck, openings: Openings, rows: RowFaults) -> Self {
        Self {
            bar,
            check,
            latest: None,
            openings,
            rows,
        }
    }

    /// The latest time an entry tells.
    pub const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// What is left of the openings.
    pub const fn openings(&self) -> &Openings {
        &self.openings
    }

    fn dated(&mut self, leaf: &Leaf) -> Result<(), String> {
        let at = leaf.recorded_at;
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
        let leaf = Leaf::parse(bytes).map_err(|error| error.to_string())?;
        self.dated(&leaf)?;
        self.openings.check(index, &leaf)?;
        match self.rows.borrow_mut().remove(&index) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}
