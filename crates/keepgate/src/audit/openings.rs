//! Openings: what the commitments of a log stand for, told beside it. Each must be what its leaf commits to.
use std::{collections::BTreeMap, ops::Range};

use keepgate_audit::{Leaf, commitment::Opening};

/// A line of an openings file.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    index: u64,
    field: String,
    salt: String,
    value: String,
}

/// The openings of a log, by index.
#[derive(Default)]
pub struct Openings {
    of: BTreeMap<u64, Vec<(String, Opening)>>,
    checked: u64,
}

/// How large such a file may be, in bytes.
pub const MOST: usize = 256 * 1024 * 1024;

impl Openings {
    /// Reads lines of JSON: `index`, `field`, `salt` (64 hex digits), `value`.
    ///
    /// # Errors
    /// Says which line is none.
    pub fn read(text: &[u8]) -> Result<Self, String> {
        let mut openings = Self::default();
        for (number, line) in (1..).zip(text.split(|byte| *byte == b'\n')) {
            if line.is_empty() {
                continue;
            }
            let wrong =
                || format!("line {number} is no opening: an object of index, field, salt (64 hex digits) and value");
            let line: Line = serde_json::from_slice(line).map_err(|_| wrong())?;
            let salt = data_encoding::HEXLOWER_PERMISSIVE.decode(line.salt.as_bytes()).ok();
            let salt: [u8; 32] = salt.and_then(|salt| salt.try_into().ok()).ok_or_else(wrong)?;
            let opening = Opening {
                salt,
                value: line.value,
            };
            openings.of.entry(line.index).or_default().push((line.field, opening));
        }
        Ok(openings)
    }

    /// Checks those of entry `index`.
    ///
    /// # Errors
    /// Which field is not what the leaf commits to.
    pub fn check(&mut self, index: u64, leaf: &Leaf) -> Result<(), String> {
        for (field, opening) in self.of.remove(&index).unwrap_or_default() {
            if leaf.commitments.get(&field) != Some(&opening.commitment(&field)) {
                return Err(format!("its opening of `{field}` is not what it commits to"));
            }
            self.checked += 1;
        }
        Ok(())
    }

    /// How many held.
    pub const fn checked(&self) -> u64 {
        self.checked
    }

    /// The first index that the log does not reach, once all but `unseen` were seen.
    pub fn left(&self, unseen: &[Range<u64>]) -> Option<u64> {
        let mut left = self.of.keys().copied();
        left.find(|index| !unseen.iter().any(|range| range.contains(index)))
    }
}
