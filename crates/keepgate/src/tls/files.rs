//! Certificates and keys as PEM.
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The authority's certificate, for clients to trust.
pub const CA_CERT: &str = "ca.pem";
/// The authority's key.
pub const CA_KEY: &str = "ca.key";
/// The certificate that is served, and the authority's behind it.
pub const LEAF_CERT: &str = "leaf.pem";
/// Its key.
pub const LEAF_KEY: &str = "leaf.key";

/// A certificate chain, leaf first, and the leaf's key. The key has no `Debug` that shows it.
#[derive(Debug)]
pub struct Chain {
    /// Leaf first.
    pub certs: Vec<CertificateDer<'static>>,
    /// The leaf's key.
    pub key: PrivateKeyDer<'static>,
}

/// Reads a chain and a key; in words what is wrong with them.
pub fn parse(certs: &[u8], key: &[u8]) -> Result<Chain, String> {
    let certs: Vec<_> = CertificateDer::pem_slice_iter(certs)
        .collect::<Result<_, _>>()
        .map_err(|_| "the certificate file is damaged".to_owned())?;
    if certs.is_empty() {
        return Err("the certificate file holds no certificate".into());
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| "the key file holds no private key".to_owned())?;
    Ok(Chain { certs, key })
}
