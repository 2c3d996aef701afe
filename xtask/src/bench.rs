//! `cargo xtask bench NAME`: speed, as a ratio to a baseline of the same run. Each benchmark is a package of its own under
//! `benches/`, outside the workspace, so that nobody else builds what it compares with.

use anyhow::{Result, bail};

use crate::{
    run::{cargo, run},
    workspace,
};

/// Builds and runs `benches/NAME` in release; `args` are its own.
pub fn bench(name: &str, args: &[&str]) -> Result<()> {
    let manifest = workspace::root().join("benches").join(name).join("Cargo.toml");
    if !manifest.exists() {
        bail!("there is no benchmark `{name}`: {} is missing", manifest.display());
    }
    let mut command = cargo(&["run", "--release", "--quiet", "--locked", "--manifest-path"]);
    command
        .arg(&manifest)
        .arg("--target-dir")
        .arg(workspace::target()?.join("bench"))
        .arg("--")
        .args(args);
    run(&mut command)
}
