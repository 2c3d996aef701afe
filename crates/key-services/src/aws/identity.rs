//! Who we are: credentials, held until shortly before they end.
use aws_credential_types::Credentials;
use chrono::TimeDelta;
use keepgate_kernel::Timestamp;
use secrecy::{ExposeSecret, SecretString};
use tokio::time::Instant;
use url::Url;

use super::{Aws, Identity};
use crate::{BadSettings, Credential, fault::Fault, settings::platform_address};

/// Where platforms serve the machines on them.
pub const INSTANCE: &str = "169.254.169.254";
const CONTAINERS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];
/// How long before their end credentials are not used any more.
const MARGIN: TimeDelta = TimeDelta::minutes(5);

/// Credentials that were fetched.
#[derive(Debug)]
pub struct Held {
    credentials: Credentials,
    ends: Timestamp,
    fetched: Instant,
}

/// What a platform hands out.
pub struct Fetched {
    pub id: String,
    pub secret: SecretString,
    pub token: SecretString,
    pub ends: Timestamp,
}

/// An identity whose addresses are those of a platform.
pub fn checked(identity: Identity) -> Result<Identity, BadSettings> {
    match &identity {
        Identity::Instance { url: Some(url) } => drop(platform_address(url.clone(), &[INSTANCE])?),
        Identity::Container { url, .. } => drop(container(url)?),
        Identity::AccessKey { id, .. } if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            return Err(BadSettings::Name("the id of the access key"));
        }
        _ => {}
    }
    Ok(identity)
}

/// The full address of a container's credentials may have a query, such as an id.
fn container(url: &Url) -> Result<Url, BadSettings> {
    let mut bare = url.clone();
    bare.set_query(None);
    platform_address(bare, &CONTAINERS)
}

impl Aws {
    /// Credentials that are valid as far as we know. Whoever comes while they are fetched waits for them.
    pub(super) async fn credentials(&self) -> Result<Credentials, Fault> {
        if let Identity::AccessKey {
            id,
            secret,
            session_token,
        } = &self.identity
        {
            let token = session_token.as_ref().map(read).transpose()?;
            let secret = read(secret)?;
            return Ok(credentials(id, &secret, token.as_ref()));
        }
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        match &*held {
            Some(held) if now + MARGIN < held.ends => return Ok(held.credentials.clone()),
            _ => {}
        }
        let fetched = match self.fetch().await {
            Ok(fetched) => fetched,
            // What is left of them is used.
            Err(fault) => {
                return match &*held {
                    Some(held) if now < held.ends => Ok(held.credentials.clone()),
                    _ => Err(fault),
                };
            }
        };
        let credentials = credentials(&fetched.id, &fetched.secret, Some(&fetched.token));
        let next = Held {
            credentials: credentials.clone(),
            ends: fetched.ends,
            fetched: Instant::now(),
        };
        *held = Some(next);
        Ok(credentials)
    }

    /// Whether other credentials are worth a try after these were refused: not if they were fetched a moment ago.
    pub(super) async fn forget(&self) -> bool {
        if matches!(self.identity, Identity::AccessKey { .. }) {
            return false;
        }
        let mut held = self.held.lock().await;
        let fresh = held
            .as_ref()
            .is_some_and(|held| held.fetched.elapsed() < self.limits.timeout);
        if !fresh {
            *held = None;
        }
        !fresh
    }
}

fn credentials(id: &str, secret: &SecretString, token: Option<&SecretString>) -> Credentials {
    let token = token.map(|token| token.expose_secret().to_owned());
    Credentials::new(id, secret.expose_secret(), token, None, "keepgate")
}

/// The present value of what we were given, without a line's end.
pub fn read(kept: &Credential) -> Result<SecretString, Fault> {
    let value = kept
        .read()
        .map_err(|_| Fault::Denied("our own credential can't be read"))?;
    Ok(SecretString::from(value.expose_secret().trim_end()))
}
