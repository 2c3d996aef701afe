//! What evidence bundles tell about witnesses.
use std::{collections::HashSet, sync::Arc};

use keepgate_merkle::policy::Policy;

/// Who cosigns which logs. Clones share it; the default is nobody.
#[derive(Debug, Clone, Default)]
pub struct EvidencePolicy(Arc<(HashSet<String>, Vec<u8>)>);

impl EvidencePolicy {
    /// Of the logs that `policy` lists; `excerpt` is what may be told of it
    /// ([`keepgate_merkle::policy::excerpt`]).
    #[must_use]
    pub fn of(policy: &Policy, excerpt: Vec<u8>) -> Self {
        let logs = policy.logs().iter().filter(|_| policy.wants_witnesses());
        let origins = logs.map(|log| log.key.origin().as_str().to_owned()).collect();
        Self(Arc::new((origins, excerpt)))
    }

    /// What to tell beside the log named `origin`; nothing where no witness is asked about it.
    #[must_use]
    pub fn of_log(&self, origin: &str) -> Option<&[u8]> {
        let (origins, excerpt) = &*self.0;
        origins.contains(origin).then_some(excerpt)
    }
}
