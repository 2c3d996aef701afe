//! SQL only in modules named `postgres`, and only with the feature of that name.

use super::tree::{Breach, Package, Tree, has_word};

/// The binary opens the connections; it is no library, so it needs no feature.
const BINARY: &str = "keepgate";

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let sources = tree
        .rust_files()
        .filter(|file| is_library_source(&file.path) && !is_home(&file.path));
    let in_sources = sources.flat_map(|file| {
        let lines = file.code().filter(|(_, code)| has_word(code, "sqlx"));
        lines.map(|(line, _)| {
            Breach::new(
                format!("{}:{line}", file.path),
                "sqlx outside a module named `postgres`; move it into one",
            )
        })
    });
    let in_manifests = tree
        .packages
        .iter()
        .filter(|package| package.folder.starts_with("crates/") && package.name != BINARY);
    in_sources
        .chain(in_manifests.filter_map(|package| feature(tree, package)))
        .collect()
}

/// Test kits open databases for the tests of other crates; their feature turns `postgres` on.
const TEST_KITS: [&str; 1] = ["crates/store/src/testing/"];

/// Sources of crates; their integration tests, xtask and the end-to-end tests may talk to the database directly.
fn is_library_source(path: &str) -> bool {
    let test_kit = TEST_KITS.iter().any(|folder| path.starts_with(folder));
    path.starts_with("crates/") && path.contains("/src/") && !test_kit
}

fn is_home(path: &str) -> bool {
    path.split('/').any(|part| part == "postgres" || part == "postgres.rs")
}

fn feature(tree: &Tree, package: &Package) -> Option<Breach> {
    let sqlx = package
        .dependencies
        .iter()
        .find(|dependency| dependency.name == "sqlx" && !dependency.for_tests)?;
    let at = tree.dependency_at(package, "sqlx");
    if !sqlx.optional {
        return Some(Breach::new(
            at,
            "make sqlx optional, and turn it on in the feature `postgres`",
        ));
    }
    let postgres = package.features.iter().find(|(name, _)| name == "postgres");
    let turned_on = postgres.is_some_and(|(_, contents)| contents.iter().any(|feature| feature == "dep:sqlx"));
    (!turned_on).then(|| Breach::new(at, "the feature `postgres` must list `dep:sqlx`"))
}
