//! What is sent, and the port that sends it.
use async_trait::async_trait;
use data_encoding::HEXLOWER;
use keepgate_kernel::{Outcome, SinkId, TenantId, Timestamp, format_time};
use secrecy::SecretSlice;
use serde_json::json;

use super::{Sent, SinkFormat, SinkSecret, Target};
use crate::{
    Entry,
    export::{EntryWriter, Format},
};

/// A receiver, and what it takes to be let in.
#[derive(Debug, Clone)]
pub struct Destination {
    /// The sink.
    pub sink: SinkId,
    /// Whose it is.
    pub tenant: TenantId,
    /// Where it leads.
    pub target: Target,
    /// `None` where nothing is asked for.
    pub secret: Option<SinkSecret>,
    /// Seeds of the tenant's Ed25519 keys, newest first: what goes with [`SinkSecret::Signing`] is signed by each of them as well.
    pub signs: Vec<SecretSlice<u8>>,
}

/// What a parcel holds.
#[derive(Debug, Clone)]
pub enum Content {
    /// Entries with consecutive indices, at least one. They go without their openings: what has left can't be erased.
    Records(Vec<Entry>),
    /// One record that says it is a test and has no index.
    Test,
}

/// What is sent together.
#[derive(Debug, Clone)]
pub struct Parcel {
    /// The name of the log.
    pub origin: String,
    /// The form of records.
    pub format: SinkFormat,
    /// When it is sent.
    pub at: Timestamp,
    /// The records.
    pub content: Content,
}

/// One record, as a receiver gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the log, and the hash of its leaf in hexadecimal; `None` for a test.
    pub place: Option<(u64, String)>,
    /// When it was recorded.
    pub at: Timestamp,
    /// The operation; `test` for a test.
    pub action: String,
    /// How it ended.
    pub outcome: Outcome,
    /// The record in its format, on one line, without the line's end.
    pub text: String,
}

impl Parcel {
    /// First and last index; `None` for a test.
    #[must_use]
    pub fn range(&self) -> Option<(u64, u64)> {
        match &self.content {
            Content::Records(entries) => Some((entries.first()?.index, entries.last()?.index)),
            Content::Test => None,
        }
    }

    /// A name that a repetition has again: `000000000017-000000000042`, or the time of a test.
    #[must_use]
    pub fn name(&self) -> String {
        match self.range() {
            Some((first, last)) => format!("{first:012}-{last:012}"),
            None => format!("test-{}", self.at.timestamp_micros()),
        }
    }

    /// The records, for the sink `sink`.
    #[must_use]
    pub fn records(&self, sink: SinkId) -> Vec<Record> {
        let entries = match &self.content {
            Content::Records(entries) => entries,
            Content::Test => return vec![self.test(sink)],
        };
        let format = match self.format {
            SinkFormat::Jsonl => Format::Jsonl,
            SinkFormat::Ocsf => Format::Ocsf,
        };
        let Some(writer) = EntryWriter::new(format, &self.origin) else {
            return Vec::new();
        };
        let record = |entry: &Entry| {
            let bare = Entry {
                source: None,
                sealed: None,
                ..entry.clone()
            };
            let text = String::from_utf8_lossy(&writer.page(std::slice::from_ref(&bare))).into_owned();
            Record {
                place: Some((entry.index, HEXLOWER.encode(&entry.leaf_hash))),
                at: entry.leaf.recorded_at,
                action: entry.leaf.action.clone(),
                outcome: entry.leaf.outcome,
                text: text.trim_end().to_owned(),
            }
        };
        entries.iter().map(record).collect()
    }

    fn test(&self, sink: SinkId) -> Record {
        let (at, sink) = (format_time(self.at), sink.to_string());
        let value = match self.format {
            SinkFormat::Jsonl => json!({ "at": at, "origin": self.origin, "sink": sink, "test": true }),
            // The base event of OCSF: of no class, activity "other".
            SinkFormat::Ocsf => json!({
                "activity_id": 99, "activity_name": "Test", "category_uid": 0, "class_uid": 0, "type_uid": 99,
                "severity_id": 1, "severity": "Informational", "time": self.at.timestamp_millis(),
                "message": "Keepgate can reach this receiver.",
                "metadata": { "version": "1.6.0", "log_name": self.origin, "uid": sink,
                    "product": { "name": "Keepgate", "vendor_name": "Keepgate" } },
                "unmapped": { "test": true },
            }),
        };
        Record {
            place: None,
            at: self.at,
            action: "test".to_owned(),
            outcome: Outcome::Done,
            text: value.to_string(),
        }
    }
}

/// Reaches out to receivers.
#[async_trait]
pub trait SinkSender: Send + Sync {
    /// Whether the destination could be tried at all: its certificates and keys can be read, and an address written as such is within
    /// reach. Makes no call.
    ///
    /// # Errors
    /// A stable word.
    fn check(&self, to: &Destination) -> Result<(), &'static str>;

    /// Sends `parcel` once, within [`super::LONGEST`]. [`Sent::Accepted`] only when the receiver said that it has all of it.
    async fn send(&self, to: &Destination, parcel: &Parcel) -> Sent;
}
