//! The signer's memory as a file of one line for each log, replaced as a whole.
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;

use super::{Abandoned, HeadsError, Next, Remembered, SignedHead, SignedHeads};

/// The first line.
const HEADER: &str = "keepgate signed heads v1";
/// A log has at most 200 characters of name: far more logs than this are not served by one process.
const LARGEST: u64 = 64 * 1024 * 1024;

/// What the file holds.
#[derive(Debug, Clone, Default)]
struct Content {
    remembered: Remembered,
    abandoned: Vec<Abandoned>,
}

/// `<directory>/heads`, mode 0600: `log <origin> <size> <root>` for each log; `next …` for a state of the log of logs on its way, and `leaf …`
/// for each leaf it adds; `abandoned …` for each state that somebody gave up and nobody has been told of yet. For one process at a time.
#[derive(Debug)]
pub struct HeadFile {
    path: PathBuf,
    known: Mutex<Option<Content>>,
}

impl HeadFile {
    /// The file in `directory`, which is made (mode 0700) if it is not there. Nothing is read yet.
    ///
    /// # Errors
    /// [`HeadsError::Io`].
    pub fn open(directory: &Path) -> Result<Self, HeadsError> {
        let path = directory.join("heads");
        match DirBuilder::new().mode(0o700).create(directory) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(failed(&path)(error)),
            _ => {}
        }
        fs::set_permissions(directory, fs::Permissions::from_mode(0o700)).map_err(failed(&path))?;
        Ok(Self {
            path,
            known: Mutex::new(None),
        })
    }

    /// Everything remembered, and what was given up.
    ///
    /// # Errors
    /// [`HeadsError`].
    pub fn read(&self) -> Result<(Remembered, Vec<Abandoned>), HeadsError> {
        self.with(|content| (false, (content.remembered.clone(), content.abandoned.clone())))
    }

    /// Gives up what was signed of the log `origin`: from now on it may go on otherwise. Returns it; `None` if nothing was known.
    ///
    /// # Errors
    /// [`HeadsError`].
    pub fn abandon(&self, origin: &str) -> Result<Option<SignedHead>, HeadsError> {
        self.with(|content| {
            let head = content.remembered.heads.remove(origin);
            content.abandoned.extend(head.map(|head| Abandoned {
                origin: origin.to_owned(),
                head,
            }));
            (head.is_some(), head)
        })
    }

    /// Forgets what was given up, once it has been told.
    ///
    /// # Errors
    /// [`HeadsError`].
    pub fn told(&self, told: &Abandoned) -> Result<(), HeadsError> {
        self.with(|content| {
            content.abandoned.retain(|left| left != told);
            (true, ())
        })
    }

    /// Runs `change` on what is known, and writes the file when it says that something changed.
    fn with<T>(&self, change: impl FnOnce(&mut Content) -> (bool, T)) -> Result<T, HeadsError> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let mut content = match known.take() {
            Some(known) => known,
            None => parse(&self.path)?,
        };
        let (changed, out) = change(&mut content);
        if changed {
            // After a failure the file is read again: it holds the former or the new states.
            write(&self.path, &content)?;
        }
        *known = Some(content);
        Ok(out)
    }
}

#[async_trait]
impl SignedHeads for HeadFile {
    async fn load(&self) -> Result<Remembered, HeadsError> {
        blocking(|| self.read().map(|(remembered, _)| remembered))
    }

    async fn keep(&self, signed: &[(String, SignedHead)], next: Option<&Next>) -> Result<(), HeadsError> {
        blocking(|| {
            self.with(|content| {
                content.remembered.heads.extend(signed.iter().cloned());
                content.remembered.next = next.cloned();
                (true, ())
            })
        })
    }
}

/// Off the other tasks' way where the runtime has other threads for them.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    #[cfg(feature = "postgres")]
    if tokio::runtime::Handle::try_current()
        .is_ok_and(|handle| handle.runtime_flavor() == tokio::runtime::RuntimeFlavor::MultiThread)
    {
        return tokio::task::block_in_place(work);
    }
    work()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> HeadsError {
    let path = path.display().to_string();
    move |source| HeadsError::Io { path, source }
}

fn parse(path: &Path) -> Result<Content, HeadsError> {
    let mut content = Content::default();
    let file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(content),
        other => other.map_err(failed(path))?,
    };
    let mut text = String::new();
    file.take(LARGEST).read_to_string(&mut text).map_err(failed(path))?;
    let corrupt = |line| HeadsError::Corrupt {
        path: path.display().to_string(),
        line,
    };
    let mut lines = text.lines().enumerate();
    if lines.next().map(|(_, line)| line) != Some(HEADER) || !text.ends_with('\n') {
        return Err(corrupt(1));
    }
    for (at, line) in lines {
        let (kind, origin, head) = state(line).ok_or_else(|| corrupt(at + 1))?;
        match kind {
            "log" if !content.remembered.heads.contains_key(&origin) => {
                content.remembered.heads.insert(origin, head);
            }
            "next" if content.remembered.next.is_none() => {
                let leaves = Vec::new();
                content.remembered.next = Some(Next { origin, head, leaves });
            }
            "leaf" => {
                let next = content.remembered.next.as_mut().ok_or_else(|| corrupt(at + 1))?;
                next.leaves.push((origin, head));
            }
            "abandoned" => content.abandoned.push(Abandoned { origin, head }),
            _ => return Err(corrupt(at + 1)),
        }
    }
    Ok(content)
}

fn state(line: &str) -> Option<(&str, String, SignedHead)> {
    let mut words = line.split(' ');
    let (kind, origin, size, root) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let head = SignedHead {
        size: size.parse().ok()?,
        root: root.parse().ok()?,
    };
    let canonical = head.size.to_string() == size && !origin.is_empty() && words.next().is_none();
    canonical.then(|| (kind, origin.to_owned(), head))
}

/// Whoever reads the file, even after a crash, finds the former content or all of this one.
fn write(path: &Path, content: &Content) -> Result<(), HeadsError> {
    let mut text = format!("{HEADER}\n");
    let mut line = |kind, origin: &str, head: &SignedHead| {
        text.push_str(&format!("{kind} {origin} {} {}\n", head.size, head.root))
    };
    let remembered = &content.remembered;
    remembered
        .heads
        .iter()
        .for_each(|(origin, head)| line("log", origin, head));
    if let Some(next) = &remembered.next {
        line("next", &next.origin, &next.head);
        next.leaves.iter().for_each(|(origin, head)| line("leaf", origin, head));
    }
    let abandoned = content.abandoned.iter();
    abandoned.for_each(|given| line("abandoned", &given.origin, &given.head));
    let aside = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    options
        .open(&aside)
        .and_then(|mut file| {
            file.set_permissions(fs::Permissions::from_mode(0o600))?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            fs::rename(&aside, path)?;
            path.parent().map_or(Ok(()), |folder| File::open(folder)?.sync_all())
        })
        .map_err(failed(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::hash::leaf_hash;

    fn head(size: u64) -> SignedHead {
        SignedHead {
            size,
            root: leaf_hash(&size.to_be_bytes()),
        }
    }

    #[tokio::test]
    async fn what_was_signed_is_remembered_by_the_next_process_privately() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("log-heads");
        let file = HeadFile::open(&place).unwrap();
        assert_eq!(file.load().await.unwrap(), Remembered::default());
        let both = [("a".to_owned(), head(1)), ("b".to_owned(), head(2))];
        file.keep(&both, None).await.unwrap();
        let again = [("a".to_owned(), head(3))];
        let on_its_way = Next {
            origin: "m".into(),
            head: head(9),
            leaves: again.to_vec(),
        };
        file.keep(&again, Some(&on_its_way)).await.unwrap();
        let next = HeadFile::open(&place).unwrap().load().await.unwrap();
        assert_eq!(next.heads, [("a".into(), head(3)), ("b".into(), head(2))].into());
        assert_eq!(next.next, Some(on_its_way));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join("heads"))), (0o700, 0o600));
        assert_eq!(fs::read_dir(&place).unwrap().count(), 1);
    }

    #[tokio::test]
    async fn a_state_that_was_given_up_is_told_once() {
        let dir = tempfile::tempdir().unwrap();
        let file = HeadFile::open(dir.path()).unwrap();
        file.keep(&[("a".into(), head(3))], None).await.unwrap();
        assert_eq!(file.abandon("b").unwrap(), None);
        assert_eq!(file.abandon("a").unwrap(), Some(head(3)));
        let (remembered, abandoned) = HeadFile::open(dir.path()).unwrap().read().unwrap();
        assert!(remembered.heads.is_empty() && abandoned.len() == 1);
        file.told(abandoned.first().unwrap()).unwrap();
        assert!(HeadFile::open(dir.path()).unwrap().read().unwrap().1.is_empty());
    }

    #[test]
    fn a_file_that_was_changed_is_refused_not_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let root = leaf_hash(b"x");
        let header = HEADER;
        for text in [
            String::new(),
            "log a 1 x\n".into(),
            format!("{header}\nlog a 01 {root}\n"),
            format!("{header}\nlog a 1 {root} more\n"),
            format!("{header}\nlog a 1 {root}"),
            format!("{header}\nlog a 1 {root}\nlog a 2 {root}\n"),
            format!("{header}\nlook a 1 {root}\n"),
            format!("{header}\nleaf a 1 {root}\n"),
            format!("{header}\nlog  1 {root}\n"),
        ] {
            fs::write(dir.path().join("heads"), &text).unwrap();
            let read = HeadFile::open(dir.path()).unwrap().read();
            assert!(matches!(read, Err(HeadsError::Corrupt { .. })), "{text:?}");
        }
    }
}
