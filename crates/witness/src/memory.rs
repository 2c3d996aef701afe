//! A store for tests and tries: it forgets everything when it is dropped.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use keepgate_merkle::note::Note;

use crate::{Decide, MAX_EVIDENCE, Store, StoreError};

#[derive(Debug, Default)]
struct Kept {
    latest: BTreeMap<String, Note>,
    evidence: BTreeMap<String, Vec<Vec<u8>>>,
}

/// Checkpoints in memory.
#[derive(Debug, Default)]
pub struct MemoryStore(Mutex<Kept>);

impl MemoryStore {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing is half done when a decision panics: it is put in its place in one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn update(&self, origin: &str, decide: Decide<'_>) -> Result<(), StoreError> {
        let mut kept = self.kept();
        if let Some(next) = decide(kept.latest.get(origin)) {
            kept.latest.insert(origin.to_owned(), next);
        }
        Ok(())
    }

    fn latest(&self, origin: &str) -> Result<Option<Note>, StoreError> {
        Ok(self.kept().latest.get(origin).cloned())
    }

    fn keep(&self, origin: &str, request: &[u8]) -> Result<(), StoreError> {
        let mut kept = self.kept();
        let evidence = kept.evidence.entry(origin.to_owned()).or_default();
        if evidence.len() < MAX_EVIDENCE && !evidence.iter().any(|known| known == request) {
            evidence.push(request.to_vec());
        }
        Ok(())
    }

    fn evidence(&self, origin: &str) -> Result<Vec<Vec<u8>>, StoreError> {
        Ok(self.kept().evidence.get(origin).cloned().unwrap_or_default())
    }
}
