//! The machine's token, from the metadata server.
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use tokio::time::Instant;

use super::Gcp;
use crate::{fault::Fault, settings::join};

/// How long before its end a token is not used any more.
const MARGIN: Duration = Duration::from_secs(60);

/// A token that was fetched.
#[derive(Debug)]
pub struct Held {
    token: SecretString,
    ends: Instant,
    fetched: Instant,
}

#[derive(Deserialize)]
struct Handed {
    access_token: SecretString,
    expires_in: u64,
    token_type: String,
}

impl Gcp {
    /// A token that is valid as far as we know. Whoever comes while one is fetched waits for it.
    pub(super) async fn token(&self) -> Result<SecretString, Fault> {
        let mut held = self.held.lock().await;
        let now = Instant::now();
        match &*held {
            Some(held) if now + MARGIN < held.ends => return Ok(held.token.clone()),
            _ => {}
        }
        match self.fetch().await {
            Ok(fetched) => Ok(held.insert(fetched).token.clone()),
            // What is left of it is used.
            Err(fault) => match &*held {
                Some(held) if now < held.ends => Ok(held.token.clone()),
                _ => Err(fault),
            },
        }
    }

    /// Whether another token is worth a try after this one was refused: not if it was fetched a moment ago.
    pub(super) async fn forget(&self) -> bool {
        let mut held = self.held.lock().await;
        let fresh = held
            .as_ref()
            .is_some_and(|held| held.fetched.elapsed() < self.limits.timeout);
        if !fresh {
            *held = None;
        }
        !fresh
    }

    async fn fetch(&self) -> Result<Held, Fault> {
        let path = [
            "computeMetadata",
            "v1",
            "instance",
            "service-accounts",
            &self.account,
            "token",
        ];
        let request = self
            .http
            .client()
            .get(join(&self.metadata, path))
            .header("metadata-flavor", "Google");
        let asked = Instant::now();
        let answer = self.http.send(request.build()).await?;
        if answer
            .headers
            .get("metadata-flavor")
            .is_none_or(|flavor| flavor != "Google")
        {
            return Err(Fault::Strange("whoever answers is not the metadata server"));
        }
        if answer.status == 404 {
            return Err(Fault::Denied("the machine has no such service account"));
        }
        let handed: Handed = answer.ok()?;
        if handed.token_type != "Bearer" {
            return Err(Fault::Strange("a token of an unknown type"));
        }
        let length = Duration::from_secs(handed.expires_in.min(24 * 3600));
        Ok(Held {
            token: handed.access_token,
            ends: asked + length,
            fetched: asked,
        })
    }
}
