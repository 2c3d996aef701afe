//! Who was erased and which data keys were destroyed, as files: `<data directory>/erased/<tenant>/<subject>`, one for each person, and
//! `<data directory>/erased/<tenant>/key-<version>`, one for each key, holding the time and the proof with which an older database
//! ends it again.
//!
//! Numbers only, and proofs that open nothing, so the directory may be copied anywhere, and should be: it is what a database from before an erasure is compared
//! with. A file appears whole or not at all, and is on the disk before the erasure is answered.
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use async_trait::async_trait;
use data_encoding::HEXLOWER;
use keepgate_crypto_keys::{EndProof, EndedKey};
use keepgate_gate::{Gate, Tombstones, Tx};
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid, format_time};

use crate::{
    config::Config,
    exit::Exit,
    failure::{Failure, chain},
};

/// Whom an older database has brought back is erased again before anybody is served; the two are compared every minute from then on.
///
/// # Errors
/// Exit code 1 when the directory or the database can't be read.
pub async fn keep_erased(
    config: &Config,
    gate: &Gate<dyn Tx>,
    platform: TenantId,
) -> Result<Arc<dyn Tombstones>, Failure> {
    let tombstones: Arc<dyn Tombstones> = Arc::new(DirectoryTombstones::new(config.data_dir.join("erased")));
    let settled = gate.settle_erasures(&tombstones, platform).await;
    let days = config.audit_strangers;
    let settled = match settled {
        Ok(_) => gate.end_strangers(days, platform).await,
        Err(error) => Err(error),
    };
    let settled = match settled {
        Ok(_) => gate.settle_keys(&tombstones, platform).await,
        Err(error) => Err(error),
    };
    settled.map_err(|error| {
        Failure::new(
            Exit::Failed,
            "can't compare the erasures in the database with their copies",
            chain(&error),
            "make `erased` in the data directory readable and writable for keepgate, see docs/security/erasure.md",
        )
    })?;
    Ok(tombstones)
}

/// What the name of a key's file begins with.
const KEY: &str = "key-";

/// The directory.
#[derive(Debug, Clone)]
pub struct DirectoryTombstones {
    root: PathBuf,
}

impl DirectoryTombstones {
    /// In `root`, which is made when it is first needed.
    pub const fn new(root: PathBuf) -> Self {
        Self { root }
    }
}

#[async_trait]
impl Tombstones for DirectoryTombstones {
    async fn keep(&self, tenant: TenantId, subject: PrincipalId, erased_at: Timestamp) -> io::Result<()> {
        let directory = self.root.join(tenant.uuid().to_string());
        let name = subject.uuid().to_string();
        let text = format!("{}\n", format_time(erased_at));
        blocking(move || write(&directory, &name, text.as_bytes())).await
    }

    async fn all(&self) -> io::Result<Vec<(TenantId, PrincipalId)>> {
        let root = self.root.clone();
        blocking(move || read(&root)).await
    }

    async fn keep_key(&self, tenant: TenantId, ended: &EndedKey) -> io::Result<()> {
        let directory = self.root.join(tenant.uuid().to_string());
        let name = format!("{KEY}{}", ended.version);
        let line = format!("{} {}\n", format_time(ended.at), HEXLOWER.encode(&ended.proof.0));
        blocking(move || add(&directory, &name, &line)).await
    }

    async fn all_keys(&self) -> io::Result<Vec<(TenantId, i32, EndProof)>> {
        let root = self.root.clone();
        blocking(move || read_keys(&root)).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

fn write(directory: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    if directory.join(name).try_exists()? {
        return Ok(());
    }
    replace(directory, name, text)
}

/// Adds a line, unless it is there.
fn add(directory: &Path, name: &str, line: &str) -> io::Result<()> {
    let kept = match fs::read_to_string(directory.join(name)) {
        Ok(kept) => kept,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    if kept.lines().any(|one| one == line.trim_end()) {
        return Ok(());
    }
    replace(directory, name, format!("{kept}{line}").as_bytes())
}

fn replace(directory: &Path, name: &str, text: &[u8]) -> io::Result<()> {
    let path = directory.join(name);
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    // Two writers at once would say the same; each has a file of its own until then.
    let unfinished = directory.join(format!("{name}.{}.new", std::process::id()));
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(text)?;
    file.sync_all()?;
    fs::rename(&unfinished, &path)?;
    // The names are on the disk as well: this one, and the directory's own.
    File::open(directory)?.sync_all()?;
    directory.parent().map_or(Ok(()), |root| File::open(root)?.sync_all())
}

fn read(root: &Path) -> io::Result<Vec<(TenantId, PrincipalId)>> {
    let mut all = Vec::new();
    for (tenant, directory) in numbered(root)? {
        for (subject, _) in numbered(&directory)? {
            let subject = PrincipalId::from_parts(PrincipalKind::User, subject);
            all.push((TenantId::from_uuid(tenant), subject));
        }
    }
    Ok(all)
}

fn read_keys(root: &Path) -> io::Result<Vec<(TenantId, i32, EndProof)>> {
    let mut all = Vec::new();
    for (tenant, directory) in numbered(root)? {
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            let name = entry.file_name();
            let version = name.to_str().and_then(|name| name.strip_prefix(KEY)?.parse().ok());
            let Some(version) = version else { continue };
            for line in fs::read_to_string(entry.path())?.lines() {
                let proof = proof_in(line).ok_or_else(|| {
                    let told = format!("{} holds no proof of the key's end", entry.path().display());
                    io::Error::new(io::ErrorKind::InvalidData, told)
                })?;
                all.push((TenantId::from_uuid(tenant), version, proof));
            }
        }
    }
    all.sort_unstable();
    Ok(all)
}

fn proof_in(line: &str) -> Option<EndProof> {
    let (_, proof) = line.split_once(' ')?;
    HEXLOWER.decode(proof.as_bytes()).ok()?.try_into().ok().map(EndProof)
}

/// What lies in a directory under a number; files that were not finished, and others' files, are no number.
fn numbered(directory: &Path) -> io::Result<Vec<(Uuid, PathBuf)>> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Some(number) = entry.file_name().to_str().and_then(|name| name.parse().ok()) {
            found.push((number, entry.path()));
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn ids(n: u128) -> (TenantId, PrincipalId) {
        let subject = PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(n));
        (TenantId::from_uuid(Uuid::from_u128(1000 + n % 2)), subject)
    }

    #[tokio::test]
    async fn what_was_kept_is_there_for_whoever_starts_next() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("data/erased");
        let first = DirectoryTombstones::new(root.clone());
        assert_eq!(first.all().await.unwrap(), []);
        let at = "2026-01-02T03:04:05Z".parse().unwrap();
        for n in [1, 2, 3, 3] {
            let (tenant, subject) = ids(n);
            first.keep(tenant, subject, at).await.unwrap();
        }
        fs::write(root.join("README"), "not a number").unwrap();
        for (version, proof) in [(2, 1), (10, 1), (2, 1), (2, 7)] {
            let proof = EndProof([proof; 32]);
            let ended = EndedKey { version, at, proof };
            first.keep_key(ids(1).0, &ended).await.unwrap();
        }
        let keys = [(2, 1), (2, 7), (10, 1)].map(|(version, proof)| (ids(1).0, version, EndProof([proof; 32])));
        assert_eq!(first.all_keys().await.unwrap(), keys);
        let mut all = DirectoryTombstones::new(root.clone()).all().await.unwrap();
        all.sort_by_key(|(_, subject)| subject.uuid());
        assert_eq!(all, [ids(1), ids(2), ids(3)]);
        let file = root.join(ids(1).0.uuid().to_string()).join(ids(1).1.uuid().to_string());
        assert_eq!(fs::read_to_string(&file).unwrap(), "2026-01-02T03:04:05.000000Z\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(
            fs::read_dir(file.parent().unwrap()).unwrap().count(),
            4,
            "nothing unfinished"
        );
    }

    #[tokio::test]
    async fn a_medium_that_fails_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("erased");
        fs::write(&root, "a file").unwrap();
        let tombstones = DirectoryTombstones::new(root);
        let (tenant, subject) = ids(1);
        assert!(tombstones.all().await.is_err() && tombstones.all_keys().await.is_err());
        assert!(tombstones.keep(tenant, subject, Timestamp::UNIX_EPOCH).await.is_err());
    }
}
