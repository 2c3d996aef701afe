//! The page about OWASP's ASVS claims nothing that no test shows: every requirement once, every test that is named in the sources.

use super::tree::{Breach, File, Tree, has_word};

pub const PAGE: &str = "docs/security/asvs.md";
const STATES: [&str; 4] = ["met", "partly", "not met yet", "not applicable"];

/// The requirements of version 5.0.0 that the page answers, in its order.
pub const REQUIREMENTS: [&str; 60] = [
    "V1.2.4", "V1.3.6", "V1.5.2", "V2.3.3", "V2.3.5", "V2.4.1", "V4.1.3", "V4.1.4", "V4.1.5", "V4.2.1", "V6.1.1",
    "V6.2.1", "V6.2.9", "V6.2.12", "V6.3.1", "V6.3.2", "V6.3.3", "V6.3.5", "V6.3.7", "V6.3.8", "V6.4.3", "V6.4.6",
    "V6.5.1", "V6.5.5", "V6.8.1", "V7.2.1", "V7.2.4", "V7.3.1", "V7.3.2", "V7.4.1", "V7.4.2", "V7.4.3", "V7.4.5",
    "V7.5.1", "V7.5.3", "V8.1.1", "V8.2.1", "V8.2.2", "V8.2.3", "V8.3.1", "V8.3.2", "V8.3.3", "V8.4.1", "V8.4.2",
    "V9.1.1", "V9.1.2", "V9.1.3", "V9.2.1", "V9.2.2", "V9.2.3", "V11.1.1", "V11.2.2", "V11.3.4", "V11.4.2", "V11.5.1",
    "V12.1.2", "V12.3.1", "V13.2.2", "V13.3.1", "V16.4.2",
];

/// A line of the page's table.
struct Row<'a> {
    line: usize,
    requirement: &'a str,
    state: &'a str,
    tests: Vec<&'a str>,
}

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let Some(page) = tree.file(PAGE) else {
        return vec![Breach::new(PAGE, "is missing")];
    };
    let rows: Vec<Row> = rows(page);
    let of_rows = rows.iter().flat_map(|row| {
        let at = format!("{PAGE}:{}", row.line);
        wrong(row, tree).into_iter().map(move |what| Breach::new(&at, what))
    });
    let counted = REQUIREMENTS.iter().filter_map(|wanted| {
        let times = rows.iter().filter(|row| row.requirement == *wanted).count();
        (times != 1).then(|| Breach::new(PAGE, format!("{wanted} stands there {times} times; once is right")))
    });
    of_rows.chain(counted).collect()
}

fn rows(page: &File) -> Vec<Row<'_>> {
    let lines = page.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let cells: Vec<&str> = line.strip_prefix("| V")?.split('|').map(str::trim).collect();
            let first = line.get(2..)?.split('|').next()?.trim();
            Some(Row {
                line: index + 1,
                requirement: first,
                state: cells.get(3)?,
                tests: cells.get(5)?.split('`').filter(|word| word.contains("::")).collect(),
            })
        })
        .collect()
}

fn wrong(row: &Row, tree: &Tree) -> Vec<String> {
    let mut found = Vec::new();
    if !REQUIREMENTS.contains(&row.requirement) {
        found.push(format!("{} is not among the sixty", row.requirement));
    }
    if !STATES.contains(&row.state) {
        found.push(format!("`{}` is no state; use {}", row.state, STATES.join(", ")));
    }
    if row.state == "met" && row.tests.is_empty() {
        found.push("`met` without a test; name one, or say what is missing".into());
    }
    let unknown = row.tests.iter().filter(|name| !exists(name, tree));
    found.extend(unknown.map(|name| format!("there is no test `{name}`")));
    found
}

/// Whether `crate::path::of::the::file::function` is a test.
fn exists(name: &str, tree: &Tree) -> bool {
    let Some((place, function)) = name.rsplit_once("::") else {
        return false;
    };
    tree.rust_files()
        .any(|file| place_of(&file.path).as_deref() == Some(place) && is_test(&file.text, function))
}

/// `crates/kernel/src/id.rs` is `kernel::id`; folders of sources and roots of modules leave no word.
fn place_of(path: &str) -> Option<String> {
    let path = path.strip_prefix("crates/").unwrap_or(path).strip_suffix(".rs")?;
    let (package, rest) = path.split_once('/')?;
    let inside = rest.strip_prefix("src/").or_else(|| rest.strip_prefix("tests/"))?;
    let words = inside
        .split('/')
        .filter(|word| !matches!(*word, "mod" | "lib" | "main"));
    Some([package].into_iter().chain(words).collect::<Vec<_>>().join("::"))
}

/// A function with the attribute of a test, or one that a list of cases names as well.
fn is_test(text: &str, function: &str) -> bool {
    let head = format!("fn {function}(");
    let lines: Vec<&str> = text.lines().collect();
    let Some(at) = lines.iter().position(|line| line.contains(&head)) else {
        return false;
    };
    let above = lines.iter().take(at).rev();
    let marked = above
        .take_while(|line| !line.is_empty() && !line.starts_with('}'))
        .any(|line| line.contains("#[test]") || line.contains("#[tokio::test"));
    marked || lines.iter().filter(|line| has_word(line, function)).count() > 1
}
