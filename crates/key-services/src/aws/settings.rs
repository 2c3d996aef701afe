//! Which region, which addresses, and who we are there.
use keepgate_outward::Trust;
use url::Url;

use crate::{Credential, Limits};

/// Which region, which addresses, and who we are there.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Such as `eu-central-1`.
    pub region: String,
    /// Another address of KMS than `https://kms.REGION.amazonaws.com`, such as an endpoint of the own network.
    pub kms_url: Option<Url>,
    /// Another address of Secrets Manager than `https://secretsmanager.REGION.amazonaws.com`.
    pub secrets_url: Option<Url>,
    /// Another address of STS than `https://sts.REGION.amazonaws.com`.
    pub sts_url: Option<Url>,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Who we are.
    pub identity: Identity,
    /// Patience.
    pub limits: Limits,
}

/// Who we are.
#[derive(Debug, Clone)]
pub enum Identity {
    /// The role of the machine (EC2 instance metadata, version 2 only). The address is a setting for tests.
    Instance {
        /// Another address than `http://169.254.169.254`, on the loopback interface.
        url: Option<Url>,
    },
    /// The role of the container (ECS, EKS pod identity): what `AWS_CONTAINER_CREDENTIALS_FULL_URI` says, and the token in
    /// `AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE`.
    Container {
        /// On `169.254.170.2`, `169.254.170.23`, `[fd00:ec2::23]`, the loopback interface, or by https.
        url: Url,
        /// What authorises us there, if anything must.
        token: Option<Credential>,
    },
    /// A role taken on by a signed token of the platform (`AssumeRoleWithWebIdentity`).
    WebIdentity {
        /// The role.
        role_arn: String,
        /// The token, such as `AWS_WEB_IDENTITY_TOKEN_FILE` holds.
        token: Credential,
    },
    /// An access key of a user.
    AccessKey {
        /// Such as `AKIA…`. Not secret.
        id: String,
        /// The secret access key.
        secret: Credential,
        /// The session token of temporary credentials.
        session_token: Option<Credential>,
    },
}
