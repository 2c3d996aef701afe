//! Who knows how far this machine's clock may be off.
use async_trait::async_trait;

#[cfg(feature = "outward")]
mod chrony;

#[cfg(feature = "outward")]
pub use chrony::ChronyClock;

/// What a source says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// Its name.
    pub source: &'static str,
    /// Something disciplines the clock now.
    pub disciplined: bool,
    /// The clock is that near to UTC, in microseconds.
    pub bound_us: u64,
}

/// Somebody who knows the machine's clock.
#[async_trait]
pub trait ClockSource: Send + Sync {
    /// The state of the clock now; `None` when nobody answers.
    async fn reading(&self) -> Option<ClockReading>;
}

/// The kernel, whoever disciplines it.
#[cfg(feature = "outward")]
#[derive(Debug, Clone, Copy)]
pub struct KernelClock;

#[cfg(feature = "outward")]
#[async_trait]
impl ClockSource for KernelClock {
    async fn reading(&self) -> Option<ClockReading> {
        let clock = keepgate_machine_clock::read().ok()?;
        Some(ClockReading {
            source: "kernel",
            disciplined: clock.disciplined,
            bound_us: clock.max_error_us.saturating_add(clock.offset_us.unsigned_abs()),
        })
    }
}

/// chronyd where it runs, which knows more; otherwise the kernel.
#[cfg(feature = "outward")]
#[derive(Debug, Clone)]
pub struct MachineClock;

#[cfg(feature = "outward")]
#[async_trait]
impl ClockSource for MachineClock {
    async fn reading(&self) -> Option<ClockReading> {
        match ChronyClock::default().reading().await {
            Some(reading) => Some(reading),
            None => KernelClock.reading().await,
        }
    }
}
