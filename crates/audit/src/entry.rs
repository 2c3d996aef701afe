//! A numbered entry, as it is shown.
use keepgate_store::StoreError;

use crate::{
    ErasedAt, Leaf, StoredOpening,
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
    /// The caller's address, where it is known in the clear: [`Entry::reveal`] puts it here.
    pub source: Option<Opening>,
    /// The same, still sealed; `None` as well when there was none, or it has been erased.
    pub sealed: Option<StoredOpening>,
    /// When the address was erased with the person it is of.
    pub erased: Option<ErasedAt>,
}

impl Entry {
    /// Whether the leaf commits to an address that is nowhere any more.
    pub(crate) fn lacks_opening(&self) -> bool {
        self.leaf.source_c().is_some() && self.source.is_none() && self.sealed.is_none()
    }

    /// Shows the caller's address, which whoever holds keys has opened out of [`Entry::sealed`].
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it is not the one the leaf commits to.
    pub fn reveal(&mut self, opening: Opening) -> Result<(), StoreError> {
        if self.leaf.source_c() != Some(opening.commitment(SOURCE)) {
            return Err(StoreError::corrupt("audit.sealed_opening", "sealed"));
        }
        self.source = Some(opening);
        Ok(())
    }
}

/// An entry as an adapter stores it.
#[derive(Debug)]
pub(crate) struct StoredEntry {
    pub(crate) index: u64,
    pub(crate) bytes: Vec<u8>,
    pub(crate) leaf_hash: [u8; 32],
    pub(crate) source: Option<Opening>,
    pub(crate) sealed: Option<StoredOpening>,
}

impl TryFrom<StoredEntry> for Entry {
    type Error = StoreError;

    /// # Errors
    /// [`StoreError::Corrupt`] when the leaf can't be read, or the address is not the one the leaf commits to.
    fn try_from(stored: StoredEntry) -> Result<Self, StoreError> {
        let leaf = Leaf::parse(&stored.bytes).map_err(|_| StoreError::corrupt("audit.entry", "leaf"))?;
        let mut entry = Self {
            index: stored.index,
            leaf,
            bytes: stored.bytes,
            leaf_hash: stored.leaf_hash,
            source: None,
            sealed: stored.sealed,
            erased: None,
        };
        if let Some(opening) = stored.source {
            entry.reveal(opening)?;
        }
        Ok(entry)
    }
}
