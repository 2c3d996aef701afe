//! `cargo xtask fuzz`: coverage-guided fuzzing with libFuzzer, on stable Rust. The targets are binaries of `fuzz/`, a package
//! outside the workspace; what they find stays in `target/fuzz/` and is told by its path.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};

use crate::{
    run::{cargo, run, say},
    workspace,
};

/// Counts every edge: what `cargo fuzz` asks of the compiler, without the sanitizers that only nightly has (there is no
/// `unsafe` here for them to watch).
const COVERAGE: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Cdebug-assertions -Coverflow-checks -Ccodegen-units=1";

/// Runs every target, or the one named, for `seconds` each. Fails at the first input that breaks a promise.
pub fn fuzz(args: &[&str]) -> Result<()> {
    let (seconds, wanted) = match args {
        [] => (20, None),
        ["--seconds", seconds] => (number(seconds)?, None),
        ["--seconds", seconds, target] => (number(seconds)?, Some(*target)),
        [target] => (20, Some(*target)),
        _ => bail!("usage: cargo xtask fuzz [--seconds N] [TARGET]"),
    };
    let root = workspace::root();
    let targets = targets(&root)?;
    if let Some(unknown) = wanted.filter(|wanted| !targets.iter().any(|target| target == wanted)) {
        bail!("there is no target `{unknown}`; there are {}", targets.join(", "));
    }
    let (manifest, home) = (root.join("fuzz/Cargo.toml"), workspace::target()?.join("fuzz"));
    let mut build = cargo(&["build", "--release", "--quiet", "--locked", "--manifest-path"]);
    // A target named apart, so that build scripts and macros are left uncounted.
    build
        .arg(manifest)
        .arg("--target-dir")
        .arg(&home)
        .args(["--target", &host()?])
        .env("RUSTFLAGS", COVERAGE);
    run(&mut build)?;
    for target in targets
        .iter()
        .filter(|target| wanted.is_none_or(|wanted| wanted == *target))
    {
        one(&root, &home, target, seconds)?;
    }
    Ok(())
}

fn one(root: &Path, home: &Path, target: &str, seconds: u32) -> Result<()> {
    let (corpus, found) = (home.join("corpus").join(target), home.join("found").join(target));
    for dir in [&corpus, &found] {
        fs::create_dir_all(dir).with_context(|| format!("can't make {}", dir.display()))?;
    }
    say(&format!("fuzzing {target} for {seconds} s"));
    let binary = home.join(host()?).join("release").join(target);
    let mut command = std::process::Command::new(binary);
    command
        .arg(&corpus)
        .args(Some(root.join("fuzz/seeds").join(target)).filter(|seeds| seeds.exists()))
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-artifact_prefix={}/", found.display()))
        .args([
            "-max_len=8192",
            "-timeout=5",
            "-rss_limit_mb=1024",
            "-verbosity=0",
            "-print_final_stats=1",
        ]);
    run(&mut command).with_context(|| format!("{target} found something, see {}", found.display()))
}

fn targets(root: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join("fuzz/targets")).context("can't list fuzz/targets")? {
        let path = entry?.path();
        names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort_unstable();
    Ok(names)
}

fn number(text: &str) -> Result<u32> {
    text.parse()
        .with_context(|| format!("`{text}` is no number of seconds"))
}

/// The machine's own target, as rustc names it.
fn host() -> Result<String> {
    let mut rustc = std::process::Command::new("rustc");
    let told = crate::run::output(rustc.arg("-vV"))?;
    let host = told.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not tell its host")?.to_owned())
}
