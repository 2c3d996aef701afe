//! What a pass did.
use std::time::Duration;

use keepgate_kernel::TenantId;

use super::LogFault;
use crate::clock::TimeStep;

/// What one pass did.
#[derive(Debug, Default)]
pub struct PassReport {
    /// Another integrator was at work, so this one did nothing.
    pub busy: bool,
    /// Entries that got an index.
    pub numbered: usize,
    /// Checkpoints signed, one for each log that grew and one for each idle one that was signed again.
    pub checkpoints: usize,
    /// Size of the log of logs, if it was signed.
    pub meta: Option<u64>,
    /// There are more settled entries than one pass takes.
    pub more: bool,
    /// Where the times of a log go back, among the entries that got an index.
    pub steps: Vec<TimeStep>,
    /// How long the oldest committed entry without an index has been waiting; `None` without any.
    pub lag: Option<Duration>,
    /// Logs found unable to go on in this pass, and why.
    pub held: Vec<(TenantId, LogFault)>,
    /// Logs that can't go on: those found now, and those found before and not tried again yet.
    pub holding: usize,
    /// Why the log of logs can't go on, if that was found in this pass.
    pub meta_fault: Option<LogFault>,
}
