//! The thread that owns the server: it forks it, waits for its end, and starts it again.

use std::{
    sync::{Arc, mpsc::SyncSender},
    time::{Duration, Instant},
};

use crate::{OnChange, StartError, Status, postmaster::Launch, shared::Shared};

/// A server that was ready this long and then dies has not been dying in a row.
const STEADY: Duration = Duration::from_secs(60);

pub(crate) struct Supervisor {
    pub launch: Launch,
    pub shared: Arc<Shared>,
    pub on_change: Option<OnChange>,
}

impl Supervisor {
    /// The thread's body. `first` hears how the first start went; every later failure is a [`Status`].
    pub fn run(self, first: &SyncSender<Result<(), StartError>>) {
        let started = self.launch.run(&self.shared);
        let failed = started.is_err();
        if let Ok(pid) = &started {
            self.tell(Status::Ready { pid: *pid });
        }
        let heard = first.send(started.map(|_| ())).is_ok();
        if heard && !failed {
            self.keep_running();
        }
        self.tell(Status::Stopped);
    }

    fn keep_running(&self) {
        let mut attempt = 0;
        let mut ready_since = Instant::now();
        let mut why = self.shared.collect();
        while !self.shared.stopping() {
            attempt = if ready_since.elapsed() > STEADY { 1 } else { attempt + 1 };
            self.tell(Status::Restarting { attempt, why });
            if self.shared.pause(delay_before(attempt)) {
                return;
            }
            why = match self.launch.run(&self.shared) {
                Ok(pid) => {
                    ready_since = Instant::now();
                    self.tell(Status::Ready { pid });
                    self.shared.collect()
                }
                Err(e) => e.to_string(),
            };
        }
    }

    fn tell(&self, status: Status) {
        if let Some(on_change) = &self.on_change {
            on_change(&status);
        }
        self.shared.set_status(status);
    }
}

/// None before the first attempt, then from 200 ms doubling to half a minute.
fn delay_before(attempt: u32) -> Duration {
    match attempt {
        0 | 1 => Duration::ZERO,
        n => Duration::from_millis(200 << (n - 2).min(8)).min(Duration::from_secs(30)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_restart_is_immediate_and_later_ones_slow_down_to_half_a_minute() {
        let delays: Vec<u128> = [1, 2, 3, 9, 10, 1_000_000].map(|n| delay_before(n).as_millis()).into();
        assert_eq!(delays, [0, 200, 400, 25_600, 30_000, 30_000]);
    }
}
