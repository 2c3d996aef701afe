//! The directory: other processes, crashes, and files that somebody changed.
use std::fs;

use keepgate_witness::{DirectoryStore, Refused, Store, StoreError};
use tempfile::TempDir;

use crate::support::{ORIGIN, Set, forked, note, request, witness_on};

const NOON: &str = "2026-01-02T12:00:00Z";

fn checkpoint_file(home: &TempDir) -> std::path::PathBuf {
    let folders = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path());
    folders
        .map(|folder| folder.join("checkpoint"))
        .find(|file| file.exists())
        .unwrap()
}

#[test]
fn one_process_at_a_time() {
    let home = TempDir::new().unwrap();
    let first = DirectoryStore::open(home.path()).unwrap();
    assert!(matches!(DirectoryStore::open(home.path()), Err(StoreError::InUse(_))));
    drop(first);
    assert!(DirectoryStore::open(home.path()).is_ok());
}

#[test]
fn a_new_process_knows_what_the_former_cosigned() {
    let home = TempDir::new().unwrap();
    for (old, size) in [(0, 5), (5, 9)] {
        let witness = witness_on(Box::new(DirectoryStore::open(home.path()).unwrap()), &Set::at(NOON));
        witness.add_checkpoint(&request(old, &forked(size, size))).unwrap();
    }
    let witness = witness_on(Box::new(DirectoryStore::open(home.path()).unwrap()), &Set::at(NOON));
    let told = witness.add_checkpoint(&request(5, &forked(9, 5))).unwrap_err();
    assert_eq!(told.status(), 409);
}

#[test]
fn half_a_file_of_a_crash_is_not_looked_at() {
    let home = TempDir::new().unwrap();
    let store = DirectoryStore::open(home.path()).unwrap();
    store.update(ORIGIN, &mut |_| Some(note(&forked(5, 5)))).unwrap();
    let file = checkpoint_file(&home);
    fs::write(file.with_extension("new"), "half a checkp").unwrap();
    assert_eq!(store.latest(ORIGIN).unwrap(), Some(note(&forked(5, 5))));
    store.update(ORIGIN, &mut |_| Some(note(&forked(6, 6)))).unwrap();
    assert_eq!(store.latest(ORIGIN).unwrap(), Some(note(&forked(6, 6))));
}

#[test]
fn what_somebody_changed_stops_that_log_and_no_other_history_is_signed() {
    let home = TempDir::new().unwrap();
    let witness = witness_on(Box::new(DirectoryStore::open(home.path()).unwrap()), &Set::at(NOON));
    witness.add_checkpoint(&request(0, &forked(5, 5))).unwrap();
    let unsigned_by_us = note(&forked(3, 3)).to_string();
    for damage in ["", "hello", "log.example/audit\n5\n", &unsigned_by_us] {
        fs::write(checkpoint_file(&home), damage).unwrap();
        for body in [request(0, &forked(5, 2)), request(5, &forked(9, 9))] {
            let told = witness.add_checkpoint(&body).unwrap_err();
            assert!(matches!(told, Refused::Store(StoreError::Corrupt(_))), "{told:?}");
            assert_eq!(told.status(), 503);
        }
    }
}

#[test]
fn what_can_t_be_written_is_not_cosigned() {
    let home = TempDir::new().unwrap();
    let witness = witness_on(Box::new(DirectoryStore::open(home.path()).unwrap()), &Set::at(NOON));
    witness.add_checkpoint(&request(0, &forked(5, 5))).unwrap();
    // A folder where the new file would be written.
    fs::create_dir(checkpoint_file(&home).with_extension("new")).unwrap();
    let told = witness.add_checkpoint(&request(5, &forked(6, 6))).unwrap_err();
    assert!(matches!(told, Refused::Store(StoreError::Io { .. })), "{told:?}");
    fs::remove_dir(checkpoint_file(&home).with_extension("new")).unwrap();
    assert!(witness.add_checkpoint(&request(5, &forked(6, 6))).is_ok());
}

#[test]
fn only_its_owner_reads_the_directory() {
    use std::os::unix::fs::PermissionsExt;
    let home = TempDir::new().unwrap();
    let root = home.path().join("state");
    let store = DirectoryStore::open(&root).unwrap();
    store.update(ORIGIN, &mut |_| Some(note(&forked(5, 5)))).unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o700);
    let folder = fs::read_dir(&root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.is_dir())
        .unwrap();
    assert_eq!((mode(&folder), mode(&folder.join("checkpoint"))), (0o700, 0o600));
}
