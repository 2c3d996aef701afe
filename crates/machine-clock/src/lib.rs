//! What the kernel knows about the clock of this machine: `adjtimex(2)`, read only.
//!
//! ```
//! if let Ok(clock) = keepgate_machine_clock::read() {
//!     println!("disciplined: {}, off by at most {} µs", clock.disciplined, clock.max_error_us);
//! }
//! ```
//! The one call is unsafe, and this crate holds nothing else (docs/adr/0020-how-good-the-clock-is.md).
mod adjtimex;

pub use adjtimex::read;

/// The kernel's word. Whoever disciplines the clock (chronyd, ntpd, systemd-timesyncd, ptp4l with phc2sys) tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KernelClock {
    /// Somebody disciplines the clock, and has done so lately.
    pub disciplined: bool,
    /// What is still to be corrected, in microseconds.
    pub offset_us: i64,
    /// The largest error the kernel vouches for, in microseconds. It grows until the clock is disciplined again.
    pub max_error_us: u64,
}
