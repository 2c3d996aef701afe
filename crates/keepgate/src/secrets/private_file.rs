//! Files that only we may read.
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// More than any secret; a larger file is a mistake.
const LARGEST: u64 = 64 * 1024;

/// Why a file is not fit to hold a secret. The message names the file and the rule, and `help` the way out.
#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    /// Nothing there.
    #[error("{} does not exist", .0.display())]
    Missing(PathBuf),
    /// A link could be pointed elsewhere by whoever owns the directory.
    #[error("{} is a symbolic link", .0.display())]
    Link(PathBuf),
    /// A directory, a pipe, a device.
    #[error("{} is not a regular file", .0.display())]
    NotAFile(PathBuf),
    /// Others may read or write it.
    #[error("{} has mode {mode:04o}, so others may use it", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Somebody else owns it and may change it.
    #[error("{} belongs to uid {owner}, and keepgate runs as uid {us}", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// Its owner.
        owner: u32,
        /// Our effective user.
        us: u32,
    },
    /// Not a secret's size.
    #[error("{} has {bytes} bytes, {expected}", path.display())]
    Size {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
        /// What it should have.
        expected: &'static str,
    },
    /// A system call failed.
    #[error("can't read {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PrivateFileError {
    /// What to do about it.
    pub fn help(&self) -> String {
        match self {
            Self::Missing(path) => format!("restore {} from your backup, or correct the path", path.display()),
            Self::Link(path) | Self::NotAFile(path) => format!("put the file itself at {}", path.display()),
            Self::Open { path, .. } => format!(
                "run `chmod 600 {}`, and replace the secret if others were there",
                path.display()
            ),
            Self::Foreign { path, us, .. } => {
                format!("run `chown {us} {}`, or run keepgate as its owner", path.display())
            }
            Self::Size { path, .. } => format!("restore {} from your backup", path.display()),
            Self::Io { path, .. } => format!("check {} and the directories above it", path.display()),
        }
    }
}

/// An open file of ours, mode 0600 or 0400.
#[derive(Debug)]
pub struct PrivateFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl PrivateFile {
    /// Opens `path`, whose last part must not be a symbolic link.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    pub fn open(path: &Path) -> Result<Self, PrivateFileError> {
        Self::check(path, OFlags::NOFOLLOW)
    }

    /// The same, but a link is followed (mounted secrets are links): what counts is the file it leads to.
    ///
    /// # Errors
    /// [`PrivateFileError`].
    pub fn open_linked(path: &Path) -> Result<Self, PrivateFileError> {
        Self::check(path, OFlags::empty())
    }

    /// Looks at the open file and not at the path: what was checked is what is read.
    fn check(path: &Path, flags: OFlags) -> Result<Self, PrivateFileError> {
        let mut options = File::options();
        // Non-blocking, or opening a pipe would wait for ever.
        let flags = (flags | OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
        let file = options
            .read(true)
            .custom_flags(flags)
            .open(path)
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => PrivateFileError::Missing(path.into()),
                _ if is_loop(&source) => PrivateFileError::Link(path.into()),
                _ => PrivateFileError::Io {
                    path: path.into(),
                    source,
                },
            })?;
        let meta = file.metadata().map_err(|source| PrivateFileError::Io {
            path: path.into(),
            source,
        })?;
        if !meta.is_file() {
            return Err(PrivateFileError::NotAFile(path.into()));
        }
        let us = rustix::process::geteuid().as_raw();
        if meta.uid() != us {
            return Err(PrivateFileError::Foreign {
                path: path.into(),
                owner: meta.uid(),
                us,
            });
        }
        let mode = meta.mode() & 0o7777;
        if mode & !0o600 != 0 {
            return Err(PrivateFileError::Open {
                path: path.into(),
                mode,
            });
        }
        Ok(Self {
            path: path.into(),
            file,
            length: meta.len(),
        })
    }

    /// The permission bits of `path`, fit or not.
    ///
    /// # Errors
    /// Those of the system.
    pub fn mode_of(path: &Path) -> io::Result<u32> {
        fs::metadata(path).map(|meta| meta.mode() & 0o7777)
    }

    /// What the system tells about the open file.
    ///
    /// # Errors
    /// Those of the system.
    pub fn meta(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }

    /// The whole content, at most 64 KiB.
    ///
    /// # Errors
    /// [`PrivateFileError::Size`] and [`PrivateFileError::Io`].
    pub fn read(self) -> Result<Vec<u8>, PrivateFileError> {
        if self.length > LARGEST {
            return Err(PrivateFileError::Size {
                path: self.path,
                bytes: self.length,
                expected: "more than any secret",
            });
        }
        let mut content = Vec::new();
        match self.file.take(LARGEST).read_to_end(&mut content) {
            Ok(_) => Ok(content),
            Err(source) => Err(PrivateFileError::Io {
                path: self.path,
                source,
            }),
        }
    }
}

/// What opening a symbolic link gives when links are not followed (ELOOP).
pub fn is_loop(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

/// Writes a new file of mode 0600 under a temporary name, syncs it, and gives it its name in one step. An existing file
/// is replaced.
///
/// # Errors
/// Those of the system.
pub fn write_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let dir = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let new = dir.join(name);
    let _ = fs::remove_file(&new);
    let written = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()?;
            fs::rename(&new, path)
        });
    if written.is_err() {
        let _ = fs::remove_file(&new);
    }
    written?;
    File::open(dir)?.sync_all()
}

/// Makes `dir` a directory of mode 0700; its parents get the usual mode.
///
/// # Errors
/// Those of the system.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    if let Some(parent) = dir.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::DirBuilder::new().mode(0o700).create(dir) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o700))
        }
        made => made,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(dir: &Path, mode: u32) -> PathBuf {
        let path = dir.join(format!("secret-{mode:o}"));
        fs::write(&path, "hunter2").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn only_modes_0600_and_0400_are_private() {
        let dir = tempfile::tempdir().unwrap();
        for mode in [0o600, 0o400] {
            assert_eq!(
                PrivateFile::open(&file(dir.path(), mode)).unwrap().read().unwrap(),
                b"hunter2"
            );
        }
        for mode in [0o640, 0o604, 0o620, 0o700, 0o644, 0o4600] {
            let said = PrivateFile::open(&file(dir.path(), mode)).unwrap_err();
            assert!(
                matches!(&said, PrivateFileError::Open { mode: seen, .. } if *seen == mode),
                "{mode:o}: {said}"
            );
            assert!(said.help().contains("chmod 600"));
        }
    }

    #[test]
    fn a_link_is_refused_unless_links_are_asked_for() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(file(dir.path(), 0o600), &link).unwrap();
        assert!(matches!(PrivateFile::open(&link), Err(PrivateFileError::Link(_))));
        assert_eq!(PrivateFile::open_linked(&link).unwrap().read().unwrap(), b"hunter2");
    }

    #[test]
    fn missing_files_directories_and_huge_files_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        assert!(matches!(
            PrivateFile::open(&dir.path().join("none")),
            Err(PrivateFileError::Missing(_))
        ));
        assert!(matches!(
            PrivateFile::open(dir.path()),
            Err(PrivateFileError::NotAFile(_))
        ));
        let huge = file(dir.path(), 0o600);
        fs::write(&huge, vec![0; 65_537]).unwrap();
        assert!(matches!(
            PrivateFile::open(&huge).unwrap().read(),
            Err(PrivateFileError::Size { .. })
        ));
    }

    #[test]
    fn a_file_of_another_user_is_refused() {
        // Only root can make one; for others the system's own file will do.
        let path = Path::new("/etc/passwd");
        let us = rustix::process::geteuid().as_raw();
        let said = if us == 0 {
            let dir = tempfile::tempdir().unwrap();
            let path = file(dir.path(), 0o600);
            std::os::unix::fs::chown(&path, Some(54_321), None).unwrap();
            PrivateFile::open(&path).unwrap_err()
        } else {
            PrivateFile::open(path).unwrap_err()
        };
        assert!(matches!(said, PrivateFileError::Foreign { .. }), "{said}");
    }

    #[test]
    fn a_written_file_is_private_and_replaces_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = file(dir.path(), 0o644);
        write_private(&path, b"new").unwrap();
        assert_eq!(PrivateFile::open(&path).unwrap().read().unwrap(), b"new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_private_directory_is_0700_even_if_it_was_open() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("a/b");
        create_private_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        create_private_dir(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o700);
    }
}
