//! Unsafe code in two files (docs/adr/0002-embedded-postgres-and-unsafe.md, docs/adr/0020-how-good-the-clock-is.md).

use super::tree::{Breach, Tree, has_word};

const HOMES: [&str; 2] = [
    "crates/pg-local/src/pdeathsig.rs",
    "crates/machine-clock/src/adjtimex.rs",
];
/// A program that a test expects the compiler to refuse for it.
const REFUSED: &str = "crates/policy/tests/compile_fail/transmute.rs";
/// The word itself, written so that this file passes.
const WORD: &str = concat!("un", "safe");

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let elsewhere = tree
        .rust_files()
        .filter(|file| !HOMES.contains(&file.path.as_str()) && file.path != REFUSED);
    elsewhere
        .flat_map(|file| {
            let blocks = file.code().filter(|(_, code)| {
                ["{", "fn", "impl", "trait", "extern"]
                    .iter()
                    .any(|next| opens(code, next))
            });
            blocks.map(|(line, _)| {
                Breach::new(
                    format!("{}:{line}", file.path),
                    format!("the only places for this are {}", HOMES.join(" and ")),
                )
            })
        })
        .collect()
}

fn opens(code: &str, next: &str) -> bool {
    let (first, second) = (format!("{WORD} {next}"), format!("{WORD}{next}"));
    has_word(code, WORD) && (code.contains(&first) || code.contains(&second))
}
