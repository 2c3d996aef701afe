//! What the key file promises.
use std::{fs, os::unix::fs::PermissionsExt};

use super::*;
use crate::RootState;

fn scratch() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kek");
    (folder, path)
}

fn context() -> KeyContext {
    KeyContext::new("dek", b"tenant", 1)
}

async fn current(file: &KeyFile) -> String {
    file.describe().await.unwrap().current
}

#[tokio::test]
async fn a_created_key_is_read_back_and_never_overwritten() {
    let (_folder, path) = scratch();
    let made = KeyFile::create(&path).unwrap();
    assert_eq!(current(&KeyFile::open(&path).unwrap()).await, current(&made).await);
    assert!(matches!(KeyFile::create(&path), Err(KeyFileError::Io(_))));
    assert_eq!(current(&KeyFile::open(&path).unwrap()).await, current(&made).await);
}

#[tokio::test]
async fn a_rotation_keeps_what_was_wrapped_and_reaches_other_processes() {
    let (folder, path) = scratch();
    let file = KeyFile::create(&path).unwrap();
    let other = KeyFile::open(&path).unwrap();
    let old = file.wrap(&context(), &[7; 32]).await.unwrap();
    let turned = file.rotate().await.unwrap();
    let new = file.wrap(&context(), &[8; 32]).await.unwrap();
    assert_eq!(new.kek, turned.kek);
    for reader in [&file, &other, &KeyFile::open(&path).unwrap()] {
        assert_eq!(*reader.unwrap(&context(), &old).await.unwrap(), [7; 32]);
        assert_eq!(*reader.unwrap(&context(), &new).await.unwrap(), [8; 32]);
    }
    let told = file.describe().await.unwrap();
    let states: Vec<_> = told.versions.iter().map(|version| version.state).collect();
    assert_eq!(states, [RootState::Active, RootState::Deactivated]);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!folder.path().join("kek.new").exists(), "nothing unfinished");
}

#[tokio::test]
async fn a_version_that_another_process_has_forgotten_wraps_nothing_more() {
    let (_folder, path) = scratch();
    let file = KeyFile::create(&path).unwrap();
    let other = KeyFile::open(&path).unwrap();
    let old = current(&file).await;
    let new = file.rotate().await.unwrap().kek;
    file.forget(&old).unwrap();
    assert_eq!(other.wrap(&context(), &[7; 32]).await.unwrap().kek, new);
    fs::remove_file(&path).unwrap();
    let gone = other.wrap(&context(), &[7; 32]).await;
    assert!(
        matches!(gone, Err(KeyServiceError::Down(_))),
        "what it wraps would open nowhere"
    );
}

#[tokio::test]
async fn rotations_at_once_lose_no_version() {
    let (_folder, path) = scratch();
    KeyFile::create(&path).unwrap();
    let turns = (0..8).map(|_| {
        let path = path.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async { KeyFile::open(&path).unwrap().rotate().await.unwrap().kek })
        })
    });
    let made: Vec<_> = turns
        .collect::<Vec<_>>()
        .into_iter()
        .map(|turn| turn.join().unwrap())
        .collect();
    let told = KeyFile::open(&path).unwrap().describe().await.unwrap();
    assert_eq!(told.versions.len(), 9);
    assert!(
        made.iter()
            .all(|kek| told.versions.iter().any(|version| version.kek == *kek))
    );
}

#[tokio::test]
async fn a_forgotten_version_opens_nothing_and_the_newest_stays() {
    let (_folder, path) = scratch();
    let file = KeyFile::create(&path).unwrap();
    let old = file.wrap(&context(), &[7; 32]).await.unwrap();
    assert!(matches!(file.forget(&old.kek), Err(KeyServiceError::Unsupported(_))));
    file.rotate().await.unwrap();
    file.forget(&old.kek).unwrap();
    assert!(matches!(file.forget(&old.kek), Err(KeyServiceError::NoKey)));
    assert!(matches!(
        file.unwrap(&context(), &old).await,
        Err(KeyServiceError::WrongKey)
    ));
}

#[tokio::test]
async fn a_file_that_went_away_is_told_when_it_is_needed() {
    let (_folder, path) = scratch();
    let file = KeyFile::create(&path).unwrap();
    let kept = file.wrap(&context(), &[7; 32]).await.unwrap();
    fs::remove_file(&path).unwrap();
    assert!(file.unwrap(&context(), &kept).await.is_ok(), "what is open stays open");
    assert!(matches!(file.rotate().await, Err(KeyServiceError::Down(_))));
    assert!(matches!(file.describe().await, Err(KeyServiceError::Down(_))));
}

#[test]
fn a_key_that_others_may_read_is_refused() {
    let (_folder, path) = scratch();
    KeyFile::create(&path).unwrap();
    for mode in [0o640, 0o604, 0o644, 0o660, 0o777] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        assert!(
            matches!(KeyFile::open(&path), Err(KeyFileError::Mode { mode: found }) if found == mode),
            "{mode:o}"
        );
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert!(KeyFile::open(&path).is_ok());
}

#[test]
fn content_of_another_form_is_refused() {
    let (_folder, path) = scratch();
    let line = format!("keepgate-root-key v1 2026-01-02T03:04:05Z {}\n", "ab".repeat(32));
    let short = line.replace("abab", "");
    let later = line.replace("root-key v1", "root-key v2");
    for (content, line_wrong) in [
        (vec![], false),
        (vec![1; 16], false),
        (vec![1; 31], false),
        (vec![1; 33], false),
        (vec![b'x'; 9000], false),
        (line.repeat(2).into_bytes(), true),
        (short.into_bytes(), true),
        (later.into_bytes(), true),
    ] {
        let _gone = fs::remove_file(&path);
        fs::write(&path, &content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let said = KeyFile::open(&path).unwrap_err();
        assert_eq!(matches!(said, KeyFileError::Line { .. }), line_wrong, "{said}");
        assert!(line_wrong || matches!(said, KeyFileError::Length { .. }), "{said}");
    }
}

#[test]
fn a_link_is_refused() {
    let (folder, path) = scratch();
    KeyFile::create(&path).unwrap();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    assert!(matches!(KeyFile::open(&link), Err(KeyFileError::Io(_))));
}
