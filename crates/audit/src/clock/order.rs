//! Whether the times of a log go forward.
use chrono::TimeDelta;
use keepgate_kernel::{TenantId, Timestamp};

/// How far the times of consecutive leaves may go back unless somebody knows better: leaves stand in the order of their transactions
/// and are dated when they are written, so a transaction may be that long.
pub const OVERLAP: TimeDelta = TimeDelta::minutes(5);

/// The times of a log, one after the other.
#[derive(Debug, Clone, Copy, Default)]
pub struct Order {
    latest: Option<Timestamp>,
}

impl Order {
    /// The latest time so far; after a step that of its leaf or later.
    #[must_use]
    pub const fn latest(&self) -> Option<Timestamp> {
        self.latest
    }

    /// Takes the time of the next leaf. How far it lies before the latest so far, if that is more than `overlap`; what follows is
    /// then measured from it, so that one step of the clock is told once.
    pub fn next(&mut self, at: Timestamp, overlap: TimeDelta) -> Option<TimeDelta> {
        let latest = self.latest.unwrap_or(at);
        if latest - at > overlap {
            self.latest = Some(at);
            return Some(latest - at);
        }
        self.latest = Some(latest.max(at));
        None
    }
}

/// A place in a log where the times go back further than transactions are long: the clock was set back, or the entry was dated back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeStep {
    /// Whose log.
    pub tenant: TenantId,
    /// The leaf that is older than one before it.
    pub index: u64,
    /// How much older.
    pub back: TimeDelta,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn a_step_back_is_told_once_and_a_slow_transaction_never() {
        let mut order = Order::default();
        let overlap = TimeDelta::seconds(40);
        let told: Vec<Option<i64>> = [1_000, 990, 960, 1_010, 400, 401, 1_020, 1_000, 979]
            .into_iter()
            .map(|second| order.next(at(second), overlap).map(|back| back.num_seconds()))
            .collect();
        assert_eq!(told, [None, None, None, None, Some(610), None, None, None, Some(41)]);
        assert_eq!(order.latest(), Some(at(979)));
    }
}
