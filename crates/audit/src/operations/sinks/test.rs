//! Operation: send a sink one test record.
use keepgate_kernel::{Entity, SinkId};
use keepgate_policy::{Authorized, Command, permissions};

use super::SinkError;
use crate::{
    AuditReader,
    sink::{SealedSecret, Sink, Sinks},
};

/// Hands out what a test takes: the call itself is made outside of the transaction.
#[derive(Debug, Clone, Copy)]
pub struct TestSink {
    /// Which.
    pub id: SinkId,
}

impl<Tx: Sinks + AuditReader + ?Sized> Command<Tx> for TestSink {
    type Permission = permissions::SinkTest;
    /// The sink, what it takes to be let in, and the name of the log.
    type Output = (Sink, Option<SealedSecret>, String);
    type Error = SinkError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Self::Output, SinkError> {
        let sink = tx.sink(self.id).await?.ok_or(SinkError::Unknown)?;
        let secret = tx.sink_secret(self.id).await?;
        let origin = tx.log_info().await?.map(|info| info.origin).unwrap_or_default();
        Ok((sink, secret, origin))
    }
}
