//! How the process ends, in one number. The table in `docs/cli.md` says the same; a test compares the two.

/// An exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or verified.
    Ok = 0,
    /// The command did not do its work; for `audit verify`, the log was tampered with.
    Failed = 1,
    /// Wrong arguments, a mistake in the configuration, or a secret where none may be.
    Usage = 2,
    /// The server or database can't be reached, or not everything could be read.
    Incomplete = 3,
    /// A key or secret is missing, can't be read, is open to others, not ours, or has the wrong size.
    KeyFile = 4,
    /// The address is taken.
    PortInUse = 5,
    /// The database lacks migrations, or its first principals.
    SchemaOld = 6,
    /// The database was migrated by a newer Keepgate.
    SchemaNew = 7,
    /// No disk space is left.
    DiskFull = 8,
    /// Another process holds the data directory.
    DataDirInUse = 9,
    /// The private PostgreSQL can't be found or started.
    NoPostgres = 10,
}

impl Exit {
    /// Every code, lowest first.
    #[cfg(test)]
    const ALL: [Self; 11] = [
        Self::Ok,
        Self::Failed,
        Self::Usage,
        Self::Incomplete,
        Self::KeyFile,
        Self::PortInUse,
        Self::SchemaOld,
        Self::SchemaNew,
        Self::DiskFull,
        Self::DataDirInUse,
        Self::NoPostgres,
    ];

    /// The number the shell sees.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, as `docs/cli.md` says it.
    #[cfg(test)]
    const fn meaning(self) -> &'static str {
        match self {
            Self::Ok => "done, or verified",
            Self::Failed => "the command did not do its work; for `audit verify`: the log was tampered with",
            Self::Usage => "wrong arguments, a mistake in the configuration, or a secret where none may be",
            Self::Incomplete => "a server or database can't be reached, or not everything could be read",
            Self::KeyFile => {
                "a key or secret is missing, can't be read, is open to others, not ours, or has the wrong size"
            }
            Self::PortInUse => "the address is in use",
            Self::SchemaOld => "the database lacks migrations (`keepgate migrate`) or its first principals",
            Self::SchemaNew => "the database was migrated by a newer Keepgate",
            Self::DiskFull => "no disk space is left",
            Self::DataDirInUse => "another process holds the data directory",
            Self::NoPostgres => "the private PostgreSQL can't be found or started",
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        exit.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_lists_exactly_these_codes() {
        let documented: Vec<&str> = include_str!("../../../docs/cli.md")
            .lines()
            .skip_while(|line| *line != "## Exit codes")
            .skip(1)
            .take_while(|line| !line.starts_with("## "))
            .filter(|line| line.starts_with('|') && line.contains(|c: char| c.is_ascii_digit()))
            .collect();
        let ours: Vec<String> = Exit::ALL
            .iter()
            .map(|exit| format!("| {} | {} |", exit.code(), exit.meaning()))
            .collect();
        assert_eq!(documented, ours, "docs/cli.md should hold:\n{}", ours.join("\n"));
    }

    #[test]
    fn the_numbers_are_those_that_callers_rely_on() {
        let codes = [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::Incomplete,
            Exit::KeyFile,
            Exit::PortInUse,
        ]
        .map(Exit::code);
        assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
    }
}
