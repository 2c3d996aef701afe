//! Operation: read the log of logs as a C2SP tiled log, or the proof that the own log is in it.
use keepgate_kernel::Entity;
use keepgate_merkle::{
    proof::{inclusion_proof, nodes_for_inclusion},
    tile::{TilePath, TileSet, tiles_for_nodes},
    tlog_proof::TlogProof,
};
use keepgate_policy::{Authorized, Command, permissions::AuditLog};
use keepgate_store::StoreError;

use super::ReadLogError;
use crate::{LogInfo, MetaReader, SignedCheckpoint};

/// Returns one file of the log of logs (`c2sp.org/tlog-tiles`), or one made for the caller's tenant.
#[derive(Debug, Clone, Copy)]
pub struct ReadMetaLog {
    /// Which one.
    pub part: MetaPart,
}

/// A file of the log of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaPart {
    /// The latest checkpoint.
    Checkpoint,
    /// A hash tile.
    Tile(TilePath),
    /// What the log is called; the key of that name is the key store's to tell.
    Info,
    /// That the newest signed state of the caller's tenant's log is in it (`c2sp.org/tlog-proof@v1`). The extra data is the
    /// tenant's checkpoint; the leaf is the text it signs.
    Proof,
}

/// What it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaContent {
    /// The signed note.
    Checkpoint(SignedCheckpoint),
    /// The bytes of the tile. They never change.
    Tile(Vec<u8>),
    /// Name and length.
    Info(LogInfo),
    /// The proof.
    Proof(TlogProof),
}

impl<Tx: MetaReader + ?Sized> Command<Tx> for ReadMetaLog {
    type Permission = AuditLog;
    type Output = MetaContent;
    type Error = ReadLogError;

    fn entity(&self) -> Entity {
        match self.part {
            MetaPart::Checkpoint => Entity::named("meta-log", "checkpoint"),
            MetaPart::Tile(path) => Entity::named("meta-log", &path.to_string()),
            MetaPart::Info => Entity::named("meta-log", "vkey"),
            MetaPart::Proof => Entity::named("meta-log", "proof"),
        }
    }

    async fn run(&self, _proof: &Authorized<AuditLog>, tx: &mut Tx) -> Result<MetaContent, ReadLogError> {
        let content = match self.part {
            MetaPart::Checkpoint => tx.meta_checkpoint(None).await?.map(MetaContent::Checkpoint),
            MetaPart::Tile(path) => tx.meta_tile(&path).await?.map(MetaContent::Tile),
            MetaPart::Info => tx.meta_info().await?.map(MetaContent::Info),
            MetaPart::Proof => proof(tx).await?.map(MetaContent::Proof),
        };
        content.ok_or(ReadLogError::NotFound)
    }
}

async fn proof<Tx: MetaReader + ?Sized>(tx: &mut Tx) -> Result<Option<TlogProof>, StoreError> {
    let broken = || StoreError::corrupt("audit.meta_tile", "hashes");
    let (Some(signed), Some(place)) = (tx.meta_checkpoint(None).await?, tx.meta_place().await?) else {
        return Ok(None);
    };
    if place.index >= signed.size {
        return Err(broken());
    }
    let nodes = nodes_for_inclusion(place.index, signed.size).map_err(|_| broken())?;
    let mut tiles = TileSet::default();
    for path in tiles_for_nodes(nodes, signed.size) {
        let content = tx.meta_tile(&path).await?.ok_or_else(broken)?;
        tiles.insert(path, &content).map_err(|_| broken())?;
    }
    let path = inclusion_proof(place.index, signed.size, &tiles).map_err(|_| broken())?;
    let checkpoint = signed.note.parse();
    Ok(Some(TlogProof {
        index: place.index,
        extra: place.checkpoint.note.into_bytes(),
        path,
        checkpoint: checkpoint.map_err(|_| StoreError::corrupt("audit.meta_checkpoint", "note"))?,
    }))
}
