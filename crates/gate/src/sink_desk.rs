//! What handlers need of sinks beside the operations: sealing what it takes to be let in, and trying a receiver out.
use std::{sync::Arc, time::Duration};

use keepgate_audit::sink::{Content, Destination, LONGEST, Parcel, SealedSecret, Sent, Sink, SinkSecret, SinkSender};
use keepgate_crypto_keys::{Place, Purpose};
use keepgate_kernel::{SinkId, TenantId};

use crate::{Service, VaultError};

/// Seals, opens and tries.
#[derive(Clone)]
pub struct SinkDesk {
    gate: Service,
    sender: Arc<dyn SinkSender>,
}

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trial {
    /// What the receiver said.
    pub sent: Sent,
    /// How long it took.
    pub took: Duration,
}

impl SinkDesk {
    /// A desk that reaches out through `sender`.
    #[must_use]
    pub fn new(gate: Service, sender: Arc<dyn SinkSender>) -> Self {
        Self { gate, sender }
    }

    /// Whether the destination could be tried at all.
    ///
    /// # Errors
    /// A stable word.
    pub fn check(&self, to: &Destination) -> Result<(), &'static str> {
        self.sender.check(to)
    }

    /// Seals `secret` for the row of `sink`.
    ///
    /// # Errors
    /// [`VaultError`].
    pub async fn seal(&self, tenant: TenantId, sink: SinkId, secret: &SinkSecret) -> Result<SealedSecret, VaultError> {
        let sealed = self.gate.seal(&place(tenant, sink), &secret.to_bytes()).await?;
        Ok(SealedSecret::new(sealed))
    }

    /// Sends one record that says it is a test, now, whether or not the sink is paused.
    pub async fn try_out(&self, tenant: TenantId, sink: &Sink, sealed: Option<&SealedSecret>, origin: String) -> Trial {
        let parcel = Parcel {
            origin,
            format: sink.config.format,
            at: self.gate.clock().now(),
            content: Content::Test,
        };
        let sent = self.send(tenant, sink, sealed, &parcel).await;
        let took = (self.gate.clock().now() - parcel.at).to_std().unwrap_or_default();
        Trial {
            sent,
            took: took.min(LONGEST),
        }
    }

    pub(crate) async fn send(
        &self,
        tenant: TenantId,
        sink: &Sink,
        sealed: Option<&SealedSecret>,
        parcel: &Parcel,
    ) -> Sent {
        let secret = match sealed {
            Some(sealed) => match self.gate.open(&place(tenant, sink.id), sealed.as_bytes()).await {
                Ok(plain) => SinkSecret::from_bytes(&plain),
                Err(error) => {
                    tracing::error!(sink = %sink.id, error = %error, "the credentials of a sink can't be opened");
                    return Sent::Broken("credentials-unreadable".to_owned());
                }
            },
            None => None,
        };
        let signs = match &secret {
            Some(SinkSecret::Signing(_)) => match self.gate.webhook_seeds(tenant).await {
                Ok(seeds) => seeds,
                Err(error) => {
                    tracing::error!(sink = %sink.id, error = %error, "what signs for a sink can't be opened");
                    return Sent::Later {
                        reason: "keys-unavailable".to_owned(),
                        retry_after: None,
                    };
                }
            },
            _ => Vec::new(),
        };
        let signs = signs.iter().map(|seed| seed.bytes().to_vec().into()).collect();
        let to = Destination {
            sink: sink.id,
            tenant,
            target: sink.config.target.clone(),
            secret,
            signs,
        };
        self.sender.send(&to, parcel).await
    }
}

const fn place(tenant: TenantId, sink: SinkId) -> Place {
    Place {
        tenant,
        purpose: Purpose::SinkSecret,
        table: "audit.sink_secret",
        column: "sealed",
        row: sink.uuid(),
    }
}

impl std::fmt::Debug for SinkDesk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SinkDesk").finish_non_exhaustive()
    }
}
