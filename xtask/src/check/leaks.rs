//! What belongs to one machine or one package registry is not written into the project.

use super::tree::{Breach, Tree};

/// In two halves, so that this file does not break its own rule.
const FOREIGN: [(&str, &str); 13] = [
    ("pypi", ".org"),
    ("pythonhosted", ".org"),
    ("static.crates", ".io"),
    ("index.crates", ".io"),
    ("registry.npmjs", ".org"),
    ("deb.debian", ".org"),
    ("security.debian", ".org"),
    ("proxy.golang", ".org"),
    ("/work", "/main"),
    ("/work", "/shared"),
    ("/work", "/notes"),
    ("/Users", "/"),
    (".cargo", "/registry"),
];

/// Cargo writes the registry into its lock file itself.
const EXEMPT: [&str; 1] = ["Cargo.lock"];

pub fn breaches(tree: &Tree) -> Vec<Breach> {
    let files = tree.files.iter().filter(|file| !EXEMPT.contains(&file.path.as_str()));
    files
        .flat_map(|file| {
            let lines = file.text.lines().enumerate();
            lines.filter_map(|(index, line)| {
                // SCIM's resource of that name (RFC 7644 section 3.2), not somebody's home.
                let line = line.replace("/scim/v2/Users/", "").replace("/Users/{", "");
                let found = FOREIGN
                    .iter()
                    .map(|(a, b)| format!("{a}{b}"))
                    .find(|foreign| line.contains(foreign))?;
                Some(Breach::new(
                    format!("{}:{}", file.path, index + 1),
                    format!("names `{found}`; leave it out"),
                ))
            })
        })
        .collect()
}
