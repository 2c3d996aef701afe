//! Unsafe code in one file (docs/adr/0002-embedded-postgres-and-unsafe.md).

use super::tree::{Breach, Tree, has_word};

const HOME: &str = "crates/pg-local/src/pdeathsig.rs";
/// A program that a test expects the compiler to refuse for it.
const REFUSED: &str = "crates/policy/tests/compile_fail/transmute.rs";
/// The word itself, written so that this file passes.
const WORD: &str = concat!("un", "safe");

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let elsewhere = tree
        .rust_files()
        .filter(|file| file.path != HOME && file.path != REFUSED);
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
                    format!("the only place for this is {HOME}"),
                )
            })
        })
        .collect()
}

fn opens(code: &str, next: &str) -> bool {
    let (first, second) = (format!("{WORD} {next}"), format!("{WORD}{next}"));
    has_word(code, WORD) && (code.contains(&first) || code.contains(&second))
}
