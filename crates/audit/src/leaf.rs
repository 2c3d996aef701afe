//! The leaf: the bytes of one entry that the Merkle tree covers.
//!
//! RFC 8785 canonical JSON (keys in order, no blanks, one way to write every string). Version 2 is written, version 1 is
//! read for ever; `docs/audit-format.md` has both field by field. The lists are frozen: PostgreSQL writes the same bytes
//! in `sec.seal_entry`, and a case of the contract suite compares the two.
use std::collections::BTreeMap;

use keepgate_kernel::{AuditId, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp, Uuid, format_time};
use sha2::{Digest, Sha256};

mod parse;

pub use parse::LeafError;
pub(crate) use parse::is_action;

/// How far the machine's clock could be trusted when an entry was recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeQuality {
    /// Disciplined by a reference, error bound known.
    Synced,
    /// Was disciplined lately, is drifting.
    Holdover,
    /// Not disciplined.
    Unsynchronised,
    /// Nobody has looked.
    Unattested,
}

impl TimeQuality {
    /// The word in the API, the database and the leaf.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Holdover => "holdover",
            Self::Unsynchronised => "unsynchronised",
            Self::Unattested => "unattested",
        }
    }
}

/// Which list of fields a leaf has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LeafVersion {
    /// The first: one commitment, `source_c`, and no other clock than the database's.
    V1,
    /// Commitments in a map, `c`, and `occurred_at`. The one that is written.
    V2,
}

impl LeafVersion {
    const fn number(self) -> u8 {
        match self {
            Self::V1 => 1,
            Self::V2 => 2,
        }
    }
}

/// What a leaf says. No personal data: personal values are there as salted commitments only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// Its list of fields.
    pub version: LeafVersion,
    /// The dotted name of the action.
    pub action: String,
    /// Who acted.
    pub actor: PrincipalId,
    /// Commitments to personal values by the name of the field, see [`crate::commitment`]; the caller's address is
    /// [`crate::commitment::SOURCE`]. Names are of `a-z` and `_`, 1 to 32 characters, at most 16 of them.
    pub commitments: BTreeMap<String, [u8; 32]>,
    /// What it was about.
    pub entity: String,
    /// The entry's id.
    pub id: AuditId,
    /// When it happened by the caller's own clock, where it told so: a claim, to the microsecond. Version 2 only.
    pub occurred_at: Option<Timestamp>,
    /// How the operation ended.
    pub outcome: keepgate_kernel::Outcome,
    /// Why it did not happen.
    pub reason: Option<String>,
    /// When, by the database's clock, to the microsecond.
    pub recorded_at: Timestamp,
    /// The request it belongs to.
    pub request: RequestId,
    /// Whose log it belongs to.
    pub tenant: TenantId,
    /// How good the time is.
    pub time_quality: TimeQuality,
}

/// SHA-256 of `0x00` and the leaf (RFC 6962 section 2.1).
#[must_use]
pub fn leaf_hash(leaf: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update([0]).chain_update(leaf).finalize().into()
}

/// A string as RFC 8785 section 3.2.2.2 writes it; `serde_json` escapes exactly that set.
fn string(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn hex(commitment: &[u8; 32]) -> String {
    data_encoding::HEXLOWER.encode(commitment)
}

impl Leaf {
    /// The commitment to the caller's address.
    #[must_use]
    pub fn source_c(&self) -> Option<[u8; 32]> {
        self.commitments.get(crate::commitment::SOURCE).copied()
    }

    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (commitments, source) = match self.version {
            LeafVersion::V1 => (None, self.source_c()),
            LeafVersion::V2 => (self.map(), None),
        };
        let occurred = self
            .occurred_at
            .filter(|_| self.version == LeafVersion::V2)
            .map(|at| format!(r#","occurred_at":"{}""#, format_time(at)));
        let reason = self
            .reason
            .as_deref()
            .map(|reason| format!(r#","reason":{}"#, string(reason)));
        let source = source.map(|c| format!(r#","source_c":"{}""#, hex(&c)));
        [
            format!(r#"{{"action":{},"actor":{}"#, string(&self.action), actor(self.actor)),
            commitments.unwrap_or_default(),
            format!(r#","entity":{},"id":"{}""#, string(&self.entity), self.id.uuid()),
            occurred.unwrap_or_default(),
            format!(r#","outcome":"{}""#, self.outcome.as_str()),
            reason.unwrap_or_default(),
            format!(
                r#","recorded_at":"{}","request_id":"{}""#,
                format_time(self.recorded_at),
                self.request.uuid()
            ),
            source.unwrap_or_default(),
            format!(
                r#","tenant":"{}","time_quality":"{}","v":{}}}"#,
                self.tenant.uuid(),
                self.time_quality.as_str(),
                self.version.number()
            ),
        ]
        .concat()
        .into_bytes()
    }

    /// `c`, absent when empty. A `BTreeMap` of ASCII names is in the order RFC 8785 demands.
    fn map(&self) -> Option<String> {
        let fields: Vec<_> = self
            .commitments
            .iter()
            .map(|(name, c)| format!(r#"{}:"{}""#, string(name), hex(c)))
            .collect();
        (!fields.is_empty()).then(|| format!(r#","c":{{{}}}"#, fields.join(",")))
    }

    /// Reads a leaf and accepts its one canonical spelling only: what it returns, [`Leaf::to_bytes`] writes back byte for byte.
    ///
    /// # Errors
    /// [`LeafError`] says which rule is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, LeafError> {
        parse::parse(bytes)
    }
}

fn actor(id: PrincipalId) -> String {
    let kind: PrincipalKind = id.kind();
    let id: Uuid = id.uuid();
    format!(r#"{{"id":"{id}","type":"{}"}}"#, kind.as_str())
}
