//! Makes sure that the server's user can get to the directories it needs.
//!
//! Judged by owner, group and mode alone: access lists that open or close a directory further are not read.

use std::{
    fs::{self, Metadata},
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
};

use crate::{StartError, error::Doing, user::ServerUser};

/// Errors with the first directory on the way to `path`, `path` included, that `user` may not enter.
pub(crate) fn check(path: &Path, user: &ServerUser) -> Result<(), StartError> {
    let mut way: Vec<&Path> = path.ancestors().collect();
    way.reverse();
    for dir in way {
        if !may_enter(&fs::metadata(dir).doing("look at", dir)?, user) {
            return Err(StartError::Unreachable {
                user: user.name.clone(),
                dir: dir.into(),
            });
        }
    }
    Ok(())
}

/// Like [`check`], but a data directory that is ours alone (0700) is first opened to the server's group, for passing
/// through only (0710).
pub(crate) fn grant(dir: &Path, user: &ServerUser) -> Result<(), StartError> {
    let meta = fs::metadata(dir).doing("look at", dir)?;
    if !may_enter(&meta, user) && meta.mode() & 0o077 == 0 {
        chown(dir, None, Some(user.gid)).doing("change the group of", dir)?;
        fs::set_permissions(dir, fs::Permissions::from_mode(0o710)).doing("change the mode of", dir)?;
    }
    check(dir, user)
}

/// The server's user has no group but its own: the others are dropped when it is started.
fn may_enter(meta: &Metadata, user: &ServerUser) -> bool {
    let bit = match (meta.uid() == user.uid, meta.gid() == user.gid) {
        (true, _) => 0o100,
        (_, true) => 0o010,
        _ => 0o001,
    };
    meta.mode() & bit != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stranger(gid: u32) -> ServerUser {
        ServerUser {
            name: "stranger".into(),
            uid: 54_321,
            gid,
        }
    }

    #[test]
    fn the_directory_that_refuses_is_named() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (shut, inner) = (base.path().join("shut"), base.path().join("shut/inner"));
        fs::create_dir_all(&inner).unwrap();
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o700)).unwrap();
        let said = check(&inner, &stranger(54_321)).unwrap_err();
        assert!(
            matches!(&said, StartError::Unreachable { dir, .. } if *dir == shut),
            "{said}"
        );
        fs::set_permissions(&shut, fs::Permissions::from_mode(0o711)).unwrap();
        check(&inner, &stranger(54_321)).unwrap();
    }

    #[test]
    fn a_private_data_directory_lets_the_servers_group_pass_and_nobody_else() {
        let base = tempfile::tempdir().unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let dir = base.path().join("data");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o700)).unwrap();
        let ours = fs::metadata(&dir).unwrap().gid();
        grant(&dir, &stranger(ours)).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o710);
    }

    #[test]
    fn a_directory_shared_with_a_group_on_purpose_is_left_alone() {
        let base = tempfile::tempdir().unwrap();
        let dir = base.path().join("data");
        fs::create_dir(&dir).unwrap();
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o750)).unwrap();
        assert!(grant(&dir, &stranger(54_321)).is_err());
        assert_eq!(fs::metadata(&dir).unwrap().mode() & 0o777, 0o750);
    }
}
