//! Why a command ends early, told to people in three lines.
use std::{error::Error, fmt, io};

use crate::exit::Exit;

/// An error as the terminal shows it: what failed, why, what to do. Holds no secret.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub exit: Exit,
    what: String,
    why: String,
    help: String,
}

impl Failure {
    /// Each part is a phrase without a full stop; `why` may have several lines.
    pub fn new(exit: Exit, what: impl Into<String>, why: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            exit,
            what: what.into(),
            why: why.into(),
            help: help.into(),
        }
    }

    /// A wrong use of the command line.
    pub fn usage(what: impl Into<String>, why: impl Into<String>, help: impl Into<String>) -> Self {
        Self::new(Exit::Usage, what, why, help)
    }

    /// Why it failed.
    pub fn why(&self) -> &str {
        &self.why
    }

    /// What to do about it.
    pub fn help(&self) -> &str {
        &self.help
    }

    /// A failed system call; a full disk gets its own code.
    pub fn io(what: impl Into<String>, error: &io::Error) -> Self {
        if matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            return Self::new(
                Exit::DiskFull,
                what,
                "no disk space is left",
                "free some space and start again",
            );
        }
        Self::new(Exit::Failed, what, error.to_string(), "check the path and who owns it")
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "keepgate: {}\nwhy: {}\nwhat to do: {}",
            self.what,
            self.why.replace('\n', "\n     "),
            self.help
        )
    }
}

/// An error and its causes in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !line.ends_with(&told) {
            line = format!("{line}: {told}");
        }
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_is_told_in_three_lines() {
        let failure = Failure::usage("can't read the configuration", "it is a directory", "name a file");
        let text = failure.to_string();
        assert_eq!(text.lines().count(), 3);
        assert_eq!(
            text,
            "keepgate: can't read the configuration\nwhy: it is a directory\nwhat to do: name a file"
        );
    }

    #[test]
    fn a_full_disk_has_its_own_exit_code() {
        let full = io::Error::from(io::ErrorKind::StorageFull);
        assert_eq!(Failure::io("can't write", &full).exit, Exit::DiskFull);
        assert_eq!(
            Failure::io("can't write", &io::Error::from(io::ErrorKind::NotFound)).exit,
            Exit::Failed
        );
    }
}
