//! The list of attacks in the documentation is the list that is made.
use std::{fmt::Write, path::Path};

use crate::{exported, found, heap, notes, refused};

const BEGIN: &str = "<!-- attacks: written by the tamper suite -->\n";
const END: &str = "<!-- end of the attacks -->";

fn table() -> (String, usize) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    let mut row = |who: &str, what: &str, end: String| rows.push([who.to_owned(), what.to_owned(), end]);
    for attempt in refused::ATTEMPTS {
        let end = attempt.state.map_or_else(
            || "goes through and touches nothing".to_owned(),
            |state| format!("refused, {state}"),
        );
        row(attempt.who.name(), attempt.what, end);
    }
    for attack in found::ATTACKS {
        let who = match attack.off {
            found::Off::Nothing => "integrator",
            found::Off::Guard => "superuser, event triggers off",
            found::Off::All => "superuser, all guards off",
        };
        let kept = if attack.kept {
            " (with a checkpoint that somebody kept)"
        } else {
            ""
        };
        row(
            who,
            attack.what.trim_start_matches("integrator: "),
            attack.told.cell() + kept,
        );
    }
    heap::EDITS
        .iter()
        .for_each(|edit| row("file editor", edit.what, edit.told.cell()));
    exported::EDITS
        .iter()
        .for_each(|edit| row("editor of an export", edit.what, edit.told.cell()));
    notes::FORGERIES.iter().for_each(|forgery| {
        row(
            "thief of the log's key",
            forgery.what.trim_start_matches("stolen key: "),
            forgery.told.cell(),
        )
    });
    let mut text = String::from("| # | who | attack | what stops or finds it |\n|---|---|---|---|\n");
    for (number, [who, what, end]) in (1..).zip(&rows) {
        writeln!(text, "| {number} | {who} | {what} | {end} |").unwrap();
    }
    (text, rows.len())
}

#[test]
fn the_documentation_lists_every_attack() {
    let (table, count) = table();
    assert!(count >= 45, "{count}");
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/security/audit-log.md");
    let text = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).unwrap();
    let (listed, after) = rest.split_once(END).unwrap();
    let wanted = format!("{before}{BEGIN}{table}{END}{after}");
    assert!(
        text.contains(&format!("{count} attacks")),
        "the text tells another number than {count}"
    );
    assert_eq!(listed, table, "docs/security/audit-log.md should be:\n{wanted}");
}
