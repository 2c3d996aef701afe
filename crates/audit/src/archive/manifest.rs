//! `manifest.json`: every file of an archive with its SHA-256. The manifest's own is in the log.
use std::collections::BTreeMap;

use chrono::NaiveDate;
use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

const FORMAT: &str = "keepgate-archive/1";
/// Some 100 bytes a file, two files for 256 entries: enough for 70 million entries.
pub(super) const MAX_BYTES: usize = 64 << 20;

/// What an archive says it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    format: String,
    /// The name of the log.
    pub origin: String,
    /// The first day of the newest month.
    pub month: NaiveDate,
    /// The first entry.
    pub from: u64,
    /// The entry before which it ends.
    pub to: u64,
    /// The size of the checkpoint.
    pub size: u64,
    /// SHA-256 of each file, hexadecimal, by name.
    pub files: BTreeMap<String, String>,
}

/// Bytes that are no manifest of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("manifest.json is not a manifest of this format")]
pub struct BadManifest;

impl Manifest {
    /// A manifest without files.
    #[must_use]
    pub fn new(origin: &str, month: NaiveDate, from: u64, to: u64, size: u64) -> Self {
        Self {
            format: FORMAT.to_owned(),
            origin: origin.to_owned(),
            month,
            from,
            to,
            size,
            files: BTreeMap::new(),
        }
    }

    /// Adds a file.
    pub fn add(&mut self, name: String, content: &[u8]) {
        self.files.insert(name, HEXLOWER.encode(&Sha256::digest(content)));
    }

    /// Whether a file is as it was when it was added.
    #[must_use]
    pub fn holds(&self, name: &str, content: &[u8]) -> bool {
        self.files
            .get(name)
            .is_some_and(|hash| *hash == HEXLOWER.encode(&Sha256::digest(content)))
    }

    /// The bytes to keep, and their SHA-256.
    #[must_use]
    pub fn to_bytes(&self) -> (Vec<u8>, [u8; 32]) {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        let hash = Sha256::digest(&bytes).into();
        (bytes, hash)
    }

    /// Reads the bytes whose SHA-256 is `hash`.
    ///
    /// # Errors
    /// [`BadManifest`] for other bytes, and for those of another format.
    pub fn parse(bytes: &[u8], hash: &[u8; 32]) -> Result<Self, BadManifest> {
        if Sha256::digest(bytes).as_slice() != hash {
            return Err(BadManifest);
        }
        Self::read(bytes)
    }

    /// Reads bytes that nobody vouches for: good for finding an archive's files, not for believing what is in them.
    ///
    /// # Errors
    /// [`BadManifest`] for another format.
    pub fn read(bytes: &[u8]) -> Result<Self, BadManifest> {
        let manifest: Self = serde_json::from_slice(bytes).map_err(|_| BadManifest)?;
        if manifest.format == FORMAT {
            Ok(manifest)
        } else {
            Err(BadManifest)
        }
    }
}
