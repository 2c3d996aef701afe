//! One `.sqlx`, at the root: a nested one would win over it and go stale unseen.

use super::tree::{Breach, Tree};

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let nested = tree.files.iter().filter(|file| file.path.contains("/.sqlx/"));
    nested
        .map(|file| {
            Breach::new(
                &file.path,
                "remove it; `cargo xtask sqlx` keeps the queries in the root's .sqlx",
            )
        })
        .collect()
}
