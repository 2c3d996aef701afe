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
use crate::{LogInfo, MetaReader, SignedCheckpoint, timestamp::StampedCheckpoint};

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
    /// The latest checkpoint that met the quorum of witnesses.
    Witnessed,
    /// The time stamp over a checkpoint of so many leaves or more, or over the latest stamped one.
    Timestamp(Option<u64>),
    /// A hash tile.
    Tile(TilePath),
    /// What the log is called; the key of that name is the key store's to tell.
    Info,
    /// That the newest signed state of the caller's tenant's log is in it (`c2sp.org/tlog-proof@v1`), as it was when it had so many
    /// leaves, or as it is. The extra data is the tenant's checkpoint; the leaf is the text it signs.
    Proof(Option<u64>),
}

/// What it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MetaContent {
    /// The signed note.
    Checkpoint(SignedCheckpoint),
    /// The bytes of the tile. They never change.
    Tile(Vec<u8>),
    /// The stamp, and the checkpoint it covers.
    Timestamp(StampedCheckpoint),
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
            MetaPart::Witnessed => Entity::named("meta-log", "witnessed"),
            MetaPart::Timestamp(_) => Entity::named("meta-log", "timestamp"),
            MetaPart::Tile(path) => Entity::named("meta-log", &path.to_string()),
            MetaPart::Info => Entity::named("meta-log", "vkey"),
            MetaPart::Proof(_) => Entity::named("meta-log", "proof"),
        }
    }

    async fn run(&self, _proof: &Authorized<AuditLog>, tx: &mut Tx) -> Result<MetaContent, ReadLogError> {
        let content = match self.part {
            MetaPart::Checkpoint => tx.meta_checkpoint(None).await?.map(MetaContent::Checkpoint),
            MetaPart::Witnessed => tx.meta_witnessed().await?.map(MetaContent::Checkpoint),
            MetaPart::Timestamp(size) => tx.meta_timestamp(size).await?.map(MetaContent::Timestamp),
            MetaPart::Tile(path) => tx.meta_tile(&path).await?.map(MetaContent::Tile),
            MetaPart::Info => tx.meta_info().await?.map(MetaContent::Info),
            MetaPart::Proof(size) => meta_proof(tx, size, u64::MAX).await?.map(MetaContent::Proof),
        };
        content.ok_or(ReadLogError::NotFound)
    }
}

/// The proof that the newest state of the own log with at most `own` entries is in the log of logs of `size` leaves.
pub(crate) async fn meta_proof<Tx: MetaReader + ?Sized>(
    tx: &mut Tx,
    size: Option<u64>,
    own: u64,
) -> Result<Option<TlogProof>, StoreError> {
    let broken = || StoreError::corrupt("audit.meta_tile", "hashes");
    let Some(signed) = tx.meta_checkpoint(size).await? else {
        return Ok(None);
    };
    let Some(place) = tx.meta_place(signed.size, own).await? else {
        return Ok(None);
    };
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
