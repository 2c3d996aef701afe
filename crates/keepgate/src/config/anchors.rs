//! `[audit]`: who outside vouches for the audit logs.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

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

/// Who stamps checkpoints with the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tsa {
    /// Where it is.
    pub url: Url,
    /// The roots that its certificate must lead to.
    pub ca_file: PathBuf,
    /// The policy it must stamp under.
    pub policy: Option<String>,
}

impl Tsa {
    /// Reads the keys. The outer `None` after a mistake, the inner one without an authority.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Option<Self>> {
        let (url, ca, policy) = (
            file.get(keys::TSA_URL),
            file.get(keys::TSA_CA),
            file.get(keys::TSA_POLICY),
        );
        if !file.has(keys::TSA_URL) {
            for (alone, set) in [
                ("ca_file", file.has(keys::TSA_CA)),
                ("policy", file.has(keys::TSA_POLICY)),
            ] {
                if set {
                    file.complain(
                        keys::TSA_URL,
                        &format!("is missing, and audit.tsa_{alone} is set: name the authority, or leave both out"),
                    );
                    return None;
                }
            }
            return Some(None);
        }
        if !file.has(keys::TSA_CA) {
            file.complain(
                keys::TSA_CA,
                "is missing: name the PEM file with the roots of the authority",
            );
        }
        let ca_file = base.join(ca?);
        Some(Some(Self {
            url: url?,
            ca_file,
            policy,
        }))
    }
}
