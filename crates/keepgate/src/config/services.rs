//! `[openbao]`, `[aws]`, `[gcp]`: services that hold keys and secrets, and how they let us in.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use super::{key::Key, keys, reader::Reader, types::FileSecret};
use crate::secrets::SecretRef;

/// The services of the configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Services {
    /// OpenBao or Vault.
    pub openbao: Option<OpenBao>,
    /// AWS KMS and Secrets Manager.
    pub aws: Option<Aws>,
    /// Google Cloud KMS and Secret Manager.
    pub gcp: Option<Gcp>,
    /// For one call.
    pub timeout: Duration,
    /// Between two looks for something new.
    pub poll: Duration,
}

/// Where OpenBao is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenBao {
    /// Without `/v1`.
    pub url: Url,
    /// Certificates to trust instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// Where namespaces are in use.
    pub namespace: Option<String>,
    /// How we log in.
    pub auth: BaoAuth,
}

/// How we log in to OpenBao. The secrets are in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BaoAuth {
    /// A token that somebody else renews.
    Token(SecretRef),
    /// Mount, role id, secret id.
    AppRole(String, String, SecretRef),
    /// Mount, role, a signed token of the platform.
    Jwt(String, String, SecretRef),
}

/// Which region of AWS, and who we are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Aws {
    /// Such as `eu-central-1`.
    pub region: String,
    /// Other addresses than AWS's own: KMS, Secrets Manager, STS.
    pub urls: [Option<Url>; 3],
    /// Certificates to trust instead of the public ones.
    pub ca_file: Option<PathBuf>,
    /// Who we are.
    pub identity: AwsIdentity,
}

/// Who we are at AWS. The secrets are in files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AwsIdentity {
    /// The machine's role; another address of its metadata, for tests.
    Instance(Option<Url>),
    /// The container's role: an address, and what authorises us there.
    Container(Url, Option<SecretRef>),
    /// A role, and a signed token of the platform.
    WebIdentity(String, SecretRef),
    /// The id of an access key, and the key.
    AccessKey(String, SecretRef),
}

/// Google Cloud. We are who the metadata server says we are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gcp {
    /// The service account.
    pub account: String,
    /// Other addresses than Google's own: KMS, Secret Manager, the metadata server.
    pub urls: [Option<Url>; 3],
    /// Certificates to trust instead of the public ones.
    pub ca_file: Option<PathBuf>,
}

impl Services {
    /// Reads the sections; `None` after a mistake.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Self> {
        let (timeout, poll) = (file.get(keys::SERVICES_TIMEOUT), file.get(keys::SERVICES_POLL));
        let (openbao, aws, gcp) = (openbao(file, base), aws(file, base), gcp(file, base));
        Some(Self {
            openbao: openbao?,
            aws: aws?,
            gcp: gcp?,
            timeout: Duration::from_millis(timeout?),
            poll: Duration::from_secs(poll?),
        })
    }

    /// Every secret that lets us in, with the key that names it.
    pub fn secrets(&self) -> Vec<(&'static str, &SecretRef)> {
        let openbao = self.openbao.as_ref().map(|openbao| match &openbao.auth {
            BaoAuth::Token(secret) => (keys::BAO_TOKEN.path, secret),
            BaoAuth::AppRole(_, _, secret) => (keys::BAO_SECRET_ID.path, secret),
            BaoAuth::Jwt(_, _, secret) => (keys::BAO_JWT.path, secret),
        });
        let aws = self.aws.as_ref().and_then(|aws| match &aws.identity {
            AwsIdentity::Instance(_) | AwsIdentity::Container(_, None) => None,
            AwsIdentity::Container(_, Some(secret)) | AwsIdentity::WebIdentity(_, secret) => {
                Some((keys::AWS_TOKEN.path, secret))
            }
            AwsIdentity::AccessKey(_, secret) => Some((keys::AWS_SECRET_KEY.path, secret)),
        });
        openbao.into_iter().chain(aws).collect()
    }
}

/// The secret that `way` of being let in needs.
fn needed(file: &mut Reader<'_>, key: &Key<FileSecret>, secret: Option<SecretRef>, way: &str) -> Option<SecretRef> {
    if secret.is_none() && !file.has(key) {
        file.complain(key, &format!("is missing; {way} needs it"));
    }
    secret
}

fn openbao(file: &mut Reader<'_>, base: &Path) -> Option<Option<OpenBao>> {
    let (url, ca, namespace) = (
        file.get(keys::BAO_URL),
        file.get(keys::BAO_CA),
        file.get(keys::BAO_NAMESPACE),
    );
    let (auth, mount, role) = (
        file.get(keys::BAO_AUTH),
        file.get(keys::BAO_MOUNT),
        file.get(keys::BAO_ROLE),
    );
    let (token, secret_id, jwt) = (
        file.get(keys::BAO_TOKEN),
        file.get(keys::BAO_SECRET_ID),
        file.get(keys::BAO_JWT),
    );
    if !file.has_section("openbao") {
        return Some(None);
    }
    if !file.has(keys::BAO_URL) {
        file.complain(
            keys::BAO_URL,
            "is missing; nothing else of [openbao] means anything without it",
        );
        return None;
    }
    let auth = auth?;
    if auth != "token" && !file.has(keys::BAO_ROLE) {
        file.complain(
            keys::BAO_ROLE,
            &format!("is missing; openbao.auth = \"{auth}\" needs it"),
        );
        return None;
    }
    let way = format!("openbao.auth = \"{auth}\"");
    let mount = mount.unwrap_or_else(|| auth.to_owned());
    let auth = match auth {
        "token" => BaoAuth::Token(needed(file, keys::BAO_TOKEN, token, &way)?),
        "approle" => BaoAuth::AppRole(mount, role?, needed(file, keys::BAO_SECRET_ID, secret_id, &way)?),
        _ => BaoAuth::Jwt(mount, role?, needed(file, keys::BAO_JWT, jwt, &way)?),
    };
    Some(Some(OpenBao {
        url: url?,
        ca_file: ca.map(|path| base.join(path)),
        namespace,
        auth,
    }))
}

fn aws(file: &mut Reader<'_>, base: &Path) -> Option<Option<Aws>> {
    let (region, ca, identity) = (
        file.get(keys::AWS_REGION),
        file.get(keys::AWS_CA),
        file.get(keys::AWS_IDENTITY),
    );
    let urls = [
        file.get(keys::AWS_KMS_URL),
        file.get(keys::AWS_SECRETS_URL),
        file.get(keys::AWS_STS_URL),
    ];
    let (identity_url, role, token) = (
        file.get(keys::AWS_IDENTITY_URL),
        file.get(keys::AWS_ROLE),
        file.get(keys::AWS_TOKEN),
    );
    let (key_id, secret) = (file.get(keys::AWS_KEY_ID), file.get(keys::AWS_SECRET_KEY));
    if !file.has_section("aws") {
        return Some(None);
    }
    if !file.has(keys::AWS_REGION) {
        file.complain(
            keys::AWS_REGION,
            "is missing; nothing else of [aws] means anything without it",
        );
        return None;
    }
    let identity = identity?;
    let way = format!("aws.identity = \"{identity}\"");
    let identity = match identity {
        "instance" => AwsIdentity::Instance(identity_url),
        "container" => {
            if !file.has(keys::AWS_IDENTITY_URL) {
                file.complain(keys::AWS_IDENTITY_URL, &format!("is missing; {way} needs it"));
            }
            AwsIdentity::Container(identity_url?, token)
        }
        "web-identity" => {
            if !file.has(keys::AWS_ROLE) {
                file.complain(keys::AWS_ROLE, &format!("is missing; {way} needs it"));
            }
            AwsIdentity::WebIdentity(role?, needed(file, keys::AWS_TOKEN, token, &way)?)
        }
        _ => {
            if !file.has(keys::AWS_KEY_ID) {
                file.complain(keys::AWS_KEY_ID, &format!("is missing; {way} needs it"));
            }
            AwsIdentity::AccessKey(key_id?, needed(file, keys::AWS_SECRET_KEY, secret, &way)?)
        }
    };
    Some(Some(Aws {
        region: region?,
        urls,
        ca_file: ca.map(|path| base.join(path)),
        identity,
    }))
}

fn gcp(file: &mut Reader<'_>, base: &Path) -> Option<Option<Gcp>> {
    let (account, ca) = (file.get(keys::GCP_ACCOUNT), file.get(keys::GCP_CA));
    let urls = [
        file.get(keys::GCP_KMS_URL),
        file.get(keys::GCP_SECRETS_URL),
        file.get(keys::GCP_METADATA_URL),
    ];
    if !file.has_section("gcp") {
        return Some(None);
    }
    Some(Some(Gcp {
        account: account?,
        urls,
        ca_file: ca.map(|path| base.join(path)),
    }))
}
