//! `keepgate keys recovery-key`: the pair whose private half goes into a safe.
use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use keepgate_crypto_keys::{KeyServiceError, generate_recovery_key};

use crate::{
    exit::Exit,
    failure::{Failure, chain},
    terminal,
};

/// Makes a pair. Neither file may exist.
///
/// # Errors
/// Exit code 1, or 8 without disk space; nothing is overwritten.
pub fn make_pair(private: &Path, public: &Path) -> Result<Exit, Failure> {
    let (open, secret) = generate_recovery_key().map_err(|_| {
        let why = chain(&KeyServiceError::Library);
        Failure::new(Exit::Failed, "can't make a recovery key", why, "try again")
    })?;
    // Nobody is to make copies that nothing opens: the private half first.
    write(private, 0o600, &secret.expose())?;
    if let Err(failure) = write(public, 0o644, &open.to_string()) {
        // Without its public half it opens nothing.
        let _ = std::fs::remove_file(private);
        return Err(failure);
    }
    terminal::say(&open.to_string());
    terminal::note(&format!(
        "move {} to where this machine can't read it, twice; name {} in keys.recovery_key and restart",
        private.display(),
        public.display()
    ));
    Ok(Exit::Ok)
}

fn write(path: &Path, mode: u32, text: &str) -> Result<(), Failure> {
    let written = || -> io::Result<()> {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(text.as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|error| Failure::io(format!("can't write {}", path.display()), &error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use keepgate_crypto_keys::{RecoveryKey, RecoverySecret};

    use super::*;

    #[test]
    fn a_pair_fits_together_and_nothing_is_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (private, public) = (dir.path().join("private"), dir.path().join("public"));
        make_pair(&private, &public).unwrap();
        let read = |path: &Path| std::fs::read_to_string(path).unwrap();
        let secret: RecoverySecret = read(&private).parse().unwrap();
        assert_eq!(secret.public().unwrap(), read(&public).parse::<RecoveryKey>().unwrap());
        assert_eq!(std::fs::metadata(&private).unwrap().permissions().mode() & 0o777, 0o600);
        let before = read(&private);
        assert!(make_pair(&private, &dir.path().join("other")).is_err());
        assert!(make_pair(&dir.path().join("third"), &public).is_err());
        assert_eq!(read(&private), before);
        assert!(!dir.path().join("other").exists() && !dir.path().join("third").exists());
    }
}
