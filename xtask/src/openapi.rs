//! `cargo xtask openapi`: the API description that the binary carries, in docs/openapi.json.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::{
    run::{cargo, output, say},
    workspace,
};

const FILE: &str = "docs/openapi.json";

/// Rewrites it, or with `check` fails if that would change it.
pub fn openapi(check: bool) -> Result<()> {
    let now = output(&mut cargo(&[
        "run",
        "--quiet",
        "--package",
        "keepgate",
        "--",
        "openapi",
    ]))?;
    if now.trim().is_empty() {
        bail!("`keepgate openapi` printed nothing");
    }
    let path = workspace::root().join(FILE);
    let kept = fs::read_to_string(&path).unwrap_or_default();
    match (now == kept, check) {
        (true, _) => say(&format!("{FILE} is up to date")),
        (false, true) => bail!("{FILE} is stale: run `cargo xtask openapi`"),
        (false, false) => {
            fs::write(&path, now).with_context(|| format!("can't write {FILE}"))?;
            say(&format!("{FILE} is written"));
        }
    }
    Ok(())
}
