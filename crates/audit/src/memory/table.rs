//! The rows.
use std::sync::Arc;

use keepgate_kernel::{TenantId, Timestamp, Uuid};
use keepgate_merkle::{hash::Hash, tree::Frontier};
use rpds::{RedBlackTreeMapSync, VectorSync};

use crate::{SignedCheckpoint, SubjectKey, archive::Archive, clock::Order};

/// The log of logs. Whose leaf it is, and of which size.
#[derive(Debug, Clone)]
pub(super) struct Meta {
    pub(super) origin: String,
    pub(super) leaves: VectorSync<(TenantId, u64)>,
    pub(super) hashes: VectorSync<Hash>,
    pub(super) frontier: Frontier,
    pub(super) checkpoints: RedBlackTreeMapSync<u64, SignedCheckpoint>,
}

/// An entry as committed.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) tenant: TenantId,
    pub(super) leaf: Arc<[u8]>,
    pub(super) leaf_hash: [u8; 32],
    pub(super) key: Option<Uuid>,
}

/// The numbered part of one tenant's log. Tiles are derived from `hashes`.
#[derive(Debug, Clone)]
pub(super) struct Log {
    pub(super) origin: String,
    pub(super) rows: VectorSync<Row>,
    pub(super) hashes: VectorSync<Hash>,
    pub(super) frontier: Frontier,
    pub(super) checkpoints: RedBlackTreeMapSync<u64, SignedCheckpoint>,
    pub(super) order: Order,
}

/// The log's tables. Commits are serial here, so `entries`, those without an index yet, are in the order of commits.
#[derive(Debug, Clone, Default)]
pub(super) struct Audit {
    pub(super) entries: VectorSync<Row>,
    pub(super) logs: RedBlackTreeMapSync<TenantId, Log>,
    pub(super) meta: Option<Meta>,
    /// With the time when they were made.
    pub(super) keys: RedBlackTreeMapSync<(TenantId, Uuid), (SubjectKey, Timestamp)>,
    /// By tenant, key and entry.
    pub(super) openings: RedBlackTreeMapSync<(TenantId, Uuid, Uuid), Vec<u8>>,
    pub(super) archives: RedBlackTreeMapSync<TenantId, VectorSync<Archive>>,
}
