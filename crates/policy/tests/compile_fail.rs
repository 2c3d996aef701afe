//! Programs that must not compile: each tries to get round a proof, and the compiler says no.
//!
//! A program marks the line that must be refused with `//~ CODE`; every error of the compiler has to be marked and every mark
//! met, so that none is refused for another reason than its own. Only line and code are compared: the compiler is whatever is
//! stable, and its wording changes from one release to the next. All programs are one package and one run of cargo, without
//! the network and with the workspace's lock file.
#![cfg(test)]

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Line and code of each error.
type Errors = BTreeSet<(u64, String)>;

const HERE: &str = env!("CARGO_MANIFEST_DIR");

fn programs() -> BTreeMap<String, PathBuf> {
    let folder = Path::new(HERE).join("tests/compile_fail");
    fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), path))
        .collect()
}

fn marked(program: &Path) -> Errors {
    let text = fs::read_to_string(program).unwrap();
    (1..)
        .zip(text.lines())
        .filter_map(|(number, line)| Some((number, line.split_once("//~ ")?.1.trim().to_owned())))
        .collect()
}

/// A package whose binaries are the programs.
fn package(programs: &BTreeMap<String, PathBuf>) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("compile_fail");
    fs::create_dir_all(&folder).unwrap();
    let crates = Path::new(HERE).parent().unwrap();
    let mut manifest = format!(
        "[package]\nname = \"programs\"\nversion = \"0.0.0\"\nedition = \"2024\"\n[workspace]\n[dependencies]\nserde = \"1\"\n\
         keepgate-kernel = {{ path = {kernel:?} }}\nkeepgate-policy = {{ path = {policy:?} }}\n\
         keepgate-rbac = {{ path = {rbac:?}, default-features = false }}\n\
         keepgate-store = {{ path = {store:?}, default-features = false }}\n",
        kernel = crates.join("kernel"),
        policy = crates.join("policy"),
        rbac = crates.join("rbac"),
        store = crates.join("store"),
    );
    for (name, path) in programs {
        writeln!(manifest, "[[bin]]\nname = {name:?}\npath = {path:?}").unwrap();
    }
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(crates.join("../Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    folder
}

/// What the compiler says about each program: its errors, and the same for people.
fn refused(package: &Path) -> BTreeMap<String, (Errors, String)> {
    let done = Command::new(env!("CARGO"))
        .args(["check", "--offline", "--keep-going", "--bins", "--message-format=json"])
        .current_dir(package)
        .env("CARGO_TARGET_DIR", package.join("target"))
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .output()
        .unwrap();
    let messages: Vec<Value> = String::from_utf8_lossy(&done.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect();
    let mut refused = BTreeMap::<String, (Errors, String)>::new();
    for message in messages
        .iter()
        .filter(|message| message["reason"] == "compiler-artifact")
    {
        refused
            .entry(message["target"]["name"].as_str().unwrap().to_owned())
            .or_default();
    }
    for message in messages.iter().filter(|message| message["message"]["level"] == "error") {
        let spans = message["message"]["spans"].as_array().unwrap();
        let Some(primary) = spans.iter().find(|span| span["is_primary"] == true) else {
            continue; // "could not compile … due to 1 previous error"
        };
        let code = message["message"]["code"]["code"].as_str().unwrap_or("none").to_owned();
        let (errors, told) = refused
            .entry(message["target"]["name"].as_str().unwrap().to_owned())
            .or_default();
        errors.insert((primary["line_start"].as_u64().unwrap(), code));
        told.push_str(message["message"]["rendered"].as_str().unwrap_or_default());
    }
    assert!(
        !refused.is_empty(),
        "cargo did not get as far as the programs:\n{}",
        String::from_utf8_lossy(&done.stderr)
    );
    refused
}

#[test]
fn no_program_gets_round_a_proof() {
    let programs = programs();
    assert!(programs.len() > 30, "{}", programs.len());
    let refused = refused(&package(&programs));
    let mut wrong = String::new();
    for (name, path) in &programs {
        let wanted = marked(path);
        assert_eq!(
            wanted.is_empty(),
            name == "control",
            "{name}: the control alone has no mark"
        );
        match refused.get(name) {
            None => writeln!(wrong, "{name}: the compiler never came to it").unwrap(),
            Some((found, told)) if *found != wanted => {
                writeln!(wrong, "{name}: wanted {wanted:?}, found {found:?}\n{told}").unwrap();
            }
            Some(_) => {}
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
