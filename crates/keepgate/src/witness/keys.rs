//! The keys of a witness: one seed in a private file, made on the first start, and a key of each scheme from it.
use std::{io, path::Path};

use aws_lc_rs::{hkdf, rand};
use keepgate_merkle::{
    cosignature::{Cosigner, Scheme},
    note::KeyName,
};
use zeroize::Zeroizing;

use crate::{
    exit::Exit,
    failure::Failure,
    secrets::{PrivateFile, PrivateFileError, write_private},
};

const SEED: usize = 32;

/// Both keys of the witness `name`, Ed25519 first.
///
/// # Errors
/// Exit code 4 when the file is open to others, not ours, or has the wrong size.
pub fn cosigners(dir: &Path, name: &KeyName) -> Result<Vec<Cosigner>, Failure> {
    let path = dir.join("key");
    let failed = |error: PrivateFileError| {
        Failure::new(
            Exit::KeyFile,
            "can't use the witness's key",
            error.to_string(),
            error.help(),
        )
    };
    let seed = match PrivateFile::open(&path) {
        Err(PrivateFileError::Missing(_)) => make(&path)?,
        other => Zeroizing::new(other.and_then(PrivateFile::read).map_err(failed)?),
    };
    let seed: &[u8; SEED] = seed.as_slice().try_into().map_err(|_| {
        let why = format!("{} has {} bytes, a seed has {SEED}", path.display(), seed.len());
        Failure::new(
            Exit::KeyFile,
            "can't use the witness's key",
            why,
            "restore the file from your backup",
        )
    })?;
    [
        (Scheme::Ed25519, b"ed25519".as_slice()),
        (Scheme::MlDsa44, b"ml-dsa-44"),
    ]
    .into_iter()
    .map(|(scheme, label)| cosigner(name, scheme, seed, label))
    .collect()
}

fn cosigner(name: &KeyName, scheme: Scheme, seed: &[u8; SEED], label: &[u8]) -> Result<Cosigner, Failure> {
    let broken = |why: &str| Failure::new(Exit::KeyFile, "can't use the witness's key", why, "report this");
    let mut derived = Zeroizing::new([0; SEED]);
    // RFC 5869: a key of each scheme, none of which tells anything about the other.
    hkdf::Salt::new(hkdf::HKDF_SHA256, b"keepgate witness v1")
        .extract(seed)
        .expand(&[label], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(derived.as_mut()))
        .map_err(|_| broken("no key can be derived"))?;
    Cosigner::from_seed(name.clone(), scheme, &derived).map_err(|error| broken(&error.to_string()))
}

fn make(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut seed = Zeroizing::new(vec![0; SEED]);
    rand::fill(&mut seed).map_err(|_| {
        Failure::new(
            Exit::Failed,
            "can't make the witness's key",
            "the system gives no randomness",
            "try again",
        )
    })?;
    write_private(path, &seed)
        .map_err(|error: io::Error| Failure::io(format!("can't write {}", path.display()), &error))?;
    Ok(seed)
}
