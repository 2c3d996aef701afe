//! Operation: send the log on to another system.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    AuditReader,
    archive::{Archives, archive_of},
    operations::sinks::ShownSink,
    sink::{BadSink, MAX_SINKS, NewSink, SealedSecret, SinkConfig, Sinks},
};

/// Adds a sink, which begins at once.
#[derive(Debug)]
pub struct CreateSink {
    /// The new sink's id.
    pub id: SinkId,
    /// What its owner decides.
    pub config: SinkConfig,
    /// The first index to send; `None`: only what is signed from now on.
    pub from: Option<u64>,
    /// What it takes to be let in, sealed for this row.
    pub secret: Option<SealedSecret>,
}

/// Why it was not added.
#[derive(Debug, thiserror::Error)]
pub enum CreateSinkError {
    /// It can't be one.
    #[error(transparent)]
    Bad(#[from] BadSink),
    /// Another has this name.
    #[error("another sink has this name")]
    NameTaken,
    /// There are [`MAX_SINKS`].
    #[error("a tenant has at most {MAX_SINKS} sinks")]
    TooMany,
    /// The first index is beyond the end.
    #[error("the log does not reach so far")]
    BeyondEnd,
    /// Records from there on are in an archive only; its name.
    #[error("the entries are in archive {0}")]
    Pruned(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CreateSinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Bad(_) => ErrorKind::Refused("invalid-sink"),
            Self::NameTaken => ErrorKind::Refused("sink-name-taken"),
            Self::TooMany => ErrorKind::Refused("too-many-sinks"),
            Self::BeyondEnd => ErrorKind::Refused("beyond-the-log"),
            Self::Pruned(_) => ErrorKind::Refused("pruned"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Sinks + AuditReader + Archives + ?Sized> Command<Tx> for CreateSink {
    type Permission = permissions::SinkCreate;
    type Output = ShownSink;
    type Error = CreateSinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ShownSink, CreateSinkError> {
        self.config.check()?;
        if tx.sinks().await?.len() >= MAX_SINKS {
            return Err(CreateSinkError::TooMany);
        }
        let size = tx.checkpoint(None).await?.map_or(0, |checkpoint| checkpoint.size);
        let from = self.from.unwrap_or(size);
        if from > size {
            return Err(CreateSinkError::BeyondEnd);
        }
        if let Some(archive) = archive_of(tx, from).await? {
            return Err(CreateSinkError::Pruned(archive));
        }
        let new = NewSink {
            id: self.id,
            config: self.config.clone(),
            from,
            secret: self.secret.clone(),
        };
        if !tx.add_sink(&new).await? {
            return Err(CreateSinkError::NameTaken);
        }
        let sink = tx.sink(self.id).await?.ok_or(StoreError::Forbidden)?;
        Ok(ShownSink { sink, size })
    }
}
