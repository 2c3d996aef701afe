//! Migrations are `NNNN_what.sql`, from 0001 without gaps: two branches that add the same number are found here.

use super::tree::{Breach, Tree};

const FOLDER: &str = "migrations/";

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let mut breaches = Vec::new();
    let files = tree
        .files
        .iter()
        .filter(|file| file.path.starts_with(FOLDER) && file.path.ends_with(".sql"));
    // The files come in the order of their names, which is that of their numbers.
    for (expected, file) in (1..).zip(files) {
        match number(file.path.trim_start_matches(FOLDER)) {
            None => breaches.push(Breach::new(&file.path, "name it NNNN_what_it_does.sql, in lower case")),
            Some(found) if found != expected => {
                breaches.push(Breach::new(
                    &file.path,
                    format!("number {expected:04} was expected here; renumber it"),
                ));
                break;
            }
            Some(_) => {}
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
