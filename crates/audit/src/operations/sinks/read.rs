//! Operations: read how a sink fares, and what its receiver refused.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, permissions};

use super::SinkError;
use crate::{
    AuditReader,
    sink::{DeadLetter, Sink, Sinks},
};

/// Returns one sink.
#[derive(Debug, Clone, Copy)]
pub struct ReadSink {
    /// Which.
    pub id: SinkId,
}

/// A sink, and how long the signed log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownSink {
    /// The sink.
    pub sink: Sink,
    /// The number of signed entries.
    pub size: u64,
}

impl<Tx: Sinks + AuditReader + ?Sized> Command<Tx> for ReadSink {
    type Permission = permissions::SinkRead;
    type Output = ShownSink;
    type Error = SinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ShownSink, SinkError> {
        Ok(ShownSink {
            sink: tx.sink(self.id).await?.ok_or(SinkError::Unknown)?,
            size: tx.checkpoint(None).await?.map_or(0, |checkpoint| checkpoint.size),
        })
    }
}

/// Returns a page of a sink's dead letters, by index.
#[derive(Debug, Clone, Copy)]
pub struct ListDeadLetters {
    /// Which sink.
    pub id: SinkId,
    /// Only those after this index.
    pub after: Option<u64>,
    /// At most so many.
    pub limit: u16,
}

impl<Tx: Sinks + ?Sized> Command<Tx> for ListDeadLetters {
    type Permission = permissions::SinkRead;
    type Output = Vec<DeadLetter>;
    type Error = SinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Vec<DeadLetter>, SinkError> {
        tx.sink(self.id).await?.ok_or(SinkError::Unknown)?;
        Ok(tx.dead_letters(self.id, self.after, self.limit).await?)
    }
}
