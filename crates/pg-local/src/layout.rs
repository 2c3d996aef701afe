//! The paths inside a data directory.

use std::{
    fs,
    os::unix::fs::{DirBuilderExt, PermissionsExt, chown},
    path::{Path, PathBuf},
};

use crate::{StartError, endpoint::SOCKET, error::Doing, user::ServerUser};

/// What `sockaddr_un` holds without its closing zero byte.
const SOCKET_LIMIT: usize = if cfg!(target_os = "linux") { 107 } else { 103 };

#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub dir: PathBuf,
    /// The cluster.
    pub pgdata: PathBuf,
    /// Where `initdb` works; renamed to `pgdata` when it is done.
    pub unfinished: PathBuf,
    /// The socket's directory.
    pub run: PathBuf,
    /// The generated passwords.
    pub pgpass: PathBuf,
    pub log: PathBuf,
}

impl Layout {
    /// `dir` has its symbolic links resolved.
    pub fn of(dir: &Path) -> Result<Self, StartError> {
        let run = dir.join("run");
        let socket = run.join(SOCKET);
        if socket.as_os_str().len() > SOCKET_LIMIT {
            return Err(StartError::SocketPath {
                path: socket,
                limit: SOCKET_LIMIT,
            });
        }
        Ok(Self {
            dir: dir.into(),
            pgdata: dir.join("pgdata"),
            unfinished: dir.join("pgdata.init"),
            run,
            pgpass: dir.join("secrets/pgpass"),
            log: dir.join("postgres.log"),
        })
    }

    /// Makes `run/` for the server's user and `secrets/` for us, both 0700.
    pub fn prepare(&self, user: Option<&ServerUser>) -> Result<(), StartError> {
        private_dir(&self.run, user)?;
        private_dir(&self.dir.join("secrets"), None)
    }

    pub fn has_cluster(&self) -> bool {
        self.pgdata.join("PG_VERSION").exists()
    }

    /// The major version that made the cluster, `None` if there is no cluster yet.
    pub fn cluster_major(&self) -> Option<u32> {
        fs::read_to_string(self.pgdata.join("PG_VERSION"))
            .ok()?
            .trim()
            .parse()
            .ok()
    }
}

/// A 0700 directory of `owner`, or of ourselves.
pub(crate) fn private_dir(dir: &Path, owner: Option<&ServerUser>) -> Result<(), StartError> {
    if !dir.is_dir() {
        fs::DirBuilder::new().mode(0o700).create(dir).doing("create", dir)?;
    }
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).doing("change the mode of", dir)?;
    match owner {
        Some(user) => chown(dir, Some(user.uid), Some(user.gid)).doing("change the owner of", dir),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_too_deep_for_a_socket_is_refused_with_the_limit() {
        let deep = format!("/tmp/{}", "d".repeat(SOCKET_LIMIT - "/tmp//run/".len() - SOCKET.len()));
        Layout::of(Path::new(&deep)).unwrap();
        let said = Layout::of(Path::new(&format!("{deep}d"))).unwrap_err().to_string();
        assert!(said.contains("shorter data directory"), "{said}");
    }
}
