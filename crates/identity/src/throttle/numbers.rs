//! Every number of the defence against guessing. `docs/security/brute-force.md` shows them; a test holds the two together.
use std::time::Duration;

/// Some failures are free, each further one costs a pause twice as long as the one before, and in the end the path closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubling {
    /// Failures in a row that cost nothing.
    pub free: u32,
    /// The pause after the next one.
    pub first: Duration,
    /// The longest pause.
    pub longest: Duration,
    /// Failures in a row that close the path.
    pub closes_at: u32,
}

/// Failures fill a bucket that empties slowly; a full one blocks its source, twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leaky {
    /// Failures that fit.
    pub burst: u32,
    /// How long one takes to drain.
    pub drains: Duration,
    /// The first block.
    pub block: Duration,
    /// The longest block.
    pub longest: Duration,
}

/// Different accounts on which one source failed within [`SPRAY_WINDOW`]; too many block it, twice as long each time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spray {
    /// Accounts that block.
    pub accounts: u32,
    /// The first block.
    pub block: Duration,
    /// The longest block.
    pub longest: Duration,
}

/// One browser that has logged in to one account before, or one session of it.
pub const TRUSTED: Doubling = Doubling {
    free: 10,
    first: Duration::from_secs(30),
    longest: Duration::from_mins(15),
    closes_at: 50,
};

/// All other clients of one identifier together.
pub const UNTRUSTED: Doubling = Doubling {
    free: 4,
    first: Duration::from_secs(30),
    longest: Duration::from_hours(1),
    closes_at: 100,
};

/// One address: IPv4 /32, IPv6 /64.
pub const ADDRESS: Leaky = Leaky {
    burst: 10,
    drains: Duration::from_mins(1),
    block: Duration::from_mins(15),
    longest: Duration::from_hours(24),
};

/// One network: IPv4 /24, IPv6 /48.
pub const NETWORK: Leaky = Leaky {
    burst: 60,
    drains: Duration::from_secs(12),
    block: Duration::from_hours(1),
    longest: Duration::from_hours(1),
};

/// How far back accounts are remembered for [`SPRAY_ADDRESS`] and [`SPRAY_NETWORK`].
pub const SPRAY_WINDOW: Duration = Duration::from_mins(10);

/// Many accounts from one address.
pub const SPRAY_ADDRESS: Spray = Spray {
    accounts: 20,
    block: Duration::from_mins(15),
    longest: Duration::from_hours(24),
};

/// Many accounts from one network.
pub const SPRAY_NETWORK: Spray = Spray {
    accounts: 60,
    block: Duration::from_mins(15),
    longest: Duration::from_hours(24),
};

/// Requests for a reset code on one identifier that are acted on; more are answered alike and do nothing.
pub const RECOVERY: Leaky = Leaky {
    burst: 3,
    drains: Duration::from_hours(1),
    block: Duration::from_hours(1),
    longest: Duration::from_hours(24),
};

/// After so long without a further block, a source's next block is a first one again.
pub const STRIKES_LAST: Duration = Duration::from_hours(48);

/// For so long the same wrong password on the same identifier counts once.
pub const REPEAT: Duration = Duration::from_mins(10);

/// A browser's cookie is good for so long after the log-in.
pub const DEVICE_LIFE: Duration = Duration::from_hours(24 * 90);

/// Failures a minute that alarm, provided they are also far above the baseline.
pub const ALARM_FLOOR: u32 = 50;
/// How many standard deviations above the mean of its own baseline.
pub const ALARM_SIGMAS: u32 = 5;
/// How far back the baseline looks.
pub const BASELINE: Duration = Duration::from_hours(24 * 7);
/// How long an alarm lasts: no failure is free for untrusted clients meanwhile.
pub const ALARM_LASTS: Duration = Duration::from_hours(1);

/// Passwords that may wait for a core; one more is told to come back.
pub const HASH_QUEUE: usize = 64;
