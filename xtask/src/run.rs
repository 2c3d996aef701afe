//! Running other programs, and printing.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use anyhow::{Context, Result, bail};

/// Prints one line to standard output.
#[expect(clippy::print_stdout, reason = "a command's output is what it is for")]
pub fn say(line: &str) {
    println!("{line}");
}

/// A cargo command at the workspace's root.
pub fn cargo(args: &[&str]) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.args(args).current_dir(crate::workspace::root());
    cargo
}

/// Runs `command` and fails if it does.
pub fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    let status = command.status().with_context(|| format!("can't run {shown}"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Runs `command` and returns what it printed.
pub fn output(command: &mut Command) -> Result<String> {
    let shown = shown(command);
    let out = command.output().with_context(|| format!("can't run {shown}"))?;
    if !out.status.success() {
        bail!(
            "`{shown}` failed ({}): {}",
            out.status,
            String::from_utf8_lossy(&out.stderr).trim()
        );
    }
    String::from_utf8(out.stdout).with_context(|| format!("`{shown}` printed something that is not UTF-8"))
}

/// Runs `command`, passes its output through line by line, and returns whether it succeeded and all its lines.
pub fn teed(command: &mut Command) -> Result<(bool, Vec<String>)> {
    let shown = shown(command);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("can't run {shown}"))?;
    let (stdout, stderr) = (
        child.stdout.take().context("no stdout")?,
        child.stderr.take().context("no stderr")?,
    );
    let errors = thread::spawn(move || pass_on(stderr, io::stderr()));
    let mut lines = pass_on(stdout, io::stdout());
    lines.extend(errors.join().unwrap_or_default());
    Ok((child.wait()?.success(), lines))
}

fn pass_on(from: impl Read, mut to: impl Write) -> Vec<String> {
    let mut lines = Vec::new();
    for line in BufReader::new(from).split(b'\n').map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line).into_owned();
        // A closed terminal must not end the tests.
        let _ = writeln!(to, "{line}");
        lines.push(line);
    }
    lines
}

/// The program and its arguments; never its environment, which may carry a URL with a password.
fn shown(command: &Command) -> String {
    let words = [command.get_program()].into_iter().chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}
