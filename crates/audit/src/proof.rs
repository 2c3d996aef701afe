//! Proofs, built from the few tiles they need.
use keepgate_merkle::{
    hash::Hash,
    proof::{BuildProof, consistency_proof, inclusion_proof, nodes_for_consistency, nodes_for_inclusion},
    tile::{TileSet, tiles_for_nodes},
    tlog_proof::TlogProof,
    tree::NodeId,
};
use keepgate_store::StoreError;

use crate::AuditReader;

/// The proof that the entry at `index` is under the latest checkpoint; `None` if it is not in the log.
///
/// # Errors
/// [`StoreError::Corrupt`] when a tile is missing or malformed.
pub async fn inclusion<R: AuditReader + ?Sized>(reader: &mut R, index: u64) -> Result<Option<TlogProof>, StoreError> {
    let Some(signed) = reader.checkpoint(None).await?.filter(|signed| index < signed.size) else {
        return Ok(None);
    };
    let nodes = nodes_for_inclusion(index, signed.size).map_err(broken)?;
    let tiles = read_tiles(reader, nodes, signed.size).await?;
    let path = inclusion_proof(index, signed.size, &tiles).map_err(broken)?;
    let checkpoint = signed
        .note
        .parse()
        .map_err(|_| StoreError::corrupt("audit.checkpoint", "note"))?;
    Ok(Some(TlogProof {
        index,
        extra: Vec::new(),
        path,
        checkpoint,
    }))
}

/// The proof that the log of `second` entries grew out of the log of `first`; `None` unless 0 < first <= second and
/// the latest checkpoint covers `second`.
///
/// # Errors
/// [`StoreError::Corrupt`] when a tile is missing or malformed.
pub async fn consistency<R: AuditReader + ?Sized>(
    reader: &mut R,
    first: u64,
    second: u64,
) -> Result<Option<Vec<Hash>>, StoreError> {
    let size = reader.checkpoint(None).await?.map_or(0, |signed| signed.size);
    if first == 0 || first > second || second > size {
        return Ok(None);
    }
    let nodes = nodes_for_consistency(first, second).map_err(broken)?;
    let tiles = read_tiles(reader, nodes, size).await?;
    consistency_proof(first, second, &tiles).map(Some).map_err(broken)
}

/// The hash tiles that hold `nodes`.
async fn read_tiles<R: AuditReader + ?Sized>(
    reader: &mut R,
    nodes: Vec<NodeId>,
    size: u64,
) -> Result<TileSet, StoreError> {
    let mut tiles = TileSet::default();
    for path in tiles_for_nodes(nodes, size) {
        let content = reader
            .tile(&path)
            .await?
            .ok_or(StoreError::corrupt("audit.tile", "hashes"))?;
        tiles
            .insert(path, &content)
            .map_err(|_| StoreError::corrupt("audit.tile", "hashes"))?;
    }
    Ok(tiles)
}

/// Sizes are checked before, so only a missing hash is left.
fn broken(_: BuildProof) -> StoreError {
    StoreError::corrupt("audit.tile", "hashes")
}
