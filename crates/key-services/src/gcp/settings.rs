//! Which addresses, and which account.
use keepgate_outward::Trust;
use url::Url;

use crate::Limits;

/// Which addresses, and which account. We are who the metadata server says we are; there is no key of a service account.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Another address of KMS than `https://cloudkms.googleapis.com`.
    pub kms_url: Option<Url>,
    /// Another address of Secret Manager than `https://secretmanager.googleapis.com`, such as a regional one.
    pub secrets_url: Option<Url>,
    /// Another address of the metadata server than `http://metadata.google.internal`, on the loopback interface.
    pub metadata_url: Option<Url>,
    /// The service account; `default` is the machine's own.
    pub account: String,
    /// Whose certificates are believed.
    pub trust: Trust,
    /// Patience.
    pub limits: Limits,
}
