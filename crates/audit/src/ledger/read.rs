//! Reading a ledger: entries, proofs, and a copy that strangers can check.
use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use keepgate_merkle::{
    proof::{inclusion_proof, nodes_for_inclusion},
    tile::{TileKind, TilePath, TileSet, encode_bundle, encode_hashes, tiles_for, tiles_for_nodes},
    tlog_proof::TlogProof,
    tree::NodeId,
};
use keepgate_store::StoreError;

use super::{Backend, Ledger, LedgerError};
use crate::{Leaf, read::reaches};

impl<B: Backend> Ledger<B> {
    /// What entry `index` says; `None` if there is none. Not checked against the signatures: that is what proofs are for.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when it can't be read.
    pub async fn entry(&self, index: u64) -> Result<Option<Leaf>, LedgerError> {
        Ok(self.entries(index..index.saturating_add(1)).await?.pop())
    }

    /// The entries at `places`, as far as there are any, in their order; those too that no checkpoint covers yet. All of them
    /// are held in memory: ask for a thousand at a time.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when one can't be read.
    pub async fn entries(&self, places: Range<u64>) -> Result<Vec<Leaf>, LedgerError> {
        let leaves = self.book.leaves(places).await?;
        let read = leaves.iter().map(|bytes| Leaf::parse(bytes));
        Ok(read.collect::<Result<_, _>>().map_err(|_| corrupt("leaf"))?)
    }

    /// The proof that entry `index` is under the newest checkpoint; `None` until one covers it. It needs nobody's help to be
    /// checked: [`TlogProof::verify`], or any verifier of `c2sp.org/tlog-proof`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] when hashes are missing, [`LedgerError::Log`] when the newest checkpoint is not the ledger's.
    pub async fn proof(&self, index: u64) -> Result<Option<TlogProof>, LedgerError> {
        let Some((head, signed)) = self.signed().await?.filter(|(head, _)| index < head.size) else {
            return Ok(None);
        };
        let nodes = nodes_for_inclusion(index, head.size).map_err(|_| corrupt("leaf_hash"))?;
        let tiles = self.gather(nodes, head.size).await?;
        Ok(Some(TlogProof {
            index,
            extra: Vec::new(),
            path: inclusion_proof(index, head.size, &tiles).map_err(|_| corrupt("leaf_hash"))?,
            checkpoint: signed.note.parse().map_err(|_| corrupt("note"))?,
        }))
    }

    /// A tile or entry bundle (`c2sp.org/tlog-tiles`) of the log as the newest checkpoint signs it; `None` if that does not
    /// reach so far. As stored, unchecked: finding what was changed is the verifier's business.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    pub async fn tile(&self, path: &TilePath) -> Result<Option<Vec<u8>>, LedgerError> {
        match self.signed().await? {
            Some((head, _)) if reaches(path, head.size) => Ok(Some(self.content(path).await?)),
            _ => Ok(None),
        }
    }

    /// Writes the log as the newest checkpoint signs it into `folder`: `checkpoint`, `vkey`, tiles and entry bundles, for
    /// `keepgate audit verify` and every other verifier of C2SP's tiles. Returns how many entries it covers, 0 before the first
    /// checkpoint. Blocks while it writes.
    ///
    /// # Errors
    /// [`LedgerError::Io`] and what reading gives.
    pub async fn copy_to(&self, folder: &Path) -> Result<u64, LedgerError> {
        let Some((head, signed)) = self.signed().await? else {
            return Ok(0);
        };
        for path in tiles_for(head.size) {
            let content = self.content(&path).await?;
            put(folder.join(path.to_string()), &content)?;
        }
        let keys = self
            .verifiers()
            .iter()
            .map(|key| format!("{key}\n"))
            .collect::<String>();
        put(folder.join("vkey"), keys.as_bytes())?;
        put(folder.join("checkpoint"), signed.note.as_bytes())?;
        Ok(head.size)
    }

    async fn content(&self, path: &TilePath) -> Result<Vec<u8>, LedgerError> {
        let first = path.index().saturating_mul(256);
        let range = first..first.saturating_add(path.width().into());
        match path.kind() {
            TileKind::Entries => {
                let leaves = self.book.leaves(range).await?;
                Ok(encode_bundle(leaves).map_err(|_| corrupt("leaf"))?)
            }
            TileKind::Hashes(level) => Ok(encode_hashes(&self.book.hashes(level, range).await?)),
        }
    }

    /// The hash tiles that hold `nodes`.
    pub(super) async fn gather(&self, nodes: Vec<NodeId>, size: u64) -> Result<TileSet, LedgerError> {
        let mut tiles = TileSet::default();
        for path in tiles_for_nodes(nodes, size) {
            let content = self.content(&path).await?;
            tiles.insert(path, &content).map_err(|_| corrupt("leaf_hash"))?;
        }
        Ok(tiles)
    }
}

fn corrupt(column: &'static str) -> StoreError {
    StoreError::corrupt("ledger.entry", column)
}

fn put(path: PathBuf, content: &[u8]) -> Result<(), LedgerError> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, content)
    };
    write().map_err(|source| LedgerError::Io {
        path: path.display().to_string(),
        source,
    })
}
