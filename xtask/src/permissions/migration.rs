//! The database's copy. Migrations are never edited, so a changed table is a new file that replaces the content: the newest
//! `NNNN_permissions.sql` has to say what the policy says.

use std::{fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Context, Result, bail};

use super::{Generated, table::Line};
use crate::run::output;

const FOLDER: &str = "migrations";
const NAME: &str = "_permissions.sql";

/// Everything after this line is generated.
const MARK: &str = "-- From here on written by `cargo xtask permissions`.\n";

/// The migration that has to be written, if any: the newest one again while nobody else has it, a further one after that.
pub fn wanted(root: &Path, lines: &[Line]) -> Result<Option<Generated>> {
    let body = body(lines);
    let (newest, last) = newest(root)?;
    let text = fs::read_to_string(root.join(&newest)).with_context(|| format!("can't read {newest}"))?;
    let (head, kept) = text
        .split_once(MARK)
        .with_context(|| format!("{newest} has lost its mark"))?;
    if kept == body {
        return Ok(None);
    }
    let (path, head) = if is_committed(root, &newest)? {
        let head = "-- The permission table, as the policy has it now.\nSET LOCAL lock_timeout = '5s';\n".to_owned();
        (format!("{FOLDER}/{:04}{NAME}", last + 1), head)
    } else {
        (newest, head.to_owned())
    };
    Ok(Some(Generated {
        path,
        text: format!("{head}{MARK}{body}"),
    }))
}

/// The newest migration of ours, and the highest number of all.
fn newest(root: &Path) -> Result<(String, u32)> {
    let mut names = Vec::new();
    for entry in fs::read_dir(root.join(FOLDER)).context("can't list the migrations")? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort_unstable();
    let last = names.last().and_then(|name| name.get(..4)?.parse().ok());
    let Some(ours) = names.iter().rfind(|name| name.ends_with(NAME)) else {
        bail!("there is no {FOLDER}/*{NAME}");
    };
    Ok((format!("{FOLDER}/{ours}"), last.context("a migration has no number")?))
}

/// Whether others may have run it already.
fn is_committed(root: &Path, path: &str) -> Result<bool> {
    let mut git = Command::new("git");
    git.args(["ls-tree", "--name-only", "HEAD", "--", path])
        .current_dir(root);
    Ok(!output(&mut git)?.trim().is_empty())
}

fn body(lines: &[Line]) -> String {
    let mut sql = String::from(
        "SET LOCAL ROLE kg_owner;\nALTER TABLE rbac.permission NO FORCE ROW LEVEL SECURITY;\nDELETE FROM rbac.permission;\n\
         INSERT INTO rbac.permission (action, description, levels, api_keys, worker, hats, step_up, two_person, one_factor, reach) VALUES\n",
    );
    for (index, line) in lines.iter().enumerate() {
        let levels: Vec<String> = line.levels.iter().map(ToString::to_string).collect();
        let hats: Vec<&str> = line.hats.iter().map(|hat| hat.as_str()).collect();
        let _infallible = write!(
            sql,
            "{}  ('{}', '{}', '{{{}}}', {}, {}, '{{{}}}', {}, {}, {}, '{}')",
            if index == 0 { "" } else { ",\n" },
            line.action,
            line.description.replace('\'', "''"),
            levels.join(","),
            line.api_keys,
            line.worker,
            hats.join(","),
            line.step_up,
            line.two_person,
            line.one_factor,
            line.reach
        );
    }
    sql.push_str(";\nALTER TABLE rbac.permission FORCE ROW LEVEL SECURITY;\nRESET ROLE;\n");
    sql
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::permissions::table;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join(FOLDER)).unwrap();
        let sql = format!("-- head\n{MARK}{}", body(&table::lines()));
        fs::write(dir.path().join("migrations/0003_permissions.sql"), sql).unwrap();
        fs::write(dir.path().join("migrations/0004_other.sql"), "").unwrap();
        git(dir.path(), &["init", "-q"]);
        commit(dir.path());
        dir
    }

    fn git(root: &Path, args: &[&str]) {
        let who = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let done = Command::new("git")
            .args(who)
            .args(args)
            .current_dir(root)
            .status()
            .unwrap();
        assert!(done.success(), "{args:?}");
    }

    fn commit(root: &Path) {
        git(root, &["add", "."]);
        git(root, &["commit", "-q", "--allow-empty", "-m", "x"]);
    }

    #[test]
    fn a_changed_rule_is_a_new_migration_until_it_is_committed() {
        let dir = tree();
        let mut lines = table::lines();
        assert!(wanted(dir.path(), &lines).unwrap().is_none());
        lines[0].levels = vec![7];
        let first = wanted(dir.path(), &lines).unwrap().unwrap();
        assert_eq!(first.path, "migrations/0005_permissions.sql");
        fs::write(dir.path().join(&first.path), &first.text).unwrap();
        assert!(wanted(dir.path(), &lines).unwrap().is_none());
        lines[1].step_up = true;
        assert_eq!(wanted(dir.path(), &lines).unwrap().unwrap().path, first.path);
        commit(dir.path());
        assert_eq!(
            wanted(dir.path(), &lines).unwrap().unwrap().path,
            "migrations/0006_permissions.sql"
        );
    }

    #[test]
    fn a_line_that_was_edited_by_hand_is_noticed() {
        let dir = tree();
        let path = dir.path().join("migrations/0003_permissions.sql");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("'{5}', false", "'{4,5}', false")).unwrap();
        assert!(wanted(dir.path(), &table::lines()).unwrap().is_some());
    }
}
