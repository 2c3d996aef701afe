//! Single sign-on: the relying party, on the guarded HTTP client.
use std::sync::Arc;

use async_trait::async_trait;
use keepgate_channels::providers::{Outbound, Reach};
use keepgate_gate::{Service, SsoDesk};
use keepgate_kernel::TenantId;
use keepgate_sso::oidc::{Fetch, FetchError, HttpRequest, HttpResponse, RelyingParty};
use url::Url;

use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, chain},
};

/// Requests to identity providers.
struct Http(Outbound);

#[async_trait]
impl Fetch for Http {
    async fn fetch(&self, request: HttpRequest) -> Result<HttpResponse, FetchError> {
        let (status, body) = self.0.call(request).await.map_err(|_| FetchError)?;
        let mut response = HttpResponse::new(body);
        *response.status_mut() = status.try_into().map_err(|_| FetchError)?;
        Ok(response)
    }
}

/// The desk over the doorway of log-ins. Providers send people back to `/v1/auth/sso/callback` under `own`.
///
/// # Errors
/// Exit code 1 when there is no HTTP client to be had.
pub fn desk(config: &Config, gate: Service, platform: TenantId, own: &str) -> Result<SsoDesk, Failure> {
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(
            Exit::Failed,
            "can't make the client for identity providers",
            chain(error),
            "report this",
        )
    };
    let reach = Reach {
        loopback: config.sso_allow_loopback,
        internal: config.sso_internal.clone(),
    };
    let http = Outbound::new(reach).map_err(|error| failed(&error))?;
    let back = Url::parse(own)
        .and_then(|own| own.join("/v1/auth/sso/callback"))
        .map_err(|error| failed(&error))?;
    Ok(SsoDesk::new(
        gate,
        RelyingParty::new(Arc::new(Http(http)), back),
        platform,
    ))
}
