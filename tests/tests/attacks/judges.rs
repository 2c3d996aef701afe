//! What tools that nobody here wrote say about the database: pgTAP about its catalogue, pgrls about its policies, squawk about
//! its migrations. Where one is missing the reason is told; in CI that is a failure.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use sqlx::{AssertSqlSafe, PgConnection};

use crate::siege::{Siege, run};

const SHAPE: &str = include_str!("../../database/shape.sql");
const PGRLS: Tool = Tool {
    package: "pgrls",
    program: "pgrls",
    version: "0.57.1",
};
const SQUAWK: Tool = Tool {
    package: "squawk-cli",
    program: "squawk",
    version: "2.70.0",
};
/// Older migrations are as they are: they ran on empty databases.
const FROM: &str = "0010";

struct Tool {
    package: &'static str,
    program: &'static str,
    version: &'static str,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the runner of the tests knows where the cluster is, and whether a missing judge is a failure"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn missing(what: &str) {
    assert!(environment("CI").is_none(), "{what} is missing");
    println!("{what} is missing: not judged");
}

fn here() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

impl Tool {
    /// The program, installed from PyPI beside the other build products, once for each version.
    fn program(&self) -> Option<PathBuf> {
        let judges = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("judges");
        let home = judges.join(format!("{}-{}", self.program, self.version));
        let program = home.join("bin").join(self.program);
        if !program.exists() {
            let done = |command: &mut Command| command.status().is_ok_and(|status| status.success());
            std::fs::create_dir_all(&judges).unwrap();
            let wanted = format!("{}=={}", self.package, self.version);
            let installed = done(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&home))
                && done(
                    Command::new(home.join("bin/pip"))
                        .args(["install", "--quiet", "--disable-pip-version-check"])
                        .arg(wanted),
                );
            if !installed {
                missing(self.package);
                return None;
            }
        }
        Some(program)
    }
}

fn judged(command: &mut Command) {
    let said = command.output().unwrap();
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&said.stdout),
        String::from_utf8_lossy(&said.stderr)
    );
    assert!(said.status.success(), "{text}");
    println!("{text}");
}

/// pgTAP is plain SQL: the package of one PostgreSQL serves every other.
fn pgtap() -> Option<String> {
    let versions = std::fs::read_dir("/usr/share/postgresql").ok()?;
    let folders = versions
        .filter_map(Result::ok)
        .map(|version| version.path().join("extension"));
    let files = folders
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok);
    let of_a_version =
        |name: &str| name.starts_with("pgtap--") && name.ends_with(".sql") && name.matches("--").count() == 1;
    let mut found: Vec<PathBuf> = files
        .map(|file| file.path())
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| of_a_version(&name.to_string_lossy()))
        })
        .collect();
    found.sort();
    std::fs::read_to_string(found.pop()?).ok()
}

/// The lines that pgTAP says to `statements`.
async fn told(connection: &mut PgConnection, statements: &str) -> Vec<String> {
    let mut said = Vec::new();
    for statement in statements.lines().filter(|line| line.starts_with("SELECT ")) {
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(statement.to_owned()))
            .fetch_all(&mut *connection)
            .await
            .unwrap();
        said.extend(lines);
    }
    said
}

#[tokio::test]
async fn pgtap_finds_the_catalogue_as_it_should_be() {
    let Some(extension) = pgtap() else {
        return missing("pgTAP (Debian: postgresql-15-pgtap)");
    };
    let siege = Siege::begin(true).await;
    let mut admin = siege.db.admin().await;
    run(
        &mut admin,
        &format!("create schema pgtap; set search_path = pgtap, public; {extension}"),
    )
    .await
    .unwrap();
    let _begun: Vec<String> = sqlx::query_scalar("select * from no_plan()")
        .fetch_all(&mut admin)
        .await
        .unwrap();
    let said = told(&mut admin, SHAPE).await;
    println!("{}", said.join("\n"));
    let wrong: Vec<&String> = said.iter().filter(|line| !line.starts_with("ok ")).collect();
    assert!(said.len() >= 20 && wrong.is_empty(), "{wrong:#?}");
    // Each kind of crack is seen: the assertions can fail.
    run(
        &mut admin,
        "create table rbac.open (tenant_id uuid); grant select, truncate on rbac.open to kg_app; create policy all_of_it on rbac.open to kg_app using (true);
         create function gate.loose() returns int language sql security definer as 'select 1'; alter table rbac.principal enable trigger guard",
    )
    .await
    .unwrap();
    let broken = told(&mut admin, SHAPE)
        .await
        .iter()
        .filter(|line| line.starts_with("not ok "))
        .count();
    assert!(broken >= 7, "{broken} assertions saw the cracks");
    siege.end().await;
}

#[tokio::test]
async fn pgrls_finds_no_leaking_policy() {
    let Some(program) = PGRLS.program() else { return };
    let siege = Siege::begin(true).await;
    let name = siege.ask("select current_database()::text").await;
    let cluster = environment("DATABASE_URL").unwrap();
    let (head, tail) = cluster.rsplit_once('/').unwrap();
    let query = tail
        .split_once('?')
        .map_or_else(String::new, |(_, query)| format!("?{query}"));
    let mut lint = Command::new(program);
    lint.arg("lint").arg("--config").arg(here().join("database/pgrls.toml"));
    judged(lint.arg("--database-url").arg(format!("{head}/{name}{query}")));
    siege.end().await;
}

#[test]
fn squawk_finds_no_dangerous_migration() {
    let Some(program) = SQUAWK.program() else { return };
    let folder = here().parent().unwrap().join("migrations");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    files.retain(|path| {
        path.file_name()
            .is_some_and(|name| name.to_string_lossy().as_ref() >= FROM)
    });
    files.sort();
    assert!(!files.is_empty());
    let mut squawk = Command::new(program);
    judged(
        squawk
            .arg("--config")
            .arg(here().join("database/squawk.toml"))
            .args(files)
            .env("NO_COLOR", "1"),
    );
}
