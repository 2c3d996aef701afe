//! How long to wait before asking a provider again.
use chrono::Duration;

/// The longest pause between two tries, in seconds.
const CAP: u64 = 300;

/// 5 s, 10 s, 20 s … up to five minutes, spread by a fifth either way; longer, up to twice that, when the provider asks
/// for it. `tries` counts what was tried before, from 1.
pub(super) fn backoff(spread: u64, tries: u16, retry_after_seconds: Option<u32>) -> Duration {
    let doublings = u32::from(tries.clamp(1, 8)) - 1;
    let base_ms = (5_u64 << doublings).min(CAP) * 1_000;
    // A fixed fraction of the delivery's own number: no two deliveries beat in step, and the same input gives the same answer.
    let parts = (spread ^ u64::from(tries).wrapping_mul(0x9e37_79b9_7f4a_7c15)) % 401;
    let spread_ms = base_ms * (800 + parts) / 1_000;
    let asked_ms = u64::from(retry_after_seconds.unwrap_or(0)) * 1_000;
    let ms = asked_ms.clamp(spread_ms, spread_ms * 2);
    Duration::milliseconds(i64::try_from(ms).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_within_a_fifth_and_end_at_five_minutes() {
        for spread in [0, 1, 77, u64::MAX] {
            for (tries, seconds) in [(1, 5.0), (2, 10.0), (3, 20.0), (7, 300.0), (60_000, 300.0)] {
                let got = backoff(spread, tries, None).num_milliseconds() as f64 / 1_000.0;
                assert!((seconds * 0.8..=seconds * 1.2).contains(&got), "{tries}: {got}");
            }
        }
    }

    #[test]
    fn a_provider_may_ask_for_twice_the_pause_and_no_more() {
        let plain = backoff(9, 1, None);
        assert_eq!(backoff(9, 1, Some(1)), plain);
        assert_eq!(backoff(9, 1, Some(86_400)), plain * 2);
    }
}
