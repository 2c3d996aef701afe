//! `docs/permissions.md`.

use std::fmt::Write as _;

use keepgate_kernel::{Hat, Level};

use super::table::Line;

const HEAD: &str = "\
<!-- Written by `cargo xtask permissions` from crates/kernel/src/action.rs and crates/policy/src/rule.rs. -->
# Permissions

Who may do what: one line for each operation. The same table is in the API description (`x-keepgate-permission` of every operation), in the
database (`rbac.permission`) and in `crates/policy/tests/matrix.txt`; `cargo xtask permissions --check` compares them with the policy.

- **1 to 7**: the levels that hold it. LEVELS.
- **keys**: an API key of such a level can carry it, if its scopes do. A key never holds what asks for a fresh proof.
- **hats**: somebody who wears the hat keeps it: `a` auditor, `b` billing, `p` privacy officer. A hat only removes.
- **fresh**: the caller proved who it is within the last five minutes; **two**: it consumes the approval of a second person;
  **1f**: open to somebody who still owes a second factor.
- **reach**: `own` things; `unit`: own things at level 1, the unit's at 2 and 3, the tenant's from 4; the `tenant`; principals of `lower levels`; the
  `platform`: tenants as such, never their data.

Operations without a level are Keepgate's own: what happens before anybody is known, and what its workers do.

";

pub fn text(lines: &[Line]) -> String {
    let names = Level::ALL.map(|level| format!("{} `{}`", level.number(), level.name()));
    let mut text = HEAD.replace("LEVELS", &names.join(", "));
    let (people, own): (Vec<&Line>, Vec<&Line>) = lines.iter().partition(|line| !line.levels.is_empty());
    text.push_str("| operation | | 1 | 2 | 3 | 4 | 5 | 6 | 7 | keys | hats | fresh | two | 1f | reach |\n");
    text.push_str("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n");
    for line in people {
        row(&mut text, line);
    }
    text.push_str("\n## Keepgate's own\n\n| operation | |\n|---|---|\n");
    for line in own {
        let _infallible = writeln!(text, "| `{}` | {} |", line.action, line.description);
    }
    text
}

fn row(text: &mut String, line: &Line) {
    let levels = Level::ALL.map(|level| mark(line.levels.contains(&level.number())));
    let hats: String = Hat::ALL
        .into_iter()
        .filter(|hat| line.hats.contains(hat))
        .filter_map(|hat| hat.as_str().chars().next())
        .collect();
    let _infallible = writeln!(
        text,
        "| `{}` | {} | {} | {} | {hats} | {} | {} | {} | {} |",
        line.action,
        line.description,
        levels.join(" | "),
        mark(line.api_keys),
        mark(line.step_up),
        mark(line.two_person),
        mark(line.one_factor),
        line.reach
    );
}

const fn mark(may: bool) -> &'static str {
    if may { "●" } else { "" }
}
