//! A log as an evidence bundle: an uncompressed tar archive (POSIX.1-1988 ustar) of the same files.
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::Path,
};

use super::source::Unreadable;

const BLOCK: u64 = 512;

/// An open bundle, and where each of its files lies.
#[derive(Debug)]
pub struct Archive {
    file: File,
    places: BTreeMap<String, (u64, u64)>,
}

impl Archive {
    /// Reads the headers.
    pub fn open(path: &Path) -> Result<Self, Unreadable> {
        let shown = path.display();
        let failed = |error: std::io::Error| Unreadable::new(format!("{shown}: {error}"));
        let mut file = File::open(path).map_err(failed)?;
        let length = file.seek(SeekFrom::End(0)).map_err(failed)?;
        let mut places = BTreeMap::new();
        let mut at = 0;
        while let Some(header) = header(&mut file, at).map_err(failed)? {
            let Some((name, size)) = parse(&header) else {
                return Err(Unreadable::new(format!(
                    "{shown}: not a bundle: damaged header at byte {at}"
                )));
            };
            let start = at + BLOCK;
            if start.checked_add(size).is_none_or(|end| end > length) {
                return Err(Unreadable::new(format!("{shown}: the bundle ends inside {name}")));
            }
            if places.insert(name.clone(), (start, size)).is_some() {
                return Err(Unreadable::new(format!("{shown}: the bundle holds {name} twice")));
            }
            at = start + size.div_ceil(BLOCK) * BLOCK;
        }
        Ok(Self { file, places })
    }

    /// Whether there is such a file.
    pub fn holds(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// A file of the bundle, of at most `most` bytes.
    pub fn read(&self, name: &str, most: usize) -> Result<Vec<u8>, Unreadable> {
        let (start, size) = self
            .places
            .get(name)
            .ok_or_else(|| Unreadable::elsewhere(format!("{name} is not in the bundle")))?;
        let size = usize::try_from(*size).ok().filter(|size| *size <= most);
        let size = size.ok_or_else(|| Unreadable::new(format!("{name} has more than {most} bytes")))?;
        let mut content = vec![0; size];
        self.file
            .read_exact_at(&mut content, *start)
            .map_err(|error| Unreadable::new(format!("{name}: {error}")))?;
        Ok(content)
    }
}

/// The header at `at`; `None` at the end: a block of zeros, or the end of the file.
fn header(file: &mut File, at: u64) -> std::io::Result<Option<[u8; 512]>> {
    let mut block = [0; 512];
    file.seek(SeekFrom::Start(at))?;
    match file.read_exact(&mut block) {
        Ok(()) => Ok(block.iter().any(|byte| *byte != 0).then_some(block)),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(None),
        Err(error) => Err(error),
    }
}

/// Name and size of a regular file; `None` for anything else and for a wrong checksum.
fn parse(header: &[u8; 512]) -> Option<(String, u64)> {
    let field = |from: usize, to: usize| header.get(from..to).unwrap_or_default();
    let text = |bytes: &[u8]| {
        let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        std::str::from_utf8(bytes.get(..end)?).ok().map(str::to_owned)
    };
    let number = |bytes: &[u8]| u64::from_str_radix(text(bytes)?.trim(), 8).ok();
    let sum: u64 = header
        .iter()
        .enumerate()
        .map(|(at, byte)| u64::from(if (148..156).contains(&at) { b' ' } else { *byte }))
        .sum();
    let is_file = matches!(field(156, 157), [b'0' | 0]);
    if number(field(148, 156))? != sum || !is_file {
        return None;
    }
    let (name, prefix) = (text(field(0, 100))?, text(field(345, 500))?);
    let name = if prefix.is_empty() {
        name
    } else {
        format!("{prefix}/{name}")
    };
    Some((name, number(field(124, 136))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A tar made by the machine's own tool, which is what others will use.
    fn made(files: &[(&str, &str)]) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("b.tar");
        for (name, content) in files {
            let path = dir.path().join("in").join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut tar = std::process::Command::new("tar");
        tar.args(["--format=ustar", "-cf"])
            .arg(&out)
            .arg("-C")
            .arg(dir.path().join("in"));
        tar.args(files.iter().map(|(name, _)| name));
        assert!(tar.status().unwrap().success());
        (dir, out)
    }

    #[test]
    fn files_are_read_by_name_and_limited() {
        let (_dir, path) = made(&[("checkpoint", "note"), ("tile/0/000", "hashes")]);
        let archive = Archive::open(&path).unwrap();
        assert_eq!(archive.read("checkpoint", 10).unwrap(), b"note");
        assert_eq!(archive.read("tile/0/000", 6).unwrap(), b"hashes");
        assert!(archive.read("tile/0/000", 5).is_err());
        assert!(archive.read("vkey", 10).unwrap_err().why.contains("not in the bundle"));
    }

    #[test]
    fn a_cut_or_damaged_archive_and_a_name_that_comes_twice_are_refused() {
        let (_dir, path) = made(&[("a", &"x".repeat(600)), ("b", "y")]);
        let whole = std::fs::read(&path).unwrap();
        std::fs::write(&path, &whole[..700]).unwrap();
        assert!(Archive::open(&path).unwrap_err().why.contains("ends inside a"));
        let mut damaged = whole.clone();
        damaged[0] = b'z';
        std::fs::write(&path, &damaged).unwrap();
        assert!(
            Archive::open(&path)
                .unwrap_err()
                .why
                .contains("damaged header at byte 0")
        );
        let (_dir, path) = made(&[("a", "x"), ("a", "x")]);
        let one = std::fs::read(&path).unwrap();
        std::fs::write(&path, [&one[..1024], &one[..1024]].concat()).unwrap();
        assert!(Archive::open(&path).unwrap_err().why.contains("twice"));
    }
}
