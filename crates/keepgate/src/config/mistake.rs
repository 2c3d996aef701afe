//! What is wrong with a configuration, all of it at once.
use std::{fmt, path::PathBuf};

use crate::failure::Failure;

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The line, 1 the first; `None` for the file as a whole.
    pub line: Option<usize>,
    /// The key.
    pub key: String,
    /// What is wrong.
    pub why: String,
}

/// Every mistake of one file.
#[derive(Debug)]
pub struct Mistakes {
    /// The file, `None` for the command line.
    pub file: Option<PathBuf>,
    /// In the order of lines.
    pub all: Vec<Mistake>,
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, mistake) in self.all.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            if let Some(file) = &self.file {
                write!(f, "{}:", file.display())?;
            }
            if let Some(line) = mistake.line {
                write!(f, "{line}:")?;
            }
            match mistake.key.as_str() {
                "" => write!(f, " {}", mistake.why)?,
                key => write!(f, " {key}: {}", mistake.why)?,
            }
        }
        Ok(())
    }
}

impl From<Mistakes> for Failure {
    fn from(mistakes: Mistakes) -> Self {
        let count = match mistakes.all.len() {
            1 => "a mistake".to_owned(),
            count => format!("{count} mistakes"),
        };
        Self::usage(
            format!("the configuration has {count}"),
            mistakes.to_string().trim_start().to_owned(),
            "correct the file; docs/configuration.md lists every key",
        )
    }
}
