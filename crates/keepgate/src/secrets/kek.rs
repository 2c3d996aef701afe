//! The key-encryption key's file, as the service meets it. Whoever loses it loses every sealed value.
use std::{io, path::Path};

use keepgate_crypto_keys::{KeyFile, KeyFileError};

use super::private_file::is_loop;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

/// Reads the key; `None` if there is no file.
///
/// # Errors
/// Exit code 4 if it is open to others, not ours, a link, or of the wrong size.
pub fn load(path: &Path) -> Result<Option<KeyFile>, Failure> {
    match KeyFile::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(KeyFileError::Io(error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused(path, &error)),
    }
}

/// Makes a new key and its file. Only for a database without data: see [`lost`].
///
/// # Errors
/// Those of the system; an existing file is never overwritten.
pub fn create(path: &Path) -> Result<KeyFile, Failure> {
    KeyFile::create(path).map_err(|error| match &error {
        KeyFileError::Io(source) => Failure::io(format!("can't make the key file {}", path.display()), source),
        _ => refused(path, &error),
    })
}

/// The database holds values sealed under a key whose file is gone. A new key would not open them.
pub fn lost(path: &Path) -> Failure {
    Failure::new(
        Exit::KeyFile,
        "the key-encryption key is missing",
        format!(
            "{} does not exist, and the database holds data sealed under it",
            path.display()
        ),
        "restore the file from your backup, or name it with `kek_file`; a new key would not open what is there. If it is lost for ever, \
         `keepgate keys recover` opens the copies for the recovery key",
    )
}

fn refused(path: &Path, error: &KeyFileError) -> Failure {
    let shown = path.display();
    let help = match error {
        KeyFileError::Mode { .. } => format!("run `chmod 600 {shown}`; if others could read it, plan to rotate it"),
        KeyFileError::Owner { .. } => format!("run keepgate as the owner of {shown}, or chown it"),
        KeyFileError::Length { .. } | KeyFileError::Line { .. } => format!("restore {shown} from your backup"),
        KeyFileError::Io(source) if is_loop(source) => {
            format!("put the key file itself at {shown}; a symbolic link could be pointed elsewhere")
        }
        KeyFileError::Io(_) | KeyFileError::Crypto(_) => format!("check {shown} and the directories above it"),
    };
    Failure::new(
        Exit::KeyFile,
        format!("can't use the key file {shown}"),
        chain(error),
        help,
    )
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::PermissionsExt};

    use super::*;

    async fn id(file: KeyFile) -> String {
        use keepgate_crypto_keys::KeyService;
        file.describe().await.unwrap().current
    }

    #[tokio::test]
    async fn a_new_key_is_private_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        assert!(load(&path).unwrap().is_none());
        let made = create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(id(load(&path).unwrap().unwrap()).await, id(made).await);
        assert!(create(&path).is_err(), "never overwritten");
    }

    #[test]
    fn open_misshapen_and_linked_key_files_end_with_code_4_and_a_way_out() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        create(&path).unwrap();
        let refusal = |path: &Path| load(path).err().map(|said| (said.exit, said.to_string())).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(matches!(refusal(&link), (Exit::KeyFile, said) if said.contains("symbolic link")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(refusal(&path), (Exit::KeyFile, said) if said.contains("chmod 600")));
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, [0; 31]).unwrap();
        assert!(matches!(refusal(&path), (Exit::KeyFile, said) if said.contains("31 bytes")));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert_eq!(refusal(&path).0, Exit::KeyFile);
    }

    #[test]
    fn a_key_file_of_another_user_ends_with_code_4() {
        if !rustix::process::geteuid().is_root() {
            return; // only root can give a file away
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kek");
        create(&path).unwrap();
        std::os::unix::fs::chown(&path, Some(54_321), None).unwrap();
        assert_eq!(load(&path).err().map(|said| said.exit), Some(Exit::KeyFile));
    }
}
