//! Where OpenBao is and how we log in.
use keepgate_outward::Trust;
use url::Url;

use crate::{Credential, Limits};

/// Where OpenBao is and how we log in.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Such as `https://bao.example:8200`, without `/v1`. https; http on the loopback interface only.
    pub url: Url,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// `X-Vault-Namespace`, where namespaces are in use.
    pub namespace: Option<String>,
    /// How we log in.
    pub auth: Auth,
    /// Patience.
    pub limits: Limits,
}

/// How we log in. Mounts are written without slashes at their ends, such as `approle`.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A token that somebody else renews.
    Token(Credential),
    /// A role and its secret id (`auth/MOUNT/login`).
    AppRole {
        /// Usually `approle`.
        mount: String,
        /// Not secret by itself.
        role_id: String,
        /// The secret id.
        secret_id: Credential,
    },
    /// A signed token of the platform (`auth/MOUNT/login`): the methods `jwt` and `kubernetes`.
    Jwt {
        /// Usually `jwt` or `kubernetes`.
        mount: String,
        /// The role there.
        role: String,
        /// The token, such as `/var/run/secrets/kubernetes.io/serviceaccount/token` holds.
        jwt: Credential,
    },
}
