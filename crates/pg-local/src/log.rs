//! The server's log file.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

const ROTATE_AT: u64 = 10 * 1024 * 1024;
/// A start says a few lines; more than this is not read back.
const TAIL: u64 = 16 * 1024;

/// Opens the log for appending and tells where the next line will stand. A log over 10 MiB is first set aside as
/// `postgres.log.1`; only one old log is kept.
pub(crate) fn open(path: &Path) -> io::Result<(File, u64)> {
    rotate(path, ROTATE_AT)?;
    let file = File::options().create(true).append(true).mode(0o600).open(path)?;
    let end = file.metadata()?.len();
    Ok((file, end))
}

fn rotate(path: &Path, at: u64) -> io::Result<()> {
    if fs::metadata(path).is_ok_and(|meta| meta.len() > at) {
        fs::rename(path, path.with_extension("log.1"))?;
    }
    Ok(())
}

/// The last `lines` lines written after `from`, so that an error never quotes an older run.
pub(crate) fn tail(path: &Path, from: u64, lines: usize) -> String {
    let read = || -> io::Result<String> {
        let mut file = File::open(path)?;
        let start = from.max(file.metadata()?.len().saturating_sub(TAIL));
        file.seek(SeekFrom::Start(start))?;
        let mut bytes = Vec::new();
        file.take(TAIL).read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.reverse();
    last.join(" | ")
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn the_tail_starts_where_this_run_started() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postgres.log");
        fs::write(&path, "old\n").unwrap();
        let (mut file, from) = open(&path).unwrap();
        writeln!(file, "one\ntwo\nthree").unwrap();
        assert_eq!(tail(&path, from, 2), "two | three");
        assert_eq!(tail(&path, from, 9), "one | two | three");
    }

    #[test]
    fn a_large_log_is_set_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("postgres.log");
        fs::write(&path, "12345").unwrap();
        rotate(&path, 5).unwrap();
        assert!(path.exists());
        rotate(&path, 4).unwrap();
        assert!(!path.exists() && dir.path().join("postgres.log.1").exists());
    }
}
