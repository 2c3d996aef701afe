//! The floors of the house: who may depend on whom, tests included.

use std::cmp::Ordering;

use super::tree::{Breach, Dependency, Package, Tree};

/// Folder and floor. A crate depends only on crates of lower floors; those of one floor are siblings.
const FLOORS: [(&str, u8); 20] = [
    ("crates/kernel", 0),
    ("crates/machine-clock", 0),
    ("crates/merkle", 0),
    ("crates/outward", 0),
    ("crates/pg-local", 0),
    ("crates/policy", 1),
    ("crates/store", 2),
    ("crates/audit", 3),
    ("crates/channels", 3),
    ("crates/crypto-keys", 3),
    ("crates/identity", 3),
    ("crates/rbac", 3),
    ("crates/sso", 3),
    ("crates/witness", 3),
    ("crates/gate", 4),
    ("crates/key-services", 4),
    ("crates/api-gateway", 5),
    ("crates/keepgate", 6),
    ("tests", 7),
    ("xtask", 7),
];

/// The private server belongs to those who run things, not to a library.
const PG_LOCAL: &str = "keepgate-pg-local";
const RUNS_THINGS: u8 = 6;

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    tree.packages
        .iter()
        .flat_map(|package| of_package(tree, package))
        .collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Breach> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let Some(floor) = floor_of_folder(&package.folder) else {
        return vec![Breach::new(
            manifest,
            "this crate has no floor; give it one in xtask/src/check/floors.rs",
        )];
    };
    let mut breaches = Vec::new();
    if package.name != name_of(&package.folder) {
        let name = name_of(&package.folder);
        breaches.push(Breach::new(
            tree.dependency_at(package, "name"),
            format!("a crate is named after its folder: call it `{name}`"),
        ));
    }
    for dependency in &package.dependencies {
        if let Some(what) = edge(package, floor, dependency) {
            breaches.push(Breach::new(tree.dependency_at(package, &dependency.name), what));
        }
    }
    breaches
}

/// What is wrong with this dependency, if it is one of ours.
fn edge(package: &Package, floor: u8, dependency: &Dependency) -> Option<String> {
    let name = &dependency.name;
    let below = floor_of_name(name)?;
    // A crate's tests may depend on the crate itself, to turn on its test kit.
    if *name == package.name && dependency.for_tests {
        return None;
    }
    match below.cmp(&floor) {
        Ordering::Greater => Some(format!(
            "depends on `{name}`, which is on a higher floor; turn the dependency round, or move what both need down"
        )),
        Ordering::Equal => Some(format!(
            "depends on its sibling `{name}`; what both need belongs in kernel, policy or store, or meets in gate"
        )),
        Ordering::Less if name == PG_LOCAL && floor < RUNS_THINGS => Some(format!(
            "depends on `{name}`; only the binary, xtask and tests run a server"
        )),
        Ordering::Less => None,
    }
}

fn name_of(folder: &str) -> String {
    match folder {
        "crates/keepgate" => "keepgate".into(),
        "xtask" => "xtask".into(),
        other => format!("keepgate-{}", other.strip_prefix("crates/").unwrap_or(other)),
    }
}

fn floor_of_folder(folder: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == folder).map(|(_, floor)| *floor)
}

fn floor_of_name(package: &str) -> Option<u8> {
    FLOORS
        .iter()
        .find(|(folder, _)| name_of(folder) == package)
        .map(|(_, floor)| *floor)
}
