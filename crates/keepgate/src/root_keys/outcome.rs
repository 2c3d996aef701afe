//! What a pass came to.
use keepgate_kernel::TenantId;
use serde::Serialize;

/// How many rows told by name.
const TOLD: usize = 20;

/// A row that stays as it is.
#[derive(Debug, Clone, Serialize)]
pub struct Left {
    /// `installation`, `token-seed`, `log-seed` or `tenant-key`.
    pub kind: &'static str,
    /// Whose.
    pub whose: String,
    /// Why.
    pub why: String,
}

/// How many of each kind.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub installation: u64,
    pub token_seeds: u64,
    pub log_seeds: u64,
    pub tenant_keys: u64,
}

/// What was done, and what was not.
#[derive(Debug, Default, Clone, Serialize)]
pub struct Outcome {
    /// Wrapped by now by the root key that is configured, or given a copy.
    pub done: Counts,
    /// The first that stay as they are.
    pub left: Vec<Left>,
    /// How many stay as they are.
    pub left_count: u64,
    /// Active tenants whose newest key stays shut.
    #[serde(skip)]
    pub shut: Vec<TenantId>,
}

impl Outcome {
    /// One more stays as it is.
    pub fn leave(&mut self, kind: &'static str, whose: String, why: String) {
        self.left_count += 1;
        if self.left.len() < TOLD {
            self.left.push(Left { kind, whose, why });
        }
    }

    /// A line for people.
    pub fn told(&self) -> String {
        let Counts {
            installation,
            token_seeds,
            log_seeds,
            tenant_keys,
        } = self.done;
        format!(
            "wrapped anew: {tenant_keys} tenants' keys, {log_seeds} seeds of logs, {token_seeds} of access tokens, {installation} of the installation"
        )
    }
}
