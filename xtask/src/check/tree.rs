//! What the rules look at: the tracked files and the packages.

use std::{fmt, fs, path::Path, process::Command};

use anyhow::{Context, Result};
use cargo_metadata::{DependencyKind, MetadataCommand};

use crate::run::output;

/// A workspace, read once.
#[derive(Debug)]
pub struct Tree {
    pub root: std::path::PathBuf,
    /// Text files that git tracks or would track, in the order of their paths.
    pub files: Vec<File>,
    pub packages: Vec<Package>,
}

#[derive(Debug)]
pub struct File {
    /// Relative to the root, with forward slashes.
    pub path: String,
    pub text: String,
}

#[derive(Debug)]
pub struct Package {
    pub name: String,
    /// Its folder's path, such as `crates/kernel`.
    pub folder: String,
    pub dependencies: Vec<Dependency>,
    pub is_library: bool,
    /// The features that its feature `default` turns on, and every feature's contents.
    pub features: Vec<(String, Vec<String>)>,
}

#[derive(Debug)]
pub struct Dependency {
    pub name: String,
    pub optional: bool,
    pub for_tests: bool,
}

/// A broken rule: where, and what to do about it.
#[derive(Debug, PartialEq, Eq)]
pub struct Breach {
    /// `path` or `path:line`.
    pub at: String,
    pub what: String,
}

impl Breach {
    pub fn new(at: impl Into<String>, what: impl Into<String>) -> Self {
        Self {
            at: at.into(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Breach {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.at, self.what)
    }
}

impl Tree {
    pub fn load(root: &Path) -> Result<Self> {
        Ok(Self {
            root: root.into(),
            files: files(root)?,
            packages: packages(root)?,
        })
    }

    pub fn file(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// The package's manifest.
    pub fn manifest(&self, package: &Package) -> Option<&File> {
        self.file(&format!("{}/Cargo.toml", package.folder))
    }

    /// Rust files of the crates, of xtask and of the tests.
    pub fn rust_files(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// Where the package's manifest names the dependency.
    pub fn dependency_at(&self, package: &Package, dependency: &str) -> String {
        self.manifest(package)
            .map_or_else(|| package.folder.clone(), |manifest| manifest.at(dependency))
    }
}

impl File {
    /// `path:line` of the first line that starts with `start`, or the path alone.
    pub fn at(&self, start: &str) -> String {
        let line = self.text.lines().position(|line| line.starts_with(start));
        line.map_or_else(|| self.path.clone(), |index| format!("{}:{}", self.path, index + 1))
    }

    /// The code of each line, without comments and what strings say, with line numbers from 1.
    pub fn code(&self) -> impl Iterator<Item = (usize, String)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, code_of(line)))
    }
}

/// Judges one line alone: a string that goes over several lines is taken for code.
fn code_of(line: &str) -> String {
    let mut code = String::new();
    let (mut quoted, mut before) = (false, ' ');
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' if quoted => {
                chars.next();
            }
            '"' if quoted || before != '\'' => quoted = !quoted,
            '/' if !quoted && chars.peek() == Some(&'/') => break,
            _ if !quoted => code.push(c),
            _ => {}
        }
        before = c;
    }
    code
}

/// Whether `word` stands in `line` as a word of its own.
pub fn has_word(line: &str, word: &str) -> bool {
    let inside = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let (before, after) = (line.get(..at), line.get(at + word.len()..));
        !inside(before.and_then(|text| text.chars().next_back())) && !inside(after.and_then(|text| text.chars().next()))
    })
}

fn files(root: &Path) -> Result<Vec<File>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root);
    let listed = output(&mut git)?;
    let mut paths: Vec<&str> = listed.split('\0').filter(|path| !path.is_empty()).collect();
    paths.sort_unstable();
    paths.dedup();
    // Files that are deleted but still in the index, and pictures and the like, have no text.
    let text = |path: &str| {
        Some(File {
            path: path.into(),
            text: fs::read_to_string(root.join(path)).ok()?,
        })
    };
    Ok(paths.into_iter().filter_map(text).collect())
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .current_dir(root)
        .no_deps()
        .exec()
        .context("cargo metadata")?;
    let packages = metadata.packages.into_iter().map(|package| {
        let manifest = package.manifest_path.as_std_path();
        let folder = manifest.parent().unwrap_or(manifest);
        // The metadata's paths have their links resolved; the root may not.
        let base = metadata.workspace_root.as_std_path();
        let dependencies = package.dependencies.iter().map(|dependency| Dependency {
            name: dependency.name.clone(),
            optional: dependency.optional,
            for_tests: dependency.kind == DependencyKind::Development,
        });
        Package {
            name: package.name.to_string(),
            folder: folder
                .strip_prefix(base)
                .unwrap_or(folder)
                .to_string_lossy()
                .into_owned(),
            dependencies: dependencies.collect(),
            is_library: package.targets.iter().any(|target| target.is_lib()),
            features: package.features.into_iter().collect(),
        }
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_strings_are_no_code() {
        assert_eq!(code_of("let a = 1; // sqlx"), "let a = 1; ");
        assert_eq!(
            code_of(r#"f("https://sqlx", 'a', "it \"is\" // sqlx"); g()"#),
            "f(, 'a', ); g()"
        );
        assert_eq!(code_of(r#"if c == '"' { sqlx() }"#), r#"if c == '"' { sqlx() }"#);
    }

    #[test]
    fn a_word_is_found_only_whole() {
        assert!(has_word("use sqlx::query;", "sqlx") && has_word("sqlx", "sqlx"));
        assert!(!has_word("my_sqlx sqlxs", "sqlx"));
    }
}
