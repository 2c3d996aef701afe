//! Where a provisioned server is kept.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// The cache directory of the user we run as: /var/cache/keepgate for root, whose home the server's user can't enter,
/// else `keepgate` in `XDG_CACHE_HOME` or in `.cache` of the home. `None` for a user without a home.
pub fn cache_dir(is_root: bool, xdg_cache_home: Option<&OsStr>, home: Option<&OsStr>) -> Option<PathBuf> {
    if is_root {
        return Some("/var/cache/keepgate".into());
    }
    // The XDG specification: a relative path is to be ignored.
    let xdg = xdg_cache_home
        .map(Path::new)
        .filter(|path| path.is_absolute())
        .map(Path::to_path_buf);
    let home = || {
        home.map(Path::new)
            .filter(|path| path.is_absolute())
            .map(|home| home.join(".cache"))
    };
    Some(xdg.or_else(home)?.join("keepgate"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn root_never_uses_a_home() {
        let dir = cache_dir(true, Some(OsStr::new("/x")), Some(OsStr::new("/root")));
        assert_eq!(dir.unwrap(), Path::new("/var/cache/keepgate"));
    }

    #[test]
    fn a_user_gets_the_xdg_directory_or_the_home() {
        let home = Some(OsStr::new("/u/me"));
        assert_eq!(
            cache_dir(false, Some(OsStr::new("/x")), home).unwrap(),
            Path::new("/x/keepgate")
        );
        assert_eq!(
            cache_dir(false, Some(OsStr::new("rel")), home).unwrap(),
            Path::new("/u/me/.cache/keepgate")
        );
        assert_eq!(
            cache_dir(false, None, home).unwrap(),
            Path::new("/u/me/.cache/keepgate")
        );
        assert_eq!(cache_dir(false, None, None), None);
    }
}
