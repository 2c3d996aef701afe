//! Content of hash tiles.

use crate::hash::Hash;

/// The content of a hash tile does not fit its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a tile of {width} hashes does not have {bytes} bytes")]
pub struct TileLength {
    /// The width its path tells.
    pub width: u16,
    /// The length found, in bytes.
    pub bytes: usize,
}

/// The content of a hash tile: the hashes one after another.
pub fn encode_hashes(hashes: &[Hash]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| *hash.as_bytes()).collect()
}

/// The hashes of a tile that is exactly `width` wide.
pub fn decode_hashes(bytes: &[u8], width: u16) -> Result<Vec<Hash>, TileLength> {
    let hashes = whole_hashes(bytes);
    if bytes.len() == Hash::LEN * usize::from(width) {
        Ok(hashes)
    } else {
        Err(TileLength {
            width,
            bytes: bytes.len(),
        })
    }
}

/// The whole hashes in `bytes`; a rest that is none is left out.
pub(crate) fn whole_hashes(bytes: &[u8]) -> Vec<Hash> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|chunk| Hash::from_bytes(*chunk))
        .collect()
}
