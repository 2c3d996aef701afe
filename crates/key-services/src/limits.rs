//! How long calls may take, and how often is looked for something new.
use std::time::Duration;

/// How long calls may take, and how often is looked for something new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For one call, from connecting to the last byte of its answer.
    pub timeout: Duration,
    /// Between two looks at a watched secret, give or take a fifth.
    pub poll: Duration,
}

impl Default for Limits {
    /// 5 and 30 seconds.
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(5),
            poll: Duration::from_secs(30),
        }
    }
}
