//! The rows.
use keepgate_kernel::TenantId;
use rpds::VectorSync;

use crate::commitment::Opening;

/// An entry as committed, not yet or already numbered.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) tenant: TenantId,
    pub(super) id: keepgate_kernel::AuditId,
    pub(super) leaf: std::sync::Arc<[u8]>,
    pub(super) leaf_hash: [u8; 32],
    pub(super) source: Option<Opening>,
}

/// The log's tables. Commits are serial here, so the order of `entries` is the order of commits.
#[derive(Debug, Clone, Default)]
pub(super) struct Audit {
    pub(super) entries: VectorSync<Row>,
}
