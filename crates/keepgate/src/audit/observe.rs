//! What is checked in an entry beyond its hash, while the log is read.
use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use indicatif::ProgressBar;
use keepgate_audit::{
    EntryCheck, Leaf,
    clock::{OVERLAP, Order},
};
use keepgate_kernel::{Timestamp, format_time};
use keepgate_merkle::verify;

use super::{openings::Openings, stamp::Covered};

/// What a database's rows say otherwise than their leaves, by index; the source fills it before the entry is shown.
pub type RowFaults = Rc<RefCell<BTreeMap<u64, String>>>;

/// Shows progress, and refuses entries that are no leaves, are another tenant's, are back-dated, have an opening that is not
/// theirs, or stand in a row that says something else.
pub struct Observer {
    bar: ProgressBar,
    check: EntryCheck,
    order: Order,
    openings: Openings,
    rows: RowFaults,
    stamp: Option<Covered>,
}

impl Observer {
    pub fn new(bar: ProgressBar, check: EntryCheck, openings: Openings, rows: RowFaults) -> Self {
        Self {
            bar,
            check,
            order: Order::default(),
            openings,
            rows,
            stamp: None,
        }
    }

    /// Compares with what was time-stamped as well.
    pub fn stamped(mut self, stamp: Option<Covered>) -> Self {
        self.stamp = stamp;
        self
    }

    /// What was time-stamped, with what was seen of it.
    pub const fn stamp(&self) -> Option<&Covered> {
        self.stamp.as_ref()
    }

    /// The latest time an entry tells.
    pub const fn latest(&self) -> Option<Timestamp> {
        self.order.latest()
    }

    /// What is left of the openings.
    pub const fn openings(&self) -> &Openings {
        &self.openings
    }

    fn dated(&mut self, leaf: &Leaf) -> Result<(), String> {
        let at = leaf.recorded_at;
        match self.order.next(at, OVERLAP) {
            None => Ok(()),
            Some(back) => {
                let (at, latest) = (format_time(at), format_time(at + back));
                Err(format!(
                    "it is dated {at} and stands after one of {latest}: back-dated, or the clock was set back"
                ))
            }
        }
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
        if let Some(stamp) = &mut self.stamp {
            stamp.entry(index, bytes, self.order.latest())?;
        }
        self.openings.check(index, &leaf)?;
        match self.rows.borrow_mut().remove(&index) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }
}
