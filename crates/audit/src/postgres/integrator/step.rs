//! The steps of a pass, where a test may end the process.

/// A point in a pass: everything before it was done, nothing after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(
    not(feature = "fault-points"),
    expect(unreachable_pub, reason = "exported to tests only")
)]
pub enum Step {
    /// This integrator is the one that works.
    Locked,
    /// Entries have indices, uncommitted.
    Numbered,
    /// Checkpoints are signed, in memory only.
    Signed,
    /// The signer's own memory holds what is about to be published.
    Kept,
    /// Checkpoints are written, uncommitted.
    Stored,
    /// Everything is committed.
    Committed,
}

#[cfg(not(feature = "fault-points"))]
#[derive(Default)]
pub(super) struct Hook {}

#[cfg(not(feature = "fault-points"))]
impl Hook {
    #[expect(clippy::unused_self, reason = "tests have one that does something")]
    pub(super) const fn at(&self, _step: Step) {}
}

#[cfg(feature = "fault-points")]
#[derive(Default)]
pub(super) struct Hook(Option<std::sync::Arc<dyn Fn(Step) + Send + Sync>>);

#[cfg(feature = "fault-points")]
impl Hook {
    pub(super) fn at(&self, step: Step) {
        if let Some(hook) = &self.0 {
            hook(step);
        }
    }
}

#[cfg(feature = "fault-points")]
impl super::Integrator {
    /// Calls `hook` at each step of each pass. For tests that end the process there.
    #[must_use]
    pub fn on_step(mut self, hook: impl Fn(Step) + Send + Sync + 'static) -> Self {
        self.step = Hook(Some(std::sync::Arc::new(hook)));
        self
    }
}
