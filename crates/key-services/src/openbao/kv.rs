//! kv version 2 as a secret store.
use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use keepgate_crypto_keys::{Secret, SecretError, SecretStore};
use reqwest::Method;
use serde::Deserialize;

use super::OpenBao;
use crate::{
    fault::Fault,
    http::Answer,
    secret::{self, Field},
    settings::segments,
    watch,
};

/// Secrets named `MOUNT/PATH#FIELD`; a version is a number.
#[derive(Debug)]
pub struct KvSecrets(Arc<OpenBao>);

#[derive(Deserialize)]
struct Read {
    data: Versioned,
}

#[derive(Deserialize)]
struct Versioned {
    data: Option<HashMap<String, Field>>,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    version: u64,
    deletion_time: String,
    destroyed: bool,
}

impl KvSecrets {
    pub(super) fn new(bao: Arc<OpenBao>) -> Self {
        Self(bao)
    }

    async fn read(&self, name: &str, version: Option<&str>) -> Result<Secret, Fault> {
        let unusable = || Fault::Unusable("its name is not MOUNT/PATH#FIELD");
        let (path, field) = name
            .rsplit_once('#')
            .filter(|(_, field)| !field.is_empty())
            .ok_or_else(unusable)?;
        let path = segments(path).ok_or_else(unusable)?;
        let (mount, path) = path
            .split_first()
            .filter(|(_, path)| !path.is_empty())
            .ok_or_else(unusable)?;
        let mut url = self.0.at([*mount, "data"].into_iter().chain(path.iter().copied()));
        if let Some(version) = version {
            let number: u32 = version.parse().map_err(|_| Fault::Missing)?;
            // Version 0 means the newest.
            if number == 0 {
                return Err(Fault::Missing);
            }
            url.query_pairs_mut().append_pair("version", &number.to_string());
        }
        let found = understood(&self.0.call(Method::GET, url, None).await?)?;
        let fields = found.data.ok_or(Fault::Revoked)?;
        secret::usable(secret::field(&fields, field)?, found.metadata.version.to_string())
    }
}

/// A deleted or destroyed version comes as a 404 with metadata, an unknown one without.
fn understood(answer: &Answer) -> Result<Versioned, Fault> {
    match answer.status {
        200 => {
            let Read { data } = answer.json()?;
            Ok(data)
        }
        404 => match answer.json() {
            Ok(Read { data }) if data.metadata.destroyed || !data.metadata.deletion_time.is_empty() => {
                Err(Fault::Revoked)
            }
            _ => Err(Fault::Missing),
        },
        status => Err(Fault::of_status(status)),
    }
}

#[async_trait]
impl SecretStore for KvSecrets {
    async fn get(&self, name: &str, version: Option<&str>) -> Result<Secret, SecretError> {
        Ok(self.read(name, version).await?)
    }

    async fn watch(&self, name: &str, known: &str) -> Result<Secret, SecretError> {
        watch::watch(self, name, known, self.0.limits.poll).await
    }
}
