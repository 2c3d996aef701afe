//! Versions stand in the root's [workspace.dependencies] alone, with the reason for each.

use toml::{Table, Value};

use super::tree::{Breach, Package, Tree};

const KINDS: [&str; 3] = ["dependencies", "dev-dependencies", "build-dependencies"];

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    tree.packages
        .iter()
        .flat_map(|package| of_package(tree, package))
        .collect()
}

fn of_package(tree: &Tree, package: &Package) -> Vec<Breach> {
    let Some(manifest) = tree.manifest(package) else {
        return vec![];
    };
    let Ok(table) = manifest.text.parse::<Table>() else {
        return vec![Breach::new(&manifest.path, "is not TOML")];
    };
    let targets = table
        .get("target")
        .and_then(Value::as_table)
        .into_iter()
        .flat_map(|targets| targets.values());
    let tables = targets.filter_map(Value::as_table).chain([&table]);
    let dependencies = tables.flat_map(|table| KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()).flatten());
    let own = dependencies.filter(|(_, value)| value.get("workspace").and_then(Value::as_bool) != Some(true));
    own.map(|(name, _)| {
        Breach::new(
            manifest.at(name),
            format!("take `{name}` from the workspace: `{name}.workspace = true`"),
        )
    })
    .collect()
}
