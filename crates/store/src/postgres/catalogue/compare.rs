//! Two lists of lines, and where they differ.
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use super::Catalogue;

/// One thing that is not as it was built.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// What, such as `trigger audit.leaf nochange`.
    what: String,
    how: How,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Missing,
    Changed,
    Added,
}

impl Difference {
    pub(super) const fn changed(what: String) -> Self {
        Self {
            what,
            how: How::Changed,
        }
    }

    /// What differs, such as `trigger audit.leaf nochange`. Never a value from a row.
    #[must_use]
    pub fn what(&self) -> &str {
        &self.what
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.how {
            How::Missing => "is missing",
            How::Changed => "was changed",
            How::Added => "was added",
        };
        write!(f, "{} {how}", self.what)
    }
}

/// Name and digest of a line; a digest is its last word.
fn split(line: &str) -> (&str, &str) {
    line.rsplit_once(' ').unwrap_or((line, ""))
}

/// Lines about the pattern that every partition follows.
fn is_pattern(name: &str) -> bool {
    name.split(' ').any(|word| word.ends_with("/*"))
}

/// Lines that `guard.sql` makes.
fn is_guard(name: &str) -> bool {
    name.starts_with("event trigger ") || name.starts_with("guard ")
}

type Lines<'a> = BTreeMap<&'a str, &'a str>;

fn differ(expected: &Lines<'_>, found: &Lines<'_>, named: impl Fn(&str) -> String) -> BTreeSet<Difference> {
    let names: BTreeSet<&str> = expected.keys().chain(found.keys()).copied().collect();
    let judge = |name: &str| {
        let how = match (expected.get(name), found.get(name)) {
            (Some(wanted), Some(is)) if wanted == is => return None,
            (Some(_), Some(_)) => How::Changed,
            (Some(_), None) => How::Missing,
            (None, _) => How::Added,
        };
        Some(Difference { what: named(name), how })
    };
    names.into_iter().filter_map(judge).collect()
}

/// Compares the lines of a database, each with the partition it is about, with the expected text.
pub(super) fn compare(expected: &str, found: &[(Option<String>, String)]) -> Catalogue {
    let (pattern, whole): (Lines<'_>, Lines<'_>) = expected.lines().map(split).partition(|(name, _)| is_pattern(name));
    let mut parts: BTreeMap<&str, Lines<'_>> = BTreeMap::new();
    let mut rest = Lines::new();
    for (part, line) in found {
        let (name, digest) = split(line);
        let lines = match part {
            Some(part) => parts.entry(part).or_default(),
            None => &mut rest,
        };
        lines.insert(name, digest);
    }
    let guarded = rest.keys().any(|name| is_guard(name));
    let whole = whole
        .into_iter()
        .filter(|(name, _)| guarded || !is_guard(name))
        .collect();
    let mut differences = differ(&whole, &rest, str::to_owned);
    // A table whose every partition is gone has nothing that could be compared: its pattern is missing.
    let tables: BTreeSet<&str> = pattern.keys().copied().filter_map(table_of).collect();
    for table in &tables {
        let wanted: Lines<'_> = only(&pattern, table);
        let own: Vec<_> = parts
            .iter()
            .filter(|(_, lines)| lines.keys().any(|name| table_of(name) == Some(table)))
            .collect();
        if own.is_empty() {
            differences.extend(differ(&wanted, &Lines::new(), str::to_owned));
        }
        for (part, lines) in own {
            differences.extend(differ(&wanted, lines, |name| name.replace(&format!("{table}/*"), part)));
        }
    }
    for (part, lines) in &parts {
        if !lines
            .keys()
            .any(|name| table_of(name).is_some_and(|table| tables.contains(table)))
        {
            differences.extend(differ(&Lines::new(), lines, |name| format!("{name} ({part})")));
        }
    }
    Catalogue {
        differences: differences.into_iter().collect(),
        guarded,
    }
}

/// The table whose pattern a line is about.
fn table_of(name: &str) -> Option<&str> {
    name.split(' ').find_map(|word| word.strip_suffix("/*"))
}

fn only<'a>(pattern: &Lines<'a>, table: &str) -> Lines<'a> {
    pattern
        .iter()
        .filter(|(name, _)| table_of(name) == Some(table))
        .map(|(name, digest)| (*name, *digest))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXPECTED: &str = "event trigger kg_ddl 01\nfunction sec.deny() aa\ntable audit.entry bb\ntable audit.entry/* cc\ntrigger audit.entry/* nochange dd\n";

    fn found(lines: &[(&str, &str)]) -> Catalogue {
        let lines: Vec<_> = (lines.iter())
            .map(|(part, line)| ((!part.is_empty()).then(|| (*part).to_owned()), (*line).to_owned()))
            .collect();
        compare(EXPECTED, &lines)
    }

    fn told(catalogue: &Catalogue) -> Vec<String> {
        catalogue.differences.iter().map(ToString::to_string).collect()
    }

    const MONTH: [(&str, &str); 2] = [
        ("audit.entry_202601", "table audit.entry/* cc"),
        ("audit.entry_202601", "trigger audit.entry/* nochange dd"),
    ];
    const WHOLE: [(&str, &str); 2] = [("", "function sec.deny() aa"), ("", "table audit.entry bb")];

    #[test]
    fn what_was_built_is_no_difference_with_any_number_of_months_and_without_event_triggers() {
        let next = MONTH.map(|(_, line)| ("audit.entry_202602", line));
        let seen = found(&[&WHOLE[..], &MONTH[..], &next[..]].concat());
        assert_eq!(seen, Catalogue::default());
        assert!(found(&[&WHOLE[..], &MONTH[..], &[("", "event trigger kg_ddl 01")]].concat()).guarded);
    }

    #[test]
    fn what_is_missing_changed_or_added_is_named() {
        let seen = found(
            &[
                &MONTH[..],
                &[("", "function sec.deny() ab"), ("", "rule audit.entry x ff")],
            ]
            .concat(),
        );
        assert_eq!(
            told(&seen),
            [
                "function sec.deny() was changed",
                "rule audit.entry x was added",
                "table audit.entry is missing"
            ]
        );
        let disabled = found(&[&WHOLE[..], &MONTH[..], &[("", "event trigger kg_ddl 02")]].concat());
        assert_eq!(told(&disabled), ["event trigger kg_ddl was changed"]);
    }

    #[test]
    fn each_month_is_held_to_the_pattern_and_no_month_at_all_is_a_difference() {
        let bare = [("audit.entry_202602", "table audit.entry/* cc")];
        assert_eq!(
            told(&found(&[&WHOLE[..], &MONTH[..], &bare[..]].concat())),
            ["trigger audit.entry_202602 nochange is missing"]
        );
        assert_eq!(told(&found(&WHOLE)).len(), 2);
        let foreign = [("audit.leaf_1", "table audit.leaf/* cc")];
        assert_eq!(
            told(&found(&[&WHOLE[..], &MONTH[..], &foreign[..]].concat())),
            ["table audit.leaf/* (audit.leaf_1) was added"]
        );
    }
}
