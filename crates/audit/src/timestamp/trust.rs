//! Whose word about time counts.
use der::asn1::ObjectIdentifier;
use rustls_pki_types::{CertificateDer, TrustAnchor, pem::PemObject};

/// The roots that an authority's certificate must lead to, and the policy it must stamp under, if one is asked for.
#[derive(Debug, Clone)]
pub struct Trust {
    pub(super) roots: Vec<TrustAnchor<'static>>,
    pub(super) policy: Option<ObjectIdentifier>,
}

/// Why nobody can be trusted that way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTrust {
    /// The file holds no certificate, or one that can't be a root.
    #[error("there is no usable certificate in the file")]
    Roots,
    /// The policy is no object identifier.
    #[error("the policy is no object identifier, such as `1.2.3.4.1`")]
    Policy,
}

impl Trust {
    /// In the certificates of a PEM file, under any policy.
    ///
    /// # Errors
    /// [`BadTrust::Roots`].
    pub fn from_pem(pem: &[u8]) -> Result<Self, BadTrust> {
        let mut roots = Vec::new();
        for found in CertificateDer::pem_slice_iter(pem) {
            let certificate = found.map_err(|_| BadTrust::Roots)?;
            let root = webpki::anchor_from_trusted_cert(&certificate).map_err(|_| BadTrust::Roots)?;
            roots.push(root.to_owned());
        }
        if roots.is_empty() {
            return Err(BadTrust::Roots);
        }
        Ok(Self { roots, policy: None })
    }

    /// The same for stamps under this policy only.
    ///
    /// # Errors
    /// [`BadTrust::Policy`].
    pub fn under(self, policy: &str) -> Result<Self, BadTrust> {
        let policy = policy.parse().map_err(|_| BadTrust::Policy)?;
        Ok(Self {
            policy: Some(policy),
            ..self
        })
    }
}
