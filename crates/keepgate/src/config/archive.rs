//! `audit.archive_*`: where old months of the audit logs go.
use std::path::{Path, PathBuf};

use url::Url;

use super::{keys, reader::Reader};
use crate::secrets::SecretRef;

/// Where archives go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ArchivePlace {
    /// An existing directory.
    Directory(PathBuf),
    /// A bucket of an S3-compatible store.
    Bucket(Box<ArchiveBucket>),
}

/// A bucket, and how to be let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArchiveBucket {
    /// Store, bucket and prefix, as in `https://s3.example/logs/keepgate`.
    pub url: Url,
    /// The store's region.
    pub region: String,
    /// Who asks.
    pub access_key: String,
    /// What proves it.
    pub secret_key: SecretRef,
    /// Certificates to trust instead of the public ones.
    pub ca_file: Option<PathBuf>,
}

impl ArchivePlace {
    /// Reads the keys. The outer `None` after a mistake, the inner one when nothing is archived.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Option<Self>> {
        let (directory, url) = (file.get(keys::AUDIT_ARCHIVE), file.get(keys::ARCHIVE_URL));
        let (region, access) = (file.get(keys::ARCHIVE_REGION), file.get(keys::ARCHIVE_ACCESS_KEY));
        let (secret, ca) = (file.get(keys::ARCHIVE_SECRET_KEY), file.get(keys::ARCHIVE_CA));
        if file.has(keys::AUDIT_ARCHIVE) && file.has(keys::ARCHIVE_URL) {
            file.complain(
                keys::ARCHIVE_URL,
                "can't be used beside audit.archive_dir: archives go to one place",
            );
            return None;
        }
        if !file.has(keys::ARCHIVE_URL) {
            if file.has(keys::ARCHIVE_ACCESS_KEY) || file.has(keys::ARCHIVE_SECRET_KEY) || file.has(keys::ARCHIVE_CA) {
                file.complain(
                    keys::ARCHIVE_URL,
                    "is missing; the other archive keys mean nothing without it",
                );
                return None;
            }
            if directory.is_none() && file.has(keys::AUDIT_ARCHIVE) {
                return None;
            }
            return Some(directory.map(|directory| Self::Directory(base.join(directory))));
        }
        if !file.has(keys::ARCHIVE_ACCESS_KEY) || !file.has(keys::ARCHIVE_SECRET_KEY) {
            file.complain(
                keys::ARCHIVE_URL,
                "needs audit.archive_access_key and audit.archive_secret_key",
            );
            return None;
        }
        Some(Some(Self::Bucket(Box::new(ArchiveBucket {
            url: url?,
            region: region?,
            access_key: access?,
            secret_key: secret?,
            ca_file: ca.map(|path| base.join(path)),
        }))))
    }
}
