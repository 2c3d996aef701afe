//! Stamping the latest checkpoint of the log of logs, and keeping the tokens.
use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_store::StoreError;

use super::Stamp;
#[cfg(feature = "timestamps")]
use super::{BadStamp, Query, TimestampAuthority, Trust, check_reply};
use crate::witness::LogCheckpoint;
#[cfg(feature = "timestamps")]
use crate::witness::Unreachable;

/// What there is to stamp.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueStamp {
    /// The latest checkpoint of the log of logs, unless it is stamped or there is none.
    pub checkpoint: Option<LogCheckpoint>,
    /// When the latest stamp was made, by the authority's clock.
    pub last: Option<Timestamp>,
}

/// The log of logs and the tokens over its checkpoints. Everything kept is kept for good.
#[async_trait]
pub trait StampedLogs: Send + Sync {
    /// What there is to stamp.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] for a checkpoint that can't be read.
    async fn due_stamp(&self) -> Result<DueStamp, StoreError>;

    /// Keeps `stamp`, which covers the text of `of`, unless another instance was faster.
    async fn put_stamp(&self, of: &LogCheckpoint, stamp: &Stamp) -> Result<(), StoreError>;
}

/// Why a checkpoint was not stamped.
#[cfg(feature = "timestamps")]
#[derive(Debug, thiserror::Error)]
pub enum NotStamped {
    /// The authority does not answer.
    #[error("the time-stamping authority does not answer")]
    Unreachable(#[from] Unreachable),
    /// What it answered is no time stamp of the checkpoint.
    #[error(transparent)]
    Bad(#[from] BadStamp),
    /// There is no randomness.
    #[error("there is no randomness for a question")]
    Random,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

#[cfg(feature = "timestamps")]
impl NotStamped {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Bad(bad) => bad.as_str(),
            Self::Random => "random",
            Self::Store(_) => "store",
        }
    }
}

/// Has `of` stamped, checks the token and only then keeps it. `random` as in [`Query::about`].
///
/// # Errors
/// [`NotStamped`]: nothing was kept.
#[cfg(feature = "timestamps")]
pub async fn stamp(
    logs: &dyn StampedLogs,
    authority: &dyn TimestampAuthority,
    trust: &Trust,
    of: &LogCheckpoint,
    random: u64,
) -> Result<Stamp, NotStamped> {
    let query = Query::about(of.note.text().as_bytes(), random, trust);
    let asked = query.to_der().map_err(|_| BadStamp::Malformed)?;
    let reply = authority.stamp(asked).await?;
    let stamp = check_reply(&reply, &query, trust)?;
    logs.put_stamp(of, &stamp).await?;
    Ok(stamp)
}
