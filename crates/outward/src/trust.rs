//! Whose certificates are believed.
use rustls::pki_types::{CertificateDer, pem::PemObject};

/// The most certificates that are read from one text.
const MOST: usize = 20;

/// Whose certificates are believed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub enum Trust {
    /// What this machine believes.
    #[default]
    Public,
    /// These authorities and no others.
    Only(Vec<CertificateDer<'static>>),
}

/// A text that holds no certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not 1 to 20 certificates in PEM")]
pub struct BadPem;

impl Trust {
    /// The authorities in `pem`; without one, what this machine believes.
    ///
    /// # Errors
    /// [`BadPem`].
    pub fn from_pem(pem: Option<&str>) -> Result<Self, BadPem> {
        let Some(pem) = pem else { return Ok(Self::Public) };
        let roots: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|_| BadPem)?;
        let mut store = rustls::RootCertStore::empty();
        let usable = roots.iter().all(|root| store.add(root.clone()).is_ok());
        if usable && (1..=MOST).contains(&roots.len()) {
            Ok(Self::Only(roots))
        } else {
            Err(BadPem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_certificates_are_authorities() {
        let made = rcgen::generate_simple_self_signed(["siem.example".to_owned()]).unwrap();
        let pem = made.cert.pem();
        assert!(matches!(Trust::from_pem(Some(&pem)), Ok(Trust::Only(roots)) if roots.len() == 1));
        assert_eq!(Trust::from_pem(None), Ok(Trust::Public));
        let key = made.signing_key.serialize_pem();
        let torn = pem.replace("MII", "AAA");
        for bad in ["", "nonsense", key.as_str(), torn.as_str(), pem.repeat(21).as_str()] {
            assert_eq!(Trust::from_pem(Some(bad)), Err(BadPem), "{bad:.30}");
        }
    }
}
