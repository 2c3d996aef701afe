//! Operation: change, pause or resume a sink.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{
    AuditReader,
    operations::sinks::ShownSink,
    sink::{BadSink, SealedSecret, SinkFormat, Sinks, Target},
};

/// What is to be different; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct SinkChange {
    /// The name.
    pub name: Option<String>,
    /// The form of records.
    pub format: Option<SinkFormat>,
    /// Where to, with what it takes to be let in there: credentials never follow a sink to another address.
    pub target: Option<(Target, Option<SealedSecret>)>,
    /// The most records of a batch.
    pub batch_size: Option<u16>,
    /// How long a record may wait for others.
    pub max_delay_seconds: Option<u32>,
    /// Whether nothing is sent for now.
    pub paused: Option<bool>,
}

/// Changes a sink. It is tried at once.
#[derive(Debug)]
pub struct UpdateSink {
    /// Which.
    pub id: SinkId,
    /// What.
    pub change: SinkChange,
}

/// Why it was not changed.
#[derive(Debug, thiserror::Error)]
pub enum UpdateSinkError {
    /// There is none.
    #[error("there is no such sink")]
    Unknown,
    /// It can't be so.
    #[error(transparent)]
    Bad(#[from] BadSink),
    /// Another has this name.
    #[error("another sink has this name")]
    NameTaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for UpdateSinkError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Unknown => ErrorKind::Refused("unknown-sink"),
            Self::Bad(_) => ErrorKind::Refused("invalid-sink"),
            Self::NameTaken => ErrorKind::Refused("sink-name-taken"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Sinks + AuditReader + ?Sized> Command<Tx> for UpdateSink {
    type Permission = permissions::SinkUpdate;
    type Output = ShownSink;
    type Error = UpdateSinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ShownSink, UpdateSinkError> {
        let change = self.change.clone();
        let sink = tx.sink(self.id).await?.ok_or(UpdateSinkError::Unknown)?;
        let mut config = sink.config;
        config.name = change.name.unwrap_or(config.name);
        config.format = change.format.unwrap_or(config.format);
        config.batch_size = change.batch_size.unwrap_or(config.batch_size);
        config.max_delay_seconds = change.max_delay_seconds.unwrap_or(config.max_delay_seconds);
        if let Some((target, secret)) = change.target {
            config.target = target;
            tx.put_sink_secret(self.id, secret.as_ref()).await?;
        }
        config.check()?;
        if !tx
            .change_sink(self.id, &config, change.paused.unwrap_or(sink.paused))
            .await?
        {
            return Err(UpdateSinkError::NameTaken);
        }
        Ok(ShownSink {
            sink: tx.sink(self.id).await?.ok_or(UpdateSinkError::Unknown)?,
            size: tx.checkpoint(None).await?.map_or(0, |checkpoint| checkpoint.size),
        })
    }
}
