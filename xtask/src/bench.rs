//! `cargo xtask bench NAME`: speed, as a ratio to a baseline of the same run. Each benchmark is a package of its own under
//! `benches/`, outside the workspace, so that nobody else builds what it compares with.

use anyhow::{Result, bail};

use crate::{
    cluster::Throwaway,
    run::{cargo, run},
    server::{Wanted, server},
    workspace,
};

/// Those that need a PostgreSQL; it gets one that syncs.
const ON_POSTGRES: &[&str] = &["audit", "search"];

/// Builds and runs `benches/NAME` in release; `args` are its own.
pub fn bench(name: &str, args: &[&str]) -> Result<()> {
    if matches!(name, "revocation" | "guessing") {
        return of_the_binary(name, args);
    }
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
    if !ON_POSTGRES.contains(&name) {
        return run(&mut command);
    }
    let cluster = Throwaway::durable(&server(Wanted::Any)?)?;
    run(command.env("DATABASE_URL", cluster.url()).env("SQLX_OFFLINE", "true"))
}

/// Those that measure the binary itself, on a PostgreSQL that the rig starts: examples of the end-to-end harness.
fn of_the_binary(name: &str, args: &[&str]) -> Result<()> {
    run(&mut cargo(&["build", "--release", "--bin", "keepgate"]))?;
    let mut rig = cargo(&[
        "run",
        "--release",
        "--quiet",
        "-p",
        "keepgate-tests",
        "--example",
        name,
        "--",
    ]);
    rig.args(args)
        .env("KEEPGATE_BIN", workspace::target()?.join("release/keepgate"))
        .env("KEEPGATE_TEST_PG_BIN", server(Wanted::Any)?.bin_dir);
    run(&mut rig)
}
