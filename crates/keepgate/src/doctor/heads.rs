//! Whether the logs still are what this instance signed of them.
use std::{collections::BTreeMap, path::Path};

use keepgate_audit::HeadFile;

use super::Finding;
use crate::{data_dir, failure::chain};

const NAME: &str = "signed logs";

/// Compares the sizes of the stored logs, by name, with what the data directory remembers. Roots are compared by the service, each time it
/// signs.
pub fn look(data_dir: &Path, sizes: &BTreeMap<String, i64>) -> Finding {
    let dir = data_dir.join(data_dir::LOG_HEADS);
    if !dir.exists() {
        return Finding::ok(NAME, "this instance has signed nothing yet");
    }
    let read = HeadFile::open(&dir).and_then(|file| file.read());
    let remembered = match read {
        Ok((remembered, _)) => remembered,
        Err(error) => {
            return Finding::fail(
                NAME,
                chain(&error),
                "restore log-heads/heads in the data directory: nothing is signed without it",
            );
        }
    };
    let behind: Vec<String> = remembered
        .heads
        .iter()
        .filter_map(|(origin, head)| {
            let size = sizes.get(origin).copied().unwrap_or(0);
            let short = i64::try_from(head.size).is_ok_and(|signed| size < signed);
            short.then(|| format!("{origin} has {size} entries, and {} were signed", head.size))
        })
        .collect();
    Finding::none_of(
        NAME,
        &behind,
        &format!("{} logs reach what was signed of them", remembered.heads.len()),
        "the database was taken back: restore a newer one; if there is none, see `keepgate audit reset-head --help`",
    )
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::doctor::State;

    #[test]
    fn a_log_that_is_shorter_than_what_was_signed_fails_and_so_does_a_broken_memory() {
        let dir = tempfile::tempdir().unwrap();
        let sizes = |size| BTreeMap::from([("a/audit/x".to_owned(), size)]);
        assert_eq!(look(dir.path(), &sizes(0)).state, State::Ok);
        let root = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let heads = dir.path().join(data_dir::LOG_HEADS);
        fs::create_dir(&heads).unwrap();
        fs::write(
            heads.join("heads"),
            format!("keepgate signed heads v1\nlog a/audit/x 5 {root}\n"),
        )
        .unwrap();
        assert_eq!(look(dir.path(), &sizes(5)).state, State::Ok);
        let short = look(dir.path(), &sizes(4));
        assert_eq!(short.state, State::Fail);
        assert!(short.detail.contains("has 4 entries, and 5 were signed"));
        assert_eq!(
            look(dir.path(), &BTreeMap::new()).state,
            State::Fail,
            "a log that is gone"
        );
        fs::write(heads.join("heads"), "nothing").unwrap();
        assert_eq!(look(dir.path(), &sizes(5)).state, State::Fail);
    }
}
