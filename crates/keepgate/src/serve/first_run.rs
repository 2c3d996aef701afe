//! The first credentials, from the genesis until somebody has seen them.
//!
//! They are written to a file of mode 0600 before the genesis commits and removed once they have been shown: a process that
//! is killed in between locks nobody out.
use std::{
    fs, io,
    path::{Path, PathBuf},
};

use keepgate_identity::genesis::Secrets;
use serde::{Deserialize, Serialize};

use super::ready::Bootstrap;
use crate::{
    failure::Failure,
    secrets::{PrivateFile, write_private},
};

/// What the first run shows.
#[derive(Serialize, Deserialize)]
pub struct FirstRun {
    /// What the ready file holds too.
    pub bootstrap: Bootstrap,
    /// The first owner, to whom the example sends its message.
    pub owner: String,
}

impl From<&Secrets> for FirstRun {
    fn from(secrets: &Secrets) -> Self {
        Self {
            bootstrap: Bootstrap {
                platform_tenant: secrets.platform_tenant.to_string(),
                platform_enrolment: secrets.platform_enrolment.expose().to_owned(),
                tenant: secrets.tenant.to_string(),
                owner_enrolment: secrets.owner_enrolment.expose().to_owned(),
                service_key: secrets.service_key.expose().to_owned(),
            },
            owner: secrets.owner.to_string(),
        }
    }
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("keys/bootstrap.json")
}

impl FirstRun {
    /// What was never shown, if anything.
    ///
    /// # Errors
    /// Those of the system; a file that is open to others is refused.
    pub fn unseen(data_dir: &Path) -> Result<Option<Self>, Failure> {
        let path = path(data_dir);
        if !path.exists() {
            return Ok(None);
        }
        let content = PrivateFile::open(&path).and_then(PrivateFile::read).map_err(|error| {
            Failure::new(
                crate::exit::Exit::KeyFile,
                "can't read the first credentials",
                error.to_string(),
                error.help(),
            )
        })?;
        // Half a file can't be: it is written by rename.
        Ok(serde_json::from_slice(&content).ok())
    }

    /// Keeps them until they are shown.
    ///
    /// # Errors
    /// Those of the system.
    pub fn keep(&self, data_dir: &Path) -> Result<(), Failure> {
        let path = path(data_dir);
        let failed = |error: &io::Error| Failure::io(format!("can't write {}", path.display()), error);
        let text = serde_json::to_vec(self).map_err(|error| failed(&error.into()))?;
        write_private(&path, &text).map_err(|error| failed(&error))
    }

    /// They have been shown, or belong to a genesis that did not happen.
    pub fn forget(data_dir: &Path) {
        if let Err(error) = fs::remove_file(path(data_dir))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "can't remove the file of the first credentials");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_kept_is_shown_again_until_it_is_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("keys")).unwrap();
        assert!(FirstRun::unseen(dir.path()).unwrap().is_none());
        let text = |text: &str| text.to_owned();
        let bootstrap = Bootstrap {
            platform_tenant: text("ten_p"),
            platform_enrolment: text("kge_p"),
            tenant: text("ten_t"),
            owner_enrolment: text("kge_o"),
            service_key: text("kgl_x"),
        };
        FirstRun {
            bootstrap,
            owner: text("usr_o"),
        }
        .keep(dir.path())
        .unwrap();
        assert_eq!(
            FirstRun::unseen(dir.path()).unwrap().map(|first| first.owner),
            Some(text("usr_o"))
        );
        FirstRun::forget(dir.path());
        assert!(FirstRun::unseen(dir.path()).unwrap().is_none());
    }
}
