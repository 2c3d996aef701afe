//! Keys verified within the last minute. The database still refuses a dead key at the next transaction; what is saved is
//! Argon2id.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::hmac;
use chrono::TimeDelta;
use ipnet::IpNet;
use keepgate_kernel::{KeyId, PrincipalId, Timestamp};
use keepgate_policy::{Credential, Principal};

use crate::{NoRandomness, Presented, random};

/// How long a verification counts.
pub(crate) const LIFE: TimeDelta = TimeDelta::seconds(60);
const CAPACITY: usize = 100_000;

/// A verified key.
#[derive(Debug, Clone)]
pub(crate) struct Verified {
    pub(crate) key: KeyId,
    /// The newest revocation when it was read.
    pub(crate) seen: u64,
    /// It came with the secret before the last rotation.
    pub(crate) old: bool,
    /// Who issued it.
    pub(crate) owner: PrincipalId,
    pub(crate) principal: Principal,
    pub(crate) allowed_cidrs: Option<Vec<IpNet>>,
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) fresh_until: Timestamp,
}

impl Verified {
    /// What a revocation can be about.
    pub(crate) fn presented(&self) -> Presented {
        Presented {
            tenant: self.principal.tenant,
            principal: self.principal.id.uuid(),
            credential: Credential::ApiKey(self.key),
            kid: None,
            seen: self.seen,
        }
    }

    pub(crate) fn allows(&self, source: Option<IpAddr>) -> bool {
        let Some(ranges) = &self.allowed_cidrs else { return true };
        source.is_some_and(|address| ranges.iter().any(|range| range.contains(&address.to_canonical())))
    }
}

/// Keyed by an HMAC of the whole key under a key of this process: a dump of the memory holds no usable key.
pub(crate) struct Cache {
    key: hmac::Key,
    entries: Mutex<HashMap<[u8; 32], Verified>>,
}

impl Cache {
    pub(crate) fn new() -> Result<Self, NoRandomness> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>()?);
        Ok(Self {
            key,
            entries: Mutex::new(HashMap::new()),
        })
    }

    pub(crate) fn name(&self, token: &str) -> [u8; 32] {
        let mut name = [0; 32];
        name.copy_from_slice(hmac::sign(&self.key, token.as_bytes()).as_ref());
        name
    }

    pub(crate) fn get(&self, name: &[u8; 32], at: Timestamp) -> Option<Verified> {
        let entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        entries.get(name).filter(|entry| at < entry.fresh_until).cloned()
    }

    pub(crate) fn put(&self, name: [u8; 32], verified: Verified, at: Timestamp) {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        if entries.len() >= CAPACITY {
            entries.retain(|_, entry| at < entry.fresh_until);
        }
        if entries.len() >= CAPACITY {
            entries.clear();
        }
        entries.insert(name, verified);
    }

    pub(crate) fn forget(&self, which: impl Fn(&Verified) -> bool) {
        self.entries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, entry| !which(entry));
    }
}
