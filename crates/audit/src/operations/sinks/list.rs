//! Operation: list where the log is sent.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::{
    AuditReader,
    sink::{Sink, Sinks},
};

/// Lists the sinks of the tenant, oldest first; what it takes to be let in stays sealed.
#[derive(Debug, Clone, Copy)]
pub struct ListSinks;

/// The sinks, and how long the signed log is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedSinks {
    /// At most [`crate::sink::MAX_SINKS`].
    pub sinks: Vec<Sink>,
    /// The number of signed entries.
    pub size: u64,
}

impl<Tx: Sinks + AuditReader + ?Sized> Command<Tx> for ListSinks {
    type Permission = permissions::SinkList;
    type Output = ListedSinks;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::collection("sinks")
    }

    async fn run(&self, _: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<ListedSinks, StoreError> {
        Ok(ListedSinks {
            sinks: tx.sinks().await?,
            size: tx.checkpoint(None).await?.map_or(0, |checkpoint| checkpoint.size),
        })
    }
}
