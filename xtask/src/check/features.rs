//! A library user can leave Postgres out: each library builds without default features, and sqlx is then not in its tree.

use anyhow::Result;

use super::tree::{Breach, Package, Tree};
use crate::run::output;

/// Compiles, so it takes a while the first time.
pub fn breaches(tree: &Tree) -> Result<Vec<Breach>> {
    let mut breaches = Vec::new();
    for package in libraries(tree) {
        breaches.extend(sqlx_in_tree(tree, package)?);
        breaches.extend(build(tree, package));
    }
    Ok(breaches)
}

fn libraries(tree: &Tree) -> impl Iterator<Item = &Package> {
    tree.packages
        .iter()
        .filter(|package| package.is_library && package.folder.starts_with("crates/"))
}

/// One crate at a time: cargo would join the features of several.
pub fn sqlx_in_tree(tree: &Tree, package: &Package) -> Result<Option<Breach>> {
    let mut cargo = cargo_at(
        tree,
        &[
            "tree",
            "--no-default-features",
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "-p",
        ],
    );
    let listed = output(cargo.arg(&package.name))?;
    let sqlx = listed.lines().any(|line| {
        line.split(' ')
            .next()
            .is_some_and(|name| name == "sqlx" || name.starts_with("sqlx-"))
    });
    let what = "sqlx is in its tree without default features; depend on the lower crate without its default features, or make sqlx optional";
    Ok(sqlx.then(|| Breach::new(format!("{}/Cargo.toml", package.folder), what)))
}

fn build(tree: &Tree, package: &Package) -> Option<Breach> {
    let mut cargo = cargo_at(tree, &["check", "--quiet", "--no-default-features", "-p"]);
    output(cargo.arg(&package.name)).err()?;
    let what = format!(
        "does not build without default features; see `cargo check --no-default-features -p {}`",
        package.name
    );
    Some(Breach::new(format!("{}/Cargo.toml", package.folder), what))
}

fn cargo_at(tree: &Tree, args: &[&str]) -> std::process::Command {
    let mut cargo = std::process::Command::new("cargo");
    cargo.args(args).current_dir(&tree.root);
    cargo
}
