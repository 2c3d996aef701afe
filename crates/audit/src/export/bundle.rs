//! The evidence bundle: a tar archive of the signed log itself, verifiable on its own.
//!
//! | file | content |
//! |---|---|
//! | `README.txt` | what this is and how to check it |
//! | `checkpoint` | the signed note |
//! | `vkey` | the log's public key, as told by whoever made the bundle: compare it with the one you trust |
//! | `verify.py` | checks it with nothing but Python's standard library |
//! | `policy` | where witnesses cosign the log: who they are and how many are enough, as told by whoever made the bundle |
//! | `time-stamp`, `time-text`, `time-proof` | where there is one: a time stamp, what it is over, and that this log is in it |
//! | `tile/…` | hash tiles and entry bundles, named as `c2sp.org/tlog-tiles` says |
//!
//! It holds no addresses: those are not in the log, only commitments to them. To write one: [`Bundle::begin`], then for
//! each of [`Bundle::tiles`] its content through [`Bundle::tile`], then [`Bundle::end`].
use keepgate_kernel::Timestamp;
use keepgate_merkle::tile::{TileKind, TilePath, tiles_for};

use super::tar;
pub use super::tar::TarError;
use crate::{SignedCheckpoint, timestamp::Evidence};

/// A bundle of one log at one size.
#[derive(Debug, Clone)]
pub struct Bundle {
    origin: String,
    checkpoint: SignedCheckpoint,
    at: u64,
    min_index: u64,
    extras: Vec<Extra>,
}

/// A file that not every bundle has.
#[derive(Debug, Clone)]
struct Extra {
    name: &'static str,
    about: &'static str,
    content: Vec<u8>,
}

impl Bundle {
    /// A bundle of the log named `origin` as `checkpoint` signs it; `at` is the time written beside the files.
    #[must_use]
    pub fn new(origin: &str, checkpoint: SignedCheckpoint, at: Timestamp) -> Self {
        Self {
            origin: origin.to_owned(),
            checkpoint,
            at: u64::try_from(at.timestamp()).unwrap_or(0),
            min_index: 0,
            extras: Vec::new(),
        }
    }

    /// The same without the entries below `min_index`, which are in archives only. Their hashes are in it.
    #[must_use]
    pub const fn from_index(mut self, min_index: u64) -> Self {
        self.min_index = min_index;
        self
    }

    /// The same with another file, at most eleven characters long in name; `about` is its line in `README.txt`.
    #[must_use]
    pub fn with_file(mut self, name: &'static str, about: &'static str, content: Vec<u8>) -> Self {
        self.extras.push(Extra { name, about, content });
        self
    }

    /// The same with the witnesses that its owner's checkpoints are cosigned by, as a policy (`c2sp.org/tlog-policy`).
    #[must_use]
    pub fn with_policy(self, policy: Vec<u8>) -> Self {
        let about =
            "the witnesses that cosign the log, and how many are enough, as its owner tells it (c2sp.org/tlog-policy)";
        self.with_file("policy", about, policy)
    }

    /// The same with a time stamp over a state of the log, and the proof that it is about this log.
    #[must_use]
    pub fn with_stamp(self, evidence: &Evidence) -> Self {
        let token = evidence.stamped.stamp.token.clone();
        let text = evidence.proof.checkpoint.text().as_bytes().to_vec();
        let proof = evidence.proof.to_string().into_bytes();
        let about = "a time stamp (RFC 3161, DER) over time-text: openssl ts -verify -data time-text -in time-stamp -token_in -CAfile ROOT";
        self.with_file("time-stamp", about, token)
            .with_file(
                "time-text",
                "what was stamped: a state of the log of logs, which contains this log",
                text,
            )
            .with_file(
                "time-proof",
                "that it does (c2sp.org/tlog-proof); its extra data is the state of this log",
                proof,
            )
    }

    /// Whether the bundle is right without this tile.
    #[must_use]
    pub fn may_lack(&self, path: &TilePath) -> bool {
        path.kind() == TileKind::Entries && path.first_leaf().is_some_and(|first| first < self.min_index)
    }

    /// The files that say what this is. `vkey` is the log's public key.
    ///
    /// # Errors
    /// [`TarError::Size`], which such short texts do not reach.
    pub fn begin(&self, vkey: &str) -> Result<Vec<u8>, TarError> {
        let files = [
            ("README.txt", self.readme()),
            ("checkpoint", self.checkpoint.note.clone()),
            ("vkey", format!("{}\n", vkey.trim_end())),
            ("verify.py", include_str!("verify.py").to_owned()),
        ];
        let files = files.iter().map(|(name, content)| (*name, content.as_bytes()));
        let extras = self.extras.iter().map(|extra| (extra.name, &extra.content[..]));
        files
            .chain(extras)
            .map(|(name, content)| tar::file(name, content, self.at))
            .collect::<Result<Vec<_>, _>>()
            .map(|files| files.concat())
    }

    /// The tiles it holds, in the order to write them.
    pub fn tiles(&self) -> impl Iterator<Item = TilePath> + use<> {
        tiles_for(self.checkpoint.size)
    }

    /// One tile or entry bundle.
    ///
    /// # Errors
    /// [`TarError`] for a content no tile can have.
    pub fn tile(&self, path: &TilePath, content: &[u8]) -> Result<Vec<u8>, TarError> {
        tar::file(&path.to_string(), content, self.at)
    }

    /// What comes after the last tile.
    #[must_use]
    pub fn end(&self) -> Vec<u8> {
        tar::end()
    }

    fn readme(&self) -> String {
        let Self {
            origin,
            checkpoint,
            min_index,
            extras,
            ..
        } = self;
        let extra = |Extra { name, about, .. }: &Extra| format!("{name:<11} {about}\n");
        let extras: String = extras.iter().map(extra).collect();
        let policy = if self.extras.iter().any(|extra| extra.name == "policy") {
            " [--policy POLICY]"
        } else {
            ""
        };
        let size = checkpoint.size;
        let archived = match min_index {
            0 => String::new(),
            _ => format!("Entries below {min_index} were archived and are not in this file; their hashes are.\n\n"),
        };
        format!(
            "Audit log {origin}, {size} entries.\n\n{archived}\
             checkpoint  the signed state of the log (c2sp.org/tlog-checkpoint), with the cosignatures of its witnesses if it has any\n\
             vkey        the log's public key as its owner tells it; trust the copy you got on another way\n\
             verify.py   a check of all of it that needs Python 3 and nothing else; read it first, it is short\n\
             {extras}\
             tile/       Merkle tree and entries (c2sp.org/tlog-tiles, SHA-256, RFC 6962)\n\n\
             Each entry is canonical JSON (RFC 8785). Personal values are in it as commitments only, under their names in \"c\" (in entries of\n\
             version 1, the caller's address as \"source_c\"): SHA-256 over \"kg-c/v1\", NUL, the field's name, NUL, 32 bytes of salt and the\n\
             value. Salts and values are not part of the log. Whoever tells you some writes them as lines of JSON, \"index\", \"field\", \"salt\"\n\
             (hex), \"value\", into a file openings.jsonl beside this one: both checks below then compare them.\n\n\
             To check everything, offline, with the key that you got in another way:\n\n    \
             keepgate audit verify --bundle THIS-FILE --key VKEY [--since OLDER-CHECKPOINT]{policy}\n\n\
             or without Keepgate:\n\n    \
             mkdir log && tar -xf THIS-FILE -C log && python3 log/verify.py VKEY\n\n\
             Any other verifier of C2SP tiled logs works as well.\n"
        )
    }
}
