//! Each rule is broken once in a small workspace and must say where.

use std::{fs, path::Path, process::Command};

use super::{
    RULES, asvs, features,
    tree::{Breach, Tree},
};

const ROOT: &str = r#"
[workspace]
resolver = "3"
members = ["crates/*"]
exclude = ["vendor"]

[workspace.dependencies]
sqlx = { path = "vendor/sqlx" }
axum = { path = "vendor/axum" }
keepgate-kernel = { path = "crates/kernel" }
keepgate-audit = { path = "crates/audit", default-features = false }
keepgate-rbac = { path = "crates/rbac" }
keepgate-pg-local = { path = "crates/pg-local" }

[workspace.lints.rust]
unsafe_code = "forbid"
missing_docs = "warn"
"#;

const AUDIT: &str = r#"
[package]
name = "keepgate-audit"
edition = "2024"

[features]
default = ["postgres"]
postgres = ["dep:sqlx"]

[lints]
workspace = true

[dependencies]
keepgate-kernel.workspace = true
sqlx = { workspace = true, optional = true }
"#;

const PG_LOCAL: &str = r#"
[package]
name = "keepgate-pg-local"
edition = "2024"

[lints.rust]
unsafe_code = "deny"
missing_docs = "warn"
"#;

/// A crate's manifest with these lines below `[dependencies]`.
fn manifest(name: &str, dependencies: &str) -> String {
    format!(
        "[package]\nname = \"{name}\"\nedition = \"2024\"\n[lints]\nworkspace = true\n[dependencies]\n{dependencies}"
    )
}

/// A workspace that keeps every rule, with `seeds` written over it.
fn workspace(seeds: &[(&str, &str)]) -> (tempfile::TempDir, Tree) {
    let dir = tempfile::tempdir().unwrap();
    let kernel = manifest("keepgate-kernel", "");
    let rbac = manifest("keepgate-rbac", "keepgate-kernel.workspace = true\n");
    let page = page(|_| None);
    let healthy = [
        ("Cargo.toml", ROOT),
        (asvs::PAGE, &page),
        ("crates/kernel/Cargo.toml", &kernel),
        (
            "crates/kernel/src/lib.rs",
            "//! Says sqlx and https://sqlx in comments only. // sqlx\n",
        ),
        ("crates/audit/Cargo.toml", AUDIT),
        (
            "crates/audit/src/lib.rs",
            "#[cfg(feature = \"postgres\")]\nmod postgres;\n",
        ),
        ("crates/audit/src/postgres.rs", "use sqlx as _;\n"),
        (
            "crates/audit/src/proof.rs",
            "fn helps() {}\n\n#[test]\nfn holds() {}\n\nfn listed() {}\ncases!(listed);\n",
        ),
        ("crates/rbac/Cargo.toml", &rbac),
        ("crates/rbac/src/lib.rs", ""),
        ("crates/pg-local/Cargo.toml", PG_LOCAL),
        ("crates/pg-local/src/lib.rs", ""),
        (
            "docs/adr/0002-embedded-postgres-and-unsafe.md",
            "keepgate-pg-local runs a server.\n",
        ),
        ("migrations/0001_roles.sql", ""),
        ("migrations/0002_tenants.sql", ""),
        (
            "vendor/sqlx/Cargo.toml",
            "[package]\nname = \"sqlx\"\nedition = \"2024\"\n[workspace]\n",
        ),
        ("vendor/sqlx/src/lib.rs", ""),
        (
            "vendor/axum/Cargo.toml",
            "[package]\nname = \"axum\"\nedition = \"2024\"\n[workspace]\n",
        ),
        ("vendor/axum/src/lib.rs", ""),
    ];
    for (path, text) in healthy.iter().chain(seeds) {
        write(dir.path(), path, text);
    }
    assert!(
        Command::new("git")
            .args(["init", "-q"])
            .current_dir(dir.path())
            .status()
            .unwrap()
            .success()
    );
    let tree = Tree::load(dir.path()).unwrap();
    (dir, tree)
}

/// The page about ASVS, where `row` says of a requirement what else than the healthy line stands there.
fn page(row: impl Fn(&str) -> Option<String>) -> String {
    let healthy = |id: &str| format!("| {id} | 1 | asked | partly | missing | `audit::proof::holds` |\n");
    let all = asvs::REQUIREMENTS.map(|id| row(id).unwrap_or_else(|| healthy(id)));
    all.concat()
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn found(rule: &str, tree: &Tree) -> Vec<Breach> {
    let rule = RULES.iter().find(|candidate| candidate.name == rule).unwrap();
    (rule.breaches)(tree)
}

/// The rule finds the seed at `at`, and nothing else.
fn finds(rule: &str, seed: (&str, &str), at: &str) {
    let (_dir, tree) = workspace(&[seed]);
    let places: Vec<String> = found(rule, &tree).into_iter().map(|breach| breach.at).collect();
    assert_eq!(places, [at], "{rule}");
}

#[test]
fn a_sound_workspace_keeps_every_rule() {
    let (_dir, tree) = workspace(&[]);
    for rule in &RULES {
        assert_eq!((rule.breaches)(&tree), [], "{}", rule.name);
    }
}

#[test]
fn a_lower_crate_may_not_depend_on_a_higher_one_not_even_in_tests() {
    let upward = manifest(
        "keepgate-kernel",
        "[dev-dependencies]\nkeepgate-rbac.workspace = true\n",
    );
    finds(
        "floors",
        ("crates/kernel/Cargo.toml", &upward),
        "crates/kernel/Cargo.toml:8",
    );
}

#[test]
fn siblings_may_not_depend_on_one_another() {
    let sideways = manifest("keepgate-rbac", "keepgate-audit.workspace = true\n");
    finds(
        "floors",
        ("crates/rbac/Cargo.toml", &sideways),
        "crates/rbac/Cargo.toml:7",
    );
}

#[test]
fn a_crates_tests_may_turn_on_its_own_test_kit() {
    let itself = manifest("keepgate-rbac", "[dev-dependencies]\nkeepgate-rbac.workspace = true\n");
    let (_dir, tree) = workspace(&[("crates/rbac/Cargo.toml", &itself)]);
    assert_eq!(found("floors", &tree), []);
}

#[test]
fn a_library_may_not_run_a_server() {
    let runs = manifest("keepgate-rbac", "keepgate-pg-local.workspace = true\n");
    finds("floors", ("crates/rbac/Cargo.toml", &runs), "crates/rbac/Cargo.toml:7");
}

#[test]
fn a_crate_without_a_floor_or_with_another_name_is_found() {
    let (_dir, tree) = workspace(&[
        ("crates/attic/Cargo.toml", &manifest("keepgate-attic", "")),
        ("crates/attic/src/lib.rs", ""),
    ]);
    assert!(found("floors", &tree)[0].what.contains("no floor"));
    finds(
        "floors",
        ("crates/kernel/Cargo.toml", &manifest("kernel", "")),
        "crates/kernel/Cargo.toml:2",
    );
}

#[test]
fn sql_outside_a_postgres_module_is_found() {
    finds(
        "sqlx",
        ("crates/audit/src/memory.rs", "\nfn f() { sqlx::query(\"\"); }\n"),
        "crates/audit/src/memory.rs:2",
    );
    let (_dir, tree) = workspace(&[
        ("crates/audit/src/postgres/rows.rs", "use sqlx;"),
        ("crates/audit/tests/t.rs", "use sqlx;"),
    ]);
    assert_eq!(found("sqlx", &tree), []);
}

#[test]
fn sqlx_must_be_behind_the_feature_postgres() {
    let always = manifest("keepgate-rbac", "sqlx.workspace = true\n");
    finds("sqlx", ("crates/rbac/Cargo.toml", &always), "crates/rbac/Cargo.toml:7");
    let misnamed = AUDIT
        .replace("postgres = [", "database = [")
        .replace("[\"postgres\"]", "[\"database\"]");
    finds(
        "sqlx",
        ("crates/audit/Cargo.toml", &misnamed),
        "crates/audit/Cargo.toml:15",
    );
}

#[test]
fn axum_outside_the_gateway_is_found() {
    let http = manifest("keepgate-rbac", "axum.workspace = true\n");
    finds("axum", ("crates/rbac/Cargo.toml", &http), "crates/rbac/Cargo.toml:7");
}

#[test]
fn sqlx_left_in_the_tree_without_default_features_is_found() {
    let forced = AUDIT.replace(", optional = true", "").replace("[\"dep:sqlx\"]", "[]");
    for (audit, wanted) in [(AUDIT, false), (&forced, true)] {
        let (_dir, tree) = workspace(&[("crates/audit/Cargo.toml", audit)]);
        let package = tree
            .packages
            .iter()
            .find(|package| package.name == "keepgate-audit")
            .unwrap();
        assert_eq!(features::sqlx_in_tree(&tree, package).unwrap().is_some(), wanted);
    }
}

#[test]
fn a_long_file_is_found_by_its_own_limit() {
    let lines = |n: usize| "//\n".repeat(n);
    finds(
        "sizes",
        ("crates/rbac/src/lib.rs", &lines(81)),
        "crates/rbac/src/lib.rs:81",
    );
    finds(
        "sizes",
        ("crates/rbac/src/grant.rs", &lines(401)),
        "crates/rbac/src/grant.rs:401",
    );
    finds(
        "sizes",
        ("crates/rbac/tests/grant.rs", &lines(601)),
        "crates/rbac/tests/grant.rs:601",
    );
    let (_dir, tree) = workspace(&[
        ("crates/rbac/src/lib.rs", &lines(80)),
        ("crates/rbac/src/tests.rs", &lines(600)),
    ]);
    assert_eq!(found("sizes", &tree), []);
}

#[test]
fn a_crate_that_does_not_inherit_the_lints_is_found() {
    let without = manifest("keepgate-rbac", "").replace("[lints]\nworkspace = true\n", "");
    finds("lints", ("crates/rbac/Cargo.toml", &without), "crates/rbac/Cargo.toml");
}

#[test]
fn a_table_of_its_own_must_be_named_in_its_adr_and_stay_a_copy() {
    let drifted = PG_LOCAL.replace("missing_docs = \"warn\"", "missing_docs = \"allow\"");
    finds(
        "lints",
        ("crates/pg-local/Cargo.toml", &drifted),
        "crates/pg-local/Cargo.toml:6",
    );
    let adr = ("docs/adr/0002-embedded-postgres-and-unsafe.md", "Says nothing.");
    finds("lints", adr, "crates/pg-local/Cargo.toml:6");
}

#[test]
fn a_version_outside_the_root_is_found() {
    let own = manifest(
        "keepgate-rbac",
        "[target.'cfg(unix)'.dev-dependencies]\naxum = { path = \"../../vendor/axum\" }\n",
    );
    finds("versions", ("crates/rbac/Cargo.toml", &own), "crates/rbac/Cargo.toml:8");
}

#[test]
fn a_second_query_cache_is_found() {
    let nested = "crates/audit/.sqlx/query-1.json";
    finds("one-cache", (nested, "{}"), nested);
    let (_dir, tree) = workspace(&[(".sqlx/query-1.json", "{}")]);
    assert_eq!(found("one-cache", &tree), []);
}

#[test]
fn a_registry_host_or_a_machine_path_is_found() {
    finds(
        "leaks",
        ("README.md", &format!("one\nsee {}{}\n", "pypi", ".org")),
        "README.md:2",
    );
    finds(
        "leaks",
        ("docs/a.md", &format!("in {}{}/x\n", "/work", "/main")),
        "docs/a.md:1",
    );
}

#[test]
fn a_twin_or_a_misnamed_migration_is_found_and_a_gap_is_none() {
    let (_dir, tree) = workspace(&[("migrations/0004_gap.sql", "")]);
    assert_eq!(found("migrations", &tree), []);
    finds(
        "migrations",
        ("migrations/0002_zzz_twin.sql", ""),
        "migrations/0002_zzz_twin.sql",
    );
    finds(
        "migrations",
        ("migrations/0003-Wrong.sql", ""),
        "migrations/0003-Wrong.sql",
    );
}

#[test]
fn unsafe_code_outside_its_home_is_found() {
    let block = concat!("fn f() { un", "safe { g() } }\n");
    finds(
        "unsafe",
        ("crates/pg-local/src/other.rs", block),
        "crates/pg-local/src/other.rs:1",
    );
    let clock = PG_LOCAL.replace("pg-local", "machine-clock");
    for home in [
        "crates/pg-local/src/pdeathsig.rs",
        "crates/machine-clock/src/adjtimex.rs",
    ] {
        let (_dir, tree) = workspace(&[
            ("crates/machine-clock/Cargo.toml", &clock),
            ("crates/machine-clock/src/lib.rs", ""),
            (home, block),
        ]);
        assert_eq!(found("unsafe", &tree), []);
    }
}

/// What the rule says about a page whose line for V1.3.6, the second one, is `line`.
fn of_asvs(line: &str) -> Vec<String> {
    let page = page(|id| (id == "V1.3.6").then(|| format!("{line}\n")));
    let (_dir, tree) = workspace(&[(asvs::PAGE, &page)]);
    let found = found("asvs", &tree).into_iter();
    found
        .map(|breach| breach.to_string().replace(asvs::PAGE, "page"))
        .collect()
}

#[test]
fn a_requirement_that_is_met_by_no_test_or_by_one_that_is_not_there_is_found() {
    let with = |tests: &str| of_asvs(&format!("| V1.3.6 | 2 | asked | met | how | {tests} |"));
    for test in ["`audit::proof::holds`", "`audit::proof::listed`"] {
        assert_eq!(with(test), [""; 0], "{test}");
    }
    assert_eq!(
        with(""),
        ["page:2: `met` without a test; name one, or say what is missing"]
    );
    for absent in [
        "audit::proof::gone",
        "audit::holds",
        "rbac::proof::holds",
        "audit::proof::helps",
    ] {
        let named = with(&format!("`audit::proof::holds`, `{absent}`"));
        assert_eq!(named, [format!("page:2: there is no test `{absent}`")]);
    }
}

#[test]
fn a_requirement_that_is_missing_double_unknown_or_in_no_known_state_is_found() {
    assert_eq!(of_asvs(""), ["page: V1.3.6 stands there 0 times; once is right"]);
    let line = "| V1.3.6 | 2 | asked | not met yet | | |";
    assert_eq!(of_asvs(line), [""; 0]);
    assert_eq!(
        of_asvs(&format!("{line}\n{line}")),
        ["page: V1.3.6 stands there 2 times; once is right"]
    );
    let other = of_asvs(&format!("{line}\n| V99.1.1 | 1 | asked | not met yet | | |"));
    assert_eq!(other, ["page:3: V99.1.1 is not among the sixty"]);
    assert!(of_asvs("| V1.3.6 | 2 | asked | met! | | `audit::proof::holds` |")[0].contains("is no state"));
}
