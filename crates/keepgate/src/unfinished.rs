//! What a command writes for its user: whole or not at all, and for nobody else (mode 0600), because it may hold addresses of people.
use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// A file under another name until it is whole.
pub struct Unfinished {
    path: PathBuf,
    to: BufWriter<File>,
}

impl Unfinished {
    /// Begins a file that becomes `out`; whatever an earlier try left is replaced.
    pub fn begin(out: &Path) -> io::Result<Self> {
        let mut name = out.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
        name.push(".unfinished");
        let path = out.with_file_name(name);
        let _ = fs::remove_file(&path);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&path)?;
        Ok(Self {
            path,
            to: BufWriter::new(file),
        })
    }

    /// The file is whole, on the disk, and has its name.
    pub fn finish(mut self, out: &Path) -> io::Result<()> {
        self.to.flush()?;
        self.to.get_ref().sync_all()?;
        fs::rename(&self.path, out)
    }
}

impl Write for Unfinished {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
