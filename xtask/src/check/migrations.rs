//! Migrations are `NNNN_what.sql`, from 0001, each number once: two branches that add the same number are found here. A branch that is
//! merged late may leave a gap; what has run never gets another number.

use super::tree::{Breach, Tree};

const FOLDER: &str = "migrations/";

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let files = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".sql"));
    // The files come in the order of their names, which is that of their numbers.
    let mut before = 0;
    for file in files {
        match number(file.path.trim_start_matches(FOLDER)) {
            None => breaches.push(Breach::new(&file.path, "name it NNNN_what_it_does.sql, in lower case")),
            Some(found) if found == before => {
                breaches.push(Breach::new(
                    &file.path,
                    format!("number {found:04} is taken; renumber it"),
                ));
            }
            Some(found) => before = found,
        }
    }
    breaches
}

fn number(name: &str) -> Option<u32> {
    let (digits, rest) = name.strip_suffix(".sql")?.split_once('_')?;
    let words = !rest.is_empty()
        && rest
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (digits.len() == 4 && words).then(|| digits.parse().ok())?
}
