//! Small rooms: a file is read without scrolling far.

use super::tree::{Breach, Tree};

const SOURCE: usize = 400;
const TESTS: usize = 600;
const LIB: usize = 80;

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let long = tree.rust_files().filter_map(|file| {
        let (lines, limit) = (file.text.lines().count(), limit(&file.path));
        let what = format!("{lines} lines, at most {limit}; split it by operation");
        (lines > limit).then(|| Breach::new(format!("{}:{}", file.path, limit + 1), what))
    });
    long.collect()
}

fn limit(path: &str) -> usize {
    let mut parts = path.rsplit('/');
    let name = parts.next().unwrap_or_default();
    // A folder of tests inside a crate, or the end-to-end crate at the root.
    if name == "tests.rs" || name.ends_with("_tests.rs") || parts.any(|folder| folder == "tests") {
        return TESTS;
    }
    if name == "lib.rs" { LIB } else { SOURCE }
}
