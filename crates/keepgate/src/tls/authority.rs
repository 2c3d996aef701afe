//! The development certificate: an authority of this data directory alone, and a leaf for this machine's own names.
//!
//! Nobody trusts it unless told to. It is valid for 90 days and replaced when less than 30 are left.
use std::{fs, io, path::Path, sync::Arc};

use chrono::{Datelike, Days};
use keepgate_kernel::Timestamp;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use rustls::{
    RootCertStore,
    client::{WebPkiServerVerifier, danger::ServerCertVerifier},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

use super::files::{self, CA_CERT, CA_KEY, Chain, LEAF_CERT, LEAF_KEY};
use crate::{
    exit::Exit,
    failure::{Failure, chain},
    secrets::{PrivateFile, write_private},
};

const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const LEAF_DAYS: u64 = 90;
const RENEW_DAYS: u64 = 30;
const CA_DAYS: u64 = 3650;

/// The chain in `dir`, made or renewed if need be.
pub fn ensure_leaf(dir: &Path, now: Timestamp) -> Result<Chain, Failure> {
    if let Some(good) = current(dir, now)? {
        return Ok(good);
    }
    let (ca_cert, ca_key) = ensure_authority(dir, now)?;
    let (cert, key) = issue_leaf(&ca_key, now).map_err(|error| failed(dir, &error))?;
    let chain_pem = format!("{cert}{ca_cert}");
    // The key first: a leaf without its key would be made again, a key without its leaf too.
    write(dir, LEAF_KEY, key.as_bytes())?;
    write(dir, LEAF_CERT, chain_pem.as_bytes())?;
    files::parse(chain_pem.as_bytes(), key.as_bytes())
        .map_err(|why| Failure::new(Exit::Failed, "can't make a development certificate", why, "report this"))
}

/// The chain in `dir` if it is whole and will hold for another 30 days.
pub fn current(dir: &Path, now: Timestamp) -> Result<Option<Chain>, Failure> {
    let (Some(ca), Some(_), Some(cert), Some(key)) = (
        read(dir, CA_CERT)?,
        read(dir, CA_KEY)?,
        read(dir, LEAF_CERT)?,
        read(dir, LEAF_KEY)?,
    ) else {
        return Ok(None);
    };
    let chain = files::parse(&cert, &key).ok();
    Ok(chain.filter(|chain| will_be_accepted(chain, &String::from_utf8_lossy(&ca), now, RENEW_DAYS)))
}

/// The authority's certificate and key, both PEM.
fn ensure_authority(dir: &Path, now: Timestamp) -> Result<(String, String), Failure> {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).ok();
    if let (Some(cert), Some(key)) = (read(dir, CA_CERT)?.and_then(text), read(dir, CA_KEY)?.and_then(text)) {
        return Ok((cert, key));
    }
    let made = || -> Result<_, rcgen::Error> {
        let key = KeyPair::generate()?;
        let cert = authority_params(now).self_signed(&key)?;
        Ok((cert.pem(), key.serialize_pem()))
    };
    let (cert, key) = made().map_err(|error| failed(dir, &error))?;
    write(dir, CA_KEY, key.as_bytes())?;
    write(dir, CA_CERT, cert.as_bytes())?;
    Ok((cert, key))
}

fn authority_params(now: Timestamp) -> CertificateParams {
    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "Keepgate development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid_for(&mut params, now, CA_DAYS);
    params
}

fn issue_leaf(ca_key: &str, now: Timestamp) -> Result<(String, String), rcgen::Error> {
    let issuer = Issuer::new(authority_params(now), KeyPair::from_pem(ca_key)?);
    let mut params = CertificateParams::new(NAMES.map(String::from))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "Keepgate development");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    valid_for(&mut params, now, LEAF_DAYS);
    let key = KeyPair::generate()?;
    Ok((params.signed_by(&key, &issuer)?.pem(), key.serialize_pem()))
}

/// From yesterday, for clocks that are behind, whole days.
fn valid_for(params: &mut CertificateParams, now: Timestamp, days: u64) {
    let day = |at: Timestamp| {
        let month = u8::try_from(at.month()).unwrap_or(1);
        rcgen::date_time_ymd(at.year(), month, u8::try_from(at.day()).unwrap_or(1))
    };
    params.not_before = day(now.checked_sub_days(Days::new(1)).unwrap_or(now));
    params.not_after = day(now.checked_add_days(Days::new(days)).unwrap_or(now));
}

/// Whether a client that trusts the authority would accept the leaf, `days` from now, for every name of this machine.
fn will_be_accepted(chain: &Chain, ca_cert: &str, now: Timestamp, days: u64) -> bool {
    super::install_provider();
    let mut roots = RootCertStore::empty();
    let trusted = CertificateDer::from_pem_slice(ca_cert.as_bytes()).is_ok_and(|ca| roots.add(ca).is_ok());
    let Ok(verifier) = WebPkiServerVerifier::builder(Arc::new(roots)).build() else {
        return false;
    };
    let at = now.checked_add_days(Days::new(days)).unwrap_or(now).timestamp();
    let at = UnixTime::since_unix_epoch(std::time::Duration::from_secs(at.try_into().unwrap_or(u64::MAX)));
    let Some((leaf, rest)) = chain.certs.split_first() else {
        return false;
    };
    trusted
        && NAMES.iter().all(|name| {
            ServerName::try_from(*name)
                .is_ok_and(|name| verifier.verify_server_cert(leaf, rest, &name, &[], at).is_ok())
        })
}

/// `None` if the file is missing.
fn read(dir: &Path, name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let path = dir.join(name);
    if let Err(error) = fs::symlink_metadata(&path)
        && error.kind() == io::ErrorKind::NotFound
    {
        return Ok(None);
    }
    PrivateFile::open(&path)
        .and_then(PrivateFile::read)
        .map(Some)
        .map_err(|error| {
            Failure::new(
                Exit::KeyFile,
                "can't use the development certificate",
                error.to_string(),
                error.help(),
            )
        })
}

fn write(dir: &Path, name: &str, content: &[u8]) -> Result<(), Failure> {
    let path = dir.join(name);
    write_private(&path, content).map_err(|error| Failure::io(format!("can't write {}", path.display()), &error))
}

fn failed(dir: &Path, error: &rcgen::Error) -> Failure {
    Failure::new(
        Exit::KeyFile,
        "can't make a development certificate",
        chain(error),
        format!("move {} away and start again, or configure [tls]", dir.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn at(day: &str) -> Timestamp {
        format!("{day}T12:00:00Z").parse().unwrap()
    }

    fn leaf(dir: &Path) -> Vec<u8> {
        fs::read(dir.join(LEAF_CERT)).unwrap()
    }

    #[test]
    fn a_client_that_trusts_the_authority_accepts_the_leaf_by_every_name() {
        let dir = tempfile::tempdir().unwrap();
        let chain = ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        let ca = fs::read_to_string(dir.path().join(CA_CERT)).unwrap();
        assert!(will_be_accepted(&chain, &ca, at("2026-03-01"), 0));
        assert!(will_be_accepted(&chain, &ca, at("2026-03-01"), 89));
        assert!(!will_be_accepted(&chain, &ca, at("2026-03-01"), 91));
        assert!(super::super::server::config(chain).is_ok());
    }

    #[test]
    fn every_file_is_private() {
        let dir = tempfile::tempdir().unwrap();
        ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        for name in [CA_CERT, CA_KEY, LEAF_CERT, LEAF_KEY] {
            assert_eq!(
                fs::metadata(dir.path().join(name)).unwrap().permissions().mode() & 0o777,
                0o600,
                "{name}"
            );
        }
    }

    #[test]
    fn the_leaf_is_renewed_when_less_than_thirty_days_are_left_and_the_authority_stays() {
        let dir = tempfile::tempdir().unwrap();
        ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        let (first, ca) = (leaf(dir.path()), fs::read(dir.path().join(CA_CERT)).unwrap());
        ensure_leaf(dir.path(), at("2026-04-28")).unwrap();
        assert_eq!(leaf(dir.path()), first, "32 days left");
        let renewed = ensure_leaf(dir.path(), at("2026-05-02")).unwrap();
        assert_ne!(leaf(dir.path()), first, "28 days left");
        assert_eq!(fs::read(dir.path().join(CA_CERT)).unwrap(), ca);
        let ca = String::from_utf8(ca).unwrap();
        assert!(
            will_be_accepted(&renewed, &ca, at("2026-05-02"), 80),
            "clients that trust the authority notice nothing"
        );
    }

    #[test]
    fn a_damaged_or_half_written_leaf_is_made_again() {
        let dir = tempfile::tempdir().unwrap();
        ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        write_private(&dir.path().join(LEAF_CERT), b"nonsense").unwrap();
        ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        fs::remove_file(dir.path().join(LEAF_KEY)).unwrap();
        let chain = ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        assert!(super::super::server::config(chain).is_ok());
    }

    #[test]
    fn a_key_that_others_may_read_ends_with_code_4() {
        let dir = tempfile::tempdir().unwrap();
        ensure_leaf(dir.path(), at("2026-03-01")).unwrap();
        fs::set_permissions(dir.path().join(CA_KEY), fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            ensure_leaf(dir.path(), at("2026-03-01")).unwrap_err().exit,
            Exit::KeyFile
        );
    }
}
