//! An authenticator app: RFC 6238 as phones have it.
use std::time::Duration;

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use keepgate_kernel::{Clock, SystemClock};

/// One account of an app. Gives each step's code once, because the service takes it once.
#[derive(Debug, Clone)]
pub struct App {
    pub secret: String,
    last: i64,
}

impl App {
    pub fn new(secret: &str) -> Self {
        Self {
            secret: secret.to_owned(),
            last: 0,
        }
    }

    /// A code that the service takes now: of the last step, this one or the next, whichever was not given yet. If all three were,
    /// waits for the clock, as a person would.
    pub async fn code(&mut self) -> String {
        loop {
            let now = now();
            let step = (self.last + 1).max(now - 1);
            if step <= now + 1 {
                self.last = step;
                return self.at(step);
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// The code of `step`.
    pub fn at(&self, step: i64) -> String {
        let seed = BASE32_NOPAD.decode(self.secret.as_bytes()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &seed);
        let mac = hmac::sign(&key, &step.to_be_bytes());
        let mac = mac.as_ref();
        let from = usize::from(mac[19] & 15);
        let number = u32::from_be_bytes(mac[from..from + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

/// The present step.
pub fn now() -> i64 {
    SystemClock.now().timestamp() / 30
}
