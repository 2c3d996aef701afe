//! Rows to sinks.
use keepgate_kernel::{SinkId, Timestamp, Uuid};
use keepgate_store::StoreError;

use crate::sink::{Progress, Sink, SinkConfig, SinkFormat, SinkState};

const TABLE: &str = "audit.sink";

pub(super) struct Row {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) format: String,
    pub(super) target: serde_json::Value,
    pub(super) batch_size: i16,
    pub(super) max_delay_seconds: i32,
    pub(super) paused: bool,
    pub(super) created_at: Timestamp,
    pub(super) next_index: i64,
    pub(super) state: String,
    pub(super) reason: Option<String>,
    pub(super) failures: i32,
    pub(super) rejected: i32,
    pub(super) next_at: Timestamp,
    pub(super) delivered_at: Option<Timestamp>,
    pub(super) dead_letters: i64,
}

impl TryFrom<Row> for Sink {
    type Error = StoreError;

    fn try_from(row: Row) -> Result<Self, StoreError> {
        let config = SinkConfig {
            name: row.name,
            format: SinkFormat::parse(&row.format).ok_or(StoreError::corrupt(TABLE, "format"))?,
            target: serde_json::from_value(row.target).map_err(|_| StoreError::corrupt(TABLE, "target"))?,
            batch_size: u16::try_from(row.batch_size).map_err(|_| StoreError::corrupt(TABLE, "batch_size"))?,
            max_delay_seconds: small(row.max_delay_seconds, "max_delay_seconds")?,
        };
        let progress = Progress {
            next_index: number(row.next_index)?,
            state: SinkState::parse(&row.state).ok_or(StoreError::corrupt(TABLE, "state"))?,
            reason: row.reason,
            failures: small(row.failures, "failures")?,
            rejected: small(row.rejected, "rejected")?,
            next_at: row.next_at,
            delivered_at: row.delivered_at,
            dead_letters: number(row.dead_letters)?,
        };
        Ok(Self {
            id: SinkId::from_uuid(row.id),
            config,
            paused: row.paused,
            created_at: row.created_at,
            progress,
        })
    }
}

fn small(number: i32, column: &'static str) -> Result<u32, StoreError> {
    u32::try_from(number).map_err(|_| StoreError::corrupt(TABLE, column))
}

pub(super) fn number(number: i64) -> Result<u64, StoreError> {
    u64::try_from(number).map_err(|_| StoreError::corrupt(TABLE, "next_index"))
}

pub(super) fn target_json(config: &SinkConfig) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(&config.target).map_err(|_| StoreError::corrupt(TABLE, "target"))
}
