//! A stamp from the point of view of one tenant.
use keepgate_merkle::tlog_proof::TlogProof;
use keepgate_store::StoreError;

use super::StampedCheckpoint;
use crate::{MetaReader, operations::meta_proof};

/// That a state of a tenant's log existed at a time: the stamped checkpoint of the log of logs, and the proof that the state is
/// in it. The proof's extra data is the tenant's checkpoint, its own checkpoint is the stamped one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// What was stamped, and the stamp.
    pub stamped: StampedCheckpoint,
    /// The proof.
    pub proof: TlogProof,
}

/// The latest stamp, with the newest state of the own log under it that has at most `size` entries; `None` without one.
///
/// # Errors
/// [`StoreError::Corrupt`] for a log of logs that does not hold together.
pub async fn evidence<Tx: MetaReader + ?Sized>(tx: &mut Tx, size: u64) -> Result<Option<Evidence>, StoreError> {
    let Some(stamped) = tx.meta_timestamp(None).await? else {
        return Ok(None);
    };
    let proof = meta_proof(tx, Some(stamped.checkpoint.size), size).await?;
    Ok(proof.map(|proof| Evidence { stamped, proof }))
}
