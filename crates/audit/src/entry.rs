//! A numbered entry, as it is shown.
use keepgate_store::StoreError;

use crate::{
    Leaf,
    commitment::{Opening, SOURCE},
};

/// An entry of the log. Everything in it comes from the leaf itself, never from the columns that searches use: what is
/// shown is what was hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the tenant's log, from 0, without gaps.
    pub index: u64,
    /// What it says.
    pub leaf: Leaf,
    /// The same as the bytes that were hashed.
    pub bytes: Vec<u8>,
    /// The hash the tree holds.
    pub leaf_hash: [u8; 32],
    /// The caller's address, unless there was none or it has been erased.
    pub source: Option<Opening>,
}

/// An entry as an adapter stores it.
#[derive(Debug)]
pub(crate) struct StoredEntry {
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf_hash: [u8; 32],
    pub(crate) source: Option<Opening>,
}

impl TryFrom<StoredEntry> for Entry {
    type Error = StoreError;

    /// # Errors
    /// [`StoreError::Corrupt`] when the leaf can't be read, or the address is not the one the leaf commits to.
    fn try_from(stored: StoredEntry) -> Result<Self, StoreError> {
        let StoredEntry {
            index,
            bytes,
            leaf_hash,
            source,
        } = stored;
        let leaf = Leaf::parse(&bytes).map_err(|_| StoreError::corrupt("audit.entry", "leaf"))?;
        if source
            .as_ref()
            .is_some_and(|opening| Some(opening.commitment(SOURCE)) != leaf.source_c)
        {
            return Err(StoreError::corrupt("audit.opening", "value"));
        }
        Ok(Self {
            index,
            leaf,
            bytes,
            leaf_hash,
            source,
        })
    }
}
