//! `[audit]`: who outside vouches for the audit logs.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{keys, reader::Reader};

/// Whom checkpoints are taken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnesses {
    /// The policy (C2SP tlog-policy).
    pub policy: PathBuf,
    /// How long a witness may take to answer.
    pub timeout: Duration,
    /// Certificates to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
}

impl Witnesses {
    /// Reads the keys. The outer `None` after a mistake, the inner one without a policy.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Option<Self>> {
        let (policy, timeout) = (file.get(keys::WITNESS_POLICY), file.get(keys::WITNESS_TIMEOUT));
        let ca_file = file.get(keys::WITNESS_CA).map(|path| base.join(path));
        let timeout = Duration::from_millis(timeout?);
        if policy.is_none() && file.has(keys::WITNESS_POLICY) {
            return None;
        }
        Some(policy.map(|policy| Self {
            policy: base.join(policy),
            timeout,
            ca_file,
        }))
    }
}
