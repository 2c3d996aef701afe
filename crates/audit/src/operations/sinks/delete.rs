//! Operation: stop sending the log to a sink.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, permissions};

use super::SinkError;
use crate::sink::Sinks;

/// Removes a sink, its dead letters and what it takes to be let in.
#[derive(Debug, Clone, Copy)]
pub struct DeleteSink {
    /// Which.
    pub id: SinkId,
}

impl<Tx: Sinks + ?Sized> Command<Tx> for DeleteSink {
    type Permission = permissions::SinkDelete;
    type Output = ();
    type Error = SinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<(), SinkError> {
        if tx.remove_sink(self.id).await? {
            Ok(())
        } else {
            Err(SinkError::Unknown)
        }
    }
}
