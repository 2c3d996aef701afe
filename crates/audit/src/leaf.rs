//! The leaf: the bytes of one entry that the Merkle tree covers.
//!
//! RFC 8785 canonical JSON (keys in order, no blanks, one way to write every string), version 1. The field list is
//! frozen: PostgreSQL writes the same bytes in `sec.seal_entry`, and a case of the contract suite compares the two.
use keepgate_kernel::{AuditId, PrincipalId, PrincipalKind, RequestId, TenantId, Timestamp, Uuid, format_time};
use sha2::{Digest, Sha256};

mod parse;

pub use parse::LeafError;

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

/// What a leaf says. No personal data: the source address is there as a salted commitment only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaf {
    /// The dotted name of the action.
    pub action: String,
    /// Who acted.
    pub actor: PrincipalId,
    /// What it was about.
    pub entity: String,
    /// The entry's id.
    pub id: AuditId,
    /// How the operation ended.
    pub outcome: keepgate_kernel::Outcome,
    /// Why it did not happen.
    pub reason: Option<String>,
    /// When, by the database's clock, to the microsecond.
    pub recorded_at: Timestamp,
    /// The request it belongs to.
    pub request: RequestId,
    /// Commitment to the caller's address, see [`crate::commitment`].
    pub source_c: Option<[u8; 32]>,
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

impl Leaf {
    /// The canonical bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let reason = self
            .reason
            .as_deref()
            .map(|reason| format!(r#","reason":{}"#, string(reason)));
        let source = self
            .source_c
            .map(|c| format!(r#","source_c":"{}""#, data_encoding::HEXLOWER.encode(&c)));
        [
            format!(r#"{{"action":{},"actor":{}"#, string(&self.action), actor(self.actor)),
            format!(r#","entity":{},"id":"{}""#, string(&self.entity), self.id.uuid()),
            format!(r#","outcome":"{}""#, self.outcome.as_str()),
            reason.unwrap_or_default(),
            format!(
                r#","recorded_at":"{}","request_id":"{}""#,
                format_time(self.recorded_at),
                self.request.uuid()
            ),
            source.unwrap_or_default(),
            format!(
                r#","tenant":"{}","time_quality":"{}","v":1}}"#,
                self.tenant.uuid(),
                self.time_quality.as_str()
            ),
        ]
        .concat()
        .into_bytes()
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
