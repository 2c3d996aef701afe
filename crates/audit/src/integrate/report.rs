//! What a pass did.
use std::time::Duration;

use keepgate_kernel::TenantId;

use super::LogFault;

/// What one pass did.
#[derive(Debug, Default)]
pub struct PassReport {
    /// Another integrator was at work, so this one did nothing.
    pub busy: bool,
    /// Entries that got an index.
    pub numbered: usize,
    /// Checkpoints signed, one for each log that grew.
    pub checkpoints: usize,
    /// There are more settled entries than one pass takes.
    pub more: bool,
    /// How long the oldest committed entry without an index has been waiting; `None` without any.
    pub lag: Option<Duration>,
    /// Logs that can't go on, and why.
    pub held: Vec<(TenantId, LogFault)>,
}
