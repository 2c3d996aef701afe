//! Tells when a file of interest may have changed, however it was put there: written, renamed over, or behind a link that was swapped.
use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::sync::watch;

/// Links that lead to links.
const DEPTH: usize = 16;

/// Listens to the directories of some files.
pub struct FileWatch {
    names: Arc<Mutex<BTreeSet<PathBuf>>>,
    tick: watch::Sender<u64>,
    watcher: Mutex<Option<RecommendedWatcher>>,
}

impl FileWatch {
    /// Listens to nothing yet. A system that lets nobody listen is told in the log.
    pub fn new() -> Self {
        let names: Arc<Mutex<BTreeSet<PathBuf>>> = Arc::default();
        let tick = watch::Sender::new(0_u64);
        let (known, bell) = (names.clone(), tick.clone());
        let heard = move |event: notify::Result<Event>| {
            let known = known.lock().unwrap_or_else(PoisonError::into_inner);
            // An error means that events may be lost.
            if event.is_err() || event.is_ok_and(|event| concerns(&event, &known)) {
                bell.send_modify(|count| *count = count.wrapping_add(1));
            }
        };
        let watcher = notify::recommended_watcher(heard);
        if let Err(error) = &watcher {
            tracing::warn!(%error, "files with secrets are looked at now and then: the system tells no changes");
        }
        Self {
            names,
            tick,
            watcher: Mutex::new(watcher.ok()),
        }
    }

    /// Listens to `path`, and to every link on the way to it as it is now. Safe to repeat, and needed after a change.
    pub fn track(&self, path: &Path) {
        let on_the_way = steps(path);
        let mut watcher = self.watcher.lock().unwrap_or_else(PoisonError::into_inner);
        for directory in on_the_way
            .iter()
            .filter_map(|step| step.parent())
            .collect::<BTreeSet<_>>()
        {
            // A directory that is not there, or not for us: then the slow look has to do.
            let _ = watcher
                .as_mut()
                .map(|watcher| watcher.watch(directory, RecursiveMode::NonRecursive));
        }
        self.names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(on_the_way);
    }

    /// Changes whenever something happened to one of the files.
    pub fn ticks(&self) -> watch::Receiver<u64> {
        self.tick.subscribe()
    }
}

/// Reading is no change, and what we do all the time.
fn concerns(event: &Event, names: &BTreeSet<PathBuf>) -> bool {
    let change = match event.kind {
        EventKind::Access(AccessKind::Close(AccessMode::Write)) => true,
        EventKind::Access(_) => false,
        _ => true,
    };
    change && (event.need_rescan() || event.paths.iter().any(|path| names.contains(path)))
}

/// The links on the way to `path`, and where they lead.
fn steps(path: &Path) -> Vec<PathBuf> {
    let (mut steps, mut next) = (vec![path.to_owned()], path.to_owned());
    for _ in 0..DEPTH {
        let Some((link, target)) = first_link(&next) else { break };
        let rest = next.strip_prefix(&link).map(Path::to_owned).unwrap_or_default();
        let base = link.parent().unwrap_or(Path::new("/"));
        next = plain(&if rest.as_os_str().is_empty() {
            base.join(target)
        } else {
            base.join(target).join(rest)
        });
        steps.push(link);
        steps.push(next.clone());
    }
    steps
}

fn first_link(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let mut prefixes: Vec<&Path> = path.ancestors().collect();
    prefixes.reverse();
    prefixes.into_iter().find_map(|prefix| {
        std::fs::read_link(prefix)
            .ok()
            .map(|target| (prefix.to_owned(), target))
    })
}

/// Without `.` and `..`.
fn plain(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut plain, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
        plain
    })
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink, time::Duration};

    use super::*;

    async fn ticked(ticks: &mut watch::Receiver<u64>) -> bool {
        let ticked = tokio::time::timeout(Duration::from_secs(5), ticks.changed())
            .await
            .is_ok();
        ticks.mark_unchanged();
        ticked
    }

    #[tokio::test]
    async fn a_file_that_is_written_renamed_over_or_removed_is_told_and_its_neighbours_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("token");
        fs::write(&path, "one").unwrap();
        let watch = FileWatch::new();
        let mut ticks = watch.ticks();
        watch.track(&path);
        fs::write(dir.path().join("log"), "noise").unwrap();
        fs::read(&path).unwrap();
        let silence = tokio::time::timeout(Duration::from_millis(200), ticks.changed()).await;
        assert!(silence.is_err(), "neither a neighbour nor a reader is news");
        fs::write(&path, "two").unwrap();
        assert!(ticked(&mut ticks).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        ticks.mark_unchanged();
        fs::write(dir.path().join("new"), "three").unwrap();
        fs::rename(dir.path().join("new"), &path).unwrap();
        assert!(ticked(&mut ticks).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
        ticks.mark_unchanged();
        fs::remove_file(&path).unwrap();
        assert!(ticked(&mut ticks).await);
    }

    #[tokio::test]
    async fn a_mounted_secret_whose_link_is_swapped_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for version in ["v1", "v2"] {
            fs::create_dir(at(version)).unwrap();
            fs::write(at(version).join("token"), version).unwrap();
        }
        symlink("v1", at("..data")).unwrap();
        symlink("..data/token", at("token")).unwrap();
        assert!(
            steps(&at("token")).contains(&at("v1").join("token")),
            "{:?}",
            steps(&at("token"))
        );
        let watch = FileWatch::new();
        let mut ticks = watch.ticks();
        watch.track(&at("token"));
        symlink("v2", at("..data_new")).unwrap();
        fs::rename(at("..data_new"), at("..data")).unwrap();
        assert!(ticked(&mut ticks).await);
        assert_eq!(fs::read_to_string(at("token")).unwrap(), "v2");
    }
}
