//! Signature version 4, by Amazon's own crate.
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign as compute},
    sign::v4,
};
use keepgate_kernel::Timestamp;
use reqwest::{
    Request,
    header::{HeaderName, HeaderValue},
};

use crate::fault::Fault;

const CANT: Fault = Fault::Strange("the request can't be signed");

/// Adds the headers that sign `request`.
pub fn sign(
    request: &mut Request,
    credentials: &Credentials,
    region: &str,
    service: &str,
    at: Timestamp,
) -> Result<(), Fault> {
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(SystemTime::from(at))
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| CANT)?
        .into();
    let headers: Result<Vec<_>, _> = request
        .headers()
        .iter()
        .map(|(name, value)| value.to_str().map(|value| (name.as_str(), value)))
        .collect();
    let body = request.body().and_then(reqwest::Body::as_bytes).unwrap_or_default();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.url().as_str(),
        headers.map_err(|_| CANT)?.into_iter(),
        SignableBody::Bytes(body),
    )
    .map_err(|_| CANT)?;
    let (instructions, _) = compute(signable, &params).map_err(|_| CANT)?.into_parts();
    for (name, value) in instructions.headers() {
        let name = HeaderName::try_from(name).map_err(|_| CANT)?;
        let mut value = HeaderValue::from_str(value).map_err(|_| CANT)?;
        value.set_sensitive(true);
        request.headers_mut().insert(name, value);
    }
    Ok(())
}
