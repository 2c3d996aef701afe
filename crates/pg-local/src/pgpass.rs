//! The generated passwords, kept in a file of libpq's own format, so that an administrator can log in with
//! `PGPASSFILE=<data dir>/secrets/pgpass psql -h <data dir>/run -U keepgate postgres`.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
};

use crate::{StartError, error::Doing};

/// A role's password: 64 hexadecimal digits. Neither `Debug` nor `Display` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The password itself, for a connection and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    fn generate() -> io::Result<Self> {
        let mut bytes = [0; 32];
        File::open("/dev/urandom")?.read_exact(&mut bytes)?;
        let mut digits = String::with_capacity(64);
        for byte in bytes {
            let _ = write!(digits, "{byte:02x}");
        }
        Ok(Self(digits))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

pub(crate) type Passwords = BTreeMap<String, Password>;

/// Reads the file, adds a password for each of `roles` that has none, and writes it back if it grew.
///
/// Of an existing cluster (`made`) the file must be there: nobody could log in with new passwords.
pub(crate) fn load_or_create(path: &Path, roles: &[String], made: bool) -> Result<Passwords, StartError> {
    let mut all = match fs::read_to_string(path) {
        Ok(text) => {
            let open = fs::metadata(path).doing("look at", path)?.mode() & 0o077 != 0;
            let bad = |problem| StartError::BadPasswords {
                path: path.into(),
                problem,
            };
            if open {
                return Err(bad(
                    "can be read by other users; run `chmod 600` on it, and change the passwords if others were there",
                ));
            }
            parse(&text).ok_or_else(|| bad("is damaged; restore it from the backup that holds the cluster"))?
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound && made => {
            return Err(StartError::NoPasswords { path: path.into() });
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Passwords::new(),
        Err(e) => return Err(e).doing("read", path),
    };
    let before = all.len();
    for role in roles {
        if !all.contains_key(role) {
            all.insert(role.clone(), Password::generate().doing("make a password for", path)?);
        }
    }
    if all.len() > before {
        store(path, &all).doing("write", path)?;
    }
    Ok(all)
}

/// `None` for anything we would not have written ourselves.
fn parse(text: &str) -> Option<Passwords> {
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (role, password) = line.strip_prefix("*:*:*:")?.split_once(':')?;
            let sound = password.len() == 64 && password.bytes().all(|b| b.is_ascii_hexdigit());
            sound.then(|| (role.to_string(), Password(password.to_string())))
        })
        .collect()
}

/// All or nothing: a new file takes the old one's name once it is on disk.
fn store(path: &Path, all: &Passwords) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&new)?;
    writeln!(
        file,
        "# Passwords of the private PostgreSQL. Back this file up together with pgdata."
    )?;
    for (role, password) in all {
        writeln!(file, "*:*:*:{role}:{}", password.expose())?;
    }
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn roles(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| n.to_string()).collect()
    }

    #[test]
    fn passwords_survive_and_a_new_role_gets_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pgpass");
        let first = load_or_create(&path, &roles(&["keepgate"]), false).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let second = load_or_create(&path, &roles(&["keepgate", "kg_app"]), true).unwrap();
        assert_eq!(first["keepgate"], second["keepgate"]);
        assert_ne!(second["keepgate"], second["kg_app"]);
        assert_eq!(load_or_create(&path, &[], true).unwrap(), second);
    }

    #[test]
    fn a_cluster_without_its_passwords_is_not_given_new_ones() {
        let dir = tempfile::tempdir().unwrap();
        let lost = load_or_create(&dir.path().join("pgpass"), &roles(&["keepgate"]), true);
        assert!(matches!(lost, Err(StartError::NoPasswords { .. })));
    }

    #[test]
    fn a_file_open_to_others_or_damaged_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pgpass");
        load_or_create(&path, &roles(&["keepgate"]), false).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        assert!(
            load_or_create(&path, &[], true)
                .unwrap_err()
                .to_string()
                .contains("chmod 600")
        );
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "*:*:*:keepgate:short\n").unwrap();
        assert!(
            load_or_create(&path, &[], true)
                .unwrap_err()
                .to_string()
                .contains("damaged")
        );
    }

    #[test]
    fn a_password_is_never_shown() {
        let password = Password::generate().unwrap();
        assert_eq!(password.expose().len(), 64);
        assert!(!format!("{password:?}").contains(password.expose()));
    }
}
