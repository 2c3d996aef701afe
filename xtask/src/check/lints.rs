//! Every crate has the workspace's lints. Who can't says so in an ADR, and differs in nothing else.

use toml::{Table, Value};

use super::tree::{Breach, Package, Tree};

/// Crates with a table of their own, and the ADR that says why. `unsafe_code = "forbid"` can't be overridden in one
/// file, so a crate with unsafe code copies the table with `deny`.
const OWN_TABLE: [(&str, &str); 2] = [
    ("keepgate-pg-local", "docs/adr/0002-embedded-postgres-and-unsafe.md"),
    ("keepgate-machine-clock", "docs/adr/0020-how-good-the-clock-is.md"),
];

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    tree.packages
        .iter()
        .filter_map(|package| of_package(tree, package))
        .collect()
}

fn of_package(tree: &Tree, package: &Package) -> Option<Breach> {
    let manifest = tree.manifest(package)?;
    let at = manifest.at("[lints");
    let table: Table = manifest.text.parse().ok()?;
    let lints = table.get("lints");
    let own = OWN_TABLE.iter().find(|(name, _)| *name == package.name);
    let Some((name, adr)) = own else {
        let inherits = lints.and_then(|lints| lints.get("workspace")).and_then(Value::as_bool) == Some(true);
        return (!inherits).then(|| Breach::new(at, "say `[lints] workspace = true`"));
    };
    if !tree.file(adr).is_some_and(|file| file.text.contains(name)) {
        return Some(Breach::new(
            at,
            format!("has lints of its own, but {adr} does not name `{name}`"),
        ));
    }
    let root: Table = tree.file("Cargo.toml")?.text.parse().ok()?;
    let mut wanted = root.get("workspace")?.get("lints")?.clone();
    wanted
        .get_mut("rust")?
        .as_table_mut()?
        .insert("unsafe_code".into(), "deny".into());
    let same = lints == Some(&wanted);
    (!same).then(|| {
        Breach::new(
            at,
            "copy [workspace.lints] from the root again, with `unsafe_code = \"deny\"`",
        )
    })
}
