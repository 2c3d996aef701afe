//! The services of the configuration, as clients.
use std::{path::PathBuf, sync::Arc};

use keepgate_crypto_keys::KeyService;
use keepgate_kernel::SystemClock;
use keepgate_key_services::{Credential, Limits, Unreadable, aws, gcp, openbao};
use keepgate_outward::Trust;

use super::{Place, SecretRef, files, stores::text};
use crate::{
    config::{AwsIdentity, BaoAuth, Config},
    failure::{Failure, chain},
};

/// OpenBao, if the configuration has it. Asks nobody yet.
///
/// # Errors
/// Exit code 2 for a section that can't be used.
pub fn openbao(config: &Config) -> Result<Option<Arc<openbao::OpenBao>>, Failure> {
    let Some(section) = &config.services.openbao else {
        return Ok(None);
    };
    let auth = match &section.auth {
        BaoAuth::Token(token) => openbao::Auth::Token(credential(token)),
        BaoAuth::AppRole(mount, role, secret_id) => openbao::Auth::AppRole {
            mount: mount.clone(),
            role_id: role.clone(),
            secret_id: credential(secret_id),
        },
        BaoAuth::Jwt(mount, role, jwt) => openbao::Auth::Jwt {
            mount: mount.clone(),
            role: role.clone(),
            jwt: credential(jwt),
        },
    };
    let settings = openbao::Settings {
        url: section.url.clone(),
        trust: trust("openbao", section.ca_file.as_ref())?,
        namespace: section.namespace.clone(),
        auth,
        limits: limits(config),
    };
    openbao::OpenBao::new(settings)
        .map(Some)
        .map_err(|error| unusable("openbao", &error))
}

/// AWS, if the configuration has it. Asks nobody yet.
///
/// # Errors
/// As [`openbao`].
pub fn aws(config: &Config) -> Result<Option<Arc<aws::Aws>>, Failure> {
    let Some(section) = &config.services.aws else {
        return Ok(None);
    };
    let identity = match &section.identity {
        AwsIdentity::Instance(url) => aws::Identity::Instance { url: url.clone() },
        AwsIdentity::Container(url, token) => aws::Identity::Container {
            url: url.clone(),
            token: token.as_ref().map(credential),
        },
        AwsIdentity::WebIdentity(role, token) => aws::Identity::WebIdentity {
            role_arn: role.clone(),
            token: credential(token),
        },
        AwsIdentity::AccessKey(id, secret) => aws::Identity::AccessKey {
            id: id.clone(),
            secret: credential(secret),
            session_token: None,
        },
    };
    let [kms_url, secrets_url, sts_url] = section.urls.clone();
    let settings = aws::Settings {
        region: section.region.clone(),
        kms_url,
        secrets_url,
        sts_url,
        trust: trust("aws", section.ca_file.as_ref())?,
        identity,
        limits: limits(config),
    };
    let aws = aws::Aws::new(settings, Arc::new(SystemClock));
    aws.map(Some).map_err(|error| unusable("aws", &error))
}

/// Google Cloud, if the configuration has it. Asks nobody yet.
///
/// # Errors
/// As [`openbao`].
pub fn gcp(config: &Config) -> Result<Option<Arc<gcp::Gcp>>, Failure> {
    let Some(section) = &config.services.gcp else {
        return Ok(None);
    };
    let [kms_url, secrets_url, metadata_url] = section.urls.clone();
    let settings = gcp::Settings {
        kms_url,
        secrets_url,
        metadata_url,
        account: section.account.clone(),
        trust: trust("gcp", section.ca_file.as_ref())?,
        limits: limits(config),
    };
    gcp::Gcp::new(settings)
        .map(Some)
        .map_err(|error| unusable("gcp", &error))
}

/// The key service of the configuration; `None` when the root key is in `kek_file`. Asks nobody yet.
///
/// # Errors
/// Exit code 2 for a section or name that can't be used.
pub fn key_service(config: &Config) -> Result<Option<Arc<dyn KeyService>>, Failure> {
    let name = config.root_key.name.as_str();
    // The configuration has the section of the service it names.
    Ok(match config.root_key.service {
        Place::File => None,
        Place::OpenBao => match openbao(config)? {
            Some(openbao) => {
                let (mount, key) = name.rsplit_once('/').unwrap_or((name, ""));
                let keys = openbao.keys(mount, key).map_err(|error| unusable("openbao", &error))?;
                Some(Arc::new(keys))
            }
            None => None,
        },
        Place::Aws => match aws(config)? {
            Some(aws) => Some(Arc::new(aws.keys(name).map_err(|error| unusable("aws", &error))?)),
            None => None,
        },
        Place::Gcp => match gcp(config)? {
            Some(gcp) => Some(Arc::new(gcp.keys(name).map_err(|error| unusable("gcp", &error))?)),
            None => None,
        },
    })
}

/// A file that is read whenever it is needed. Why it can't be read is told in the log.
fn credential(reference: &SecretRef) -> Credential {
    let reference = reference.clone();
    Credential::new(move || {
        let path = reference.path().ok_or(Unreadable)?;
        let secret = files::read(path).map_err(super::Trouble::File);
        secret.and_then(|secret| text(&reference, &secret)).map_err(|trouble| {
            tracing::error!(file = %path.display(), why = %trouble, "what lets us in to a store can't be read");
            Unreadable
        })
    })
}

fn limits(config: &Config) -> Limits {
    Limits {
        timeout: config.services.timeout,
        poll: config.services.poll,
    }
}

fn trust(section: &str, ca_file: Option<&PathBuf>) -> Result<Trust, Failure> {
    let wrong = |why: String| {
        Failure::usage(
            format!("can't use {section}.ca_file"),
            why,
            "name a PEM file with certificates",
        )
    };
    let pem = ca_file.map(std::fs::read_to_string).transpose();
    let pem = pem.map_err(|error| wrong(error.to_string()))?;
    Trust::from_pem(pem.as_deref()).map_err(|error| wrong(error.to_string()))
}

fn unusable(section: &str, error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::usage(
        format!("can't use [{section}]"),
        chain(error),
        format!("correct [{section}] in the configuration"),
    )
}
