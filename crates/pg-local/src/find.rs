//! Finding the server's binaries: the configured directory, or the places where packages put them, then `PATH`.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The oldest PostgreSQL the service supports.
pub const MIN_MAJOR: u32 = 15;

/// Where packages put server binaries: a folder, what its entries start with, and the way from there to the binaries.
const PLACES: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// Where to look. The default looks only where packages put the binaries.
#[derive(Clone, Debug, Default)]
pub struct Search {
    /// The one directory to use, from the configuration.
    pub bin_dir: Option<PathBuf>,
    /// The value of `PATH`.
    pub path: Option<OsString>,
    /// Directories to try last, such as [`provision::installed`](crate::provision::installed).
    pub also: Vec<PathBuf>,
}

/// A directory with `postgres` and `initdb` in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binaries {
    /// The directory, symbolic links resolved.
    pub bin_dir: PathBuf,
    /// The major version, such as 15.
    pub major: u32,
}

/// No directory had what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// No server, or only ones that are too old.
    #[error(
        "no PostgreSQL {MIN_MAJOR} or newer server found (looked at {looked}); install one (`apt-get install postgresql` or `brew install postgresql`), name its directory in the configuration, or use a database URL"
    )]
    Missing {
        /// The places tried, and what was there.
        looked: String,
    },
    /// A cluster is opened only by the major version that made it.
    #[error(
        "PostgreSQL {major} is needed and was not found (looked at {looked}); a cluster is opened only by the major version that made it: install it (`apt-get install postgresql-{major}`) or carry the cluster over with pg_upgrade"
    )]
    WrongMajor {
        /// The major version that is needed.
        major: u32,
        /// The places tried, and what was there.
        looked: String,
    },
}

/// The first directory that holds a server of `major`, or without `major` one of at least [`MIN_MAJOR`]. Newer
/// versions in the same place come first.
pub fn find(search: &Search, major: Option<u32>) -> Result<Binaries, FindError> {
    let mut looked = Vec::new();
    for dir in candidates(search) {
        match probe(&dir) {
            Ok(found) if major.map_or(found.major >= MIN_MAJOR, |wanted| wanted == found.major) => return Ok(found),
            Ok(found) => looked.push(format!("{} ({})", dir.display(), found.major)),
            Err(why) => looked.push(format!("{} ({why})", dir.display())),
        }
    }
    if looked.is_empty() {
        looked.push("/usr/lib/postgresql/*/bin, the places of Homebrew and PGDG, PATH".into());
    }
    let looked = looked.join(", ");
    Err(match major {
        Some(major) => FindError::WrongMajor { major, looked },
        None => FindError::Missing { looked },
    })
}

fn candidates(search: &Search) -> Vec<PathBuf> {
    if let Some(only) = &search.bin_dir {
        return vec![only.clone()];
    }
    let packaged = PLACES
        .iter()
        .flat_map(|(base, prefix, bin)| versions_in(Path::new(base), prefix, bin));
    let on_path = search
        .path
        .iter()
        .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>());
    packaged
        .chain(on_path)
        .chain(search.also.iter().cloned())
        .filter(|dir| dir.join("initdb").exists())
        .collect()
}

/// The `bin` directories below `base`, the newest version first.
fn versions_in(base: &Path, prefix: &str, bin: &str) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = fs::read_dir(base)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let version = entry
                .file_name()
                .to_str()?
                .strip_prefix(prefix)?
                .split('.')
                .next()?
                .parse()
                .ok()?;
            Some((version, entry.path().join(bin)))
        })
        .collect();
    found.sort_by(|a, b| b.cmp(a));
    found.into_iter().map(|(_, dir)| dir).collect()
}

fn probe(dir: &Path) -> Result<Binaries, String> {
    let postgres = fs::canonicalize(dir.join("postgres")).map_err(|_| "no postgres in it".to_string())?;
    let out = Command::new(&postgres)
        .arg("--version")
        .output()
        .map_err(|e| e.to_string())?;
    let major = parse_version(&String::from_utf8_lossy(&out.stdout)).ok_or("its postgres does not tell its version")?;
    let bin_dir = postgres.parent().map_or_else(|| dir.to_path_buf(), Path::to_path_buf);
    // A link in a `PATH` directory may lead to a place without the rest of the tools.
    if bin_dir.join("initdb").exists() {
        Ok(Binaries { bin_dir, major })
    } else {
        Err("no initdb beside postgres".into())
    }
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn parse_version(line: &str) -> Option<u32> {
    let version = line.strip_prefix("postgres (PostgreSQL) ")?;
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_kind_of_version_line() {
        assert_eq!(
            parse_version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(parse_version("postgres (PostgreSQL) 18.6\n"), Some(18));
        assert_eq!(parse_version("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(parse_version("something else 15"), None);
        assert_eq!(parse_version(""), None);
    }

    #[test]
    fn newer_versions_come_first_by_number_and_not_by_letter() {
        let base = tempfile::tempdir().unwrap();
        for name in ["9.6", "15", "17", "not-a-version"] {
            fs::create_dir_all(base.path().join(name).join("bin")).unwrap();
        }
        let found = versions_in(base.path(), "", "bin");
        let names: Vec<_> = found
            .iter()
            .map(|p| p.strip_prefix(base.path()).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["17/bin", "15/bin", "9.6/bin"]);
    }

    #[test]
    fn a_configured_directory_is_the_only_one_tried() {
        let empty = tempfile::tempdir().unwrap();
        let search = Search {
            bin_dir: Some(empty.path().into()),
            path: Some("/usr/bin".into()),
            also: vec![],
        };
        let said = find(&search, None).unwrap_err().to_string();
        assert!(
            said.contains(empty.path().to_str().unwrap()) && !said.contains("/usr/bin"),
            "{said}"
        );
    }

    #[test]
    fn a_missing_server_is_told_with_the_ways_out() {
        let empty = tempfile::tempdir().unwrap();
        let search = Search {
            bin_dir: Some(empty.path().into()),
            ..Search::default()
        };
        let said = find(&search, None).unwrap_err().to_string();
        assert!(
            said.contains("apt-get install postgresql") && said.contains("database URL"),
            "{said}"
        );
        let said = find(&search, Some(17)).unwrap_err().to_string();
        assert!(said.contains("postgresql-17"), "{said}");
    }
}
