//! `cargo xtask permissions`: what is generated from the policy's table: the golden matrix, the page for people, and the
//! database's copy. The API description takes the same table from the binary.

mod matrix;
mod migration;
mod page;
mod table;

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{run::say, workspace};

/// A generated file: where, and its whole text.
struct Generated {
    path: String,
    text: String,
}

/// Rewrites what differs, or with `check` fails if something does.
pub fn permissions(check: bool) -> Result<()> {
    let root = workspace::root();
    let stale = stale(&root)?;
    if stale.is_empty() {
        say("the permission tables are up to date");
        return Ok(());
    }
    let names: Vec<&str> = stale.iter().map(|file| file.path.as_str()).collect();
    if check {
        bail!(
            "the policy differs from {}: run `cargo xtask permissions`",
            names.join(", ")
        );
    }
    for file in &stale {
        fs::write(root.join(&file.path), &file.text).with_context(|| format!("can't write {}", file.path))?;
        say(&format!("{} is written", file.path));
    }
    Ok(())
}

/// What would have to be written.
fn stale(root: &Path) -> Result<Vec<Generated>> {
    let lines = table::lines();
    let mut wanted = vec![
        Generated {
            path: "crates/policy/tests/matrix.txt".into(),
            text: matrix::text(&lines),
        },
        Generated {
            path: "docs/permissions.md".into(),
            text: page::text(&lines),
        },
    ];
    wanted.retain(|file| fs::read_to_string(root.join(&file.path)).unwrap_or_default() != file.text);
    wanted.extend(migration::wanted(root, &lines)?);
    Ok(wanted)
}
