//! `postmaster.pid`, which the server keeps in its data directory (PostgreSQL, "miscadmin.h").

use std::{fs, path::Path};

/// What of it we need.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PidFile {
    pub pid: i32,
    /// Line 8 says `ready` once connections are accepted; it is what `pg_ctl -w` waits for.
    pub ready: bool,
}

/// `None` if there is none, or it is not written yet.
pub(crate) fn read(pgdata: &Path) -> Option<PidFile> {
    parse(&fs::read_to_string(pgdata.join("postmaster.pid")).ok()?)
}

fn parse(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    // A standalone backend writes its pid negated.
    let pid: i32 = lines.next()?.trim().parse().ok()?;
    let ready = lines.nth(6).is_some_and(|status| status.trim() == "ready");
    (pid != 0).then_some(PidFile {
        pid: pid.saturating_abs(),
        ready,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_line_eight_makes_it_ready() {
        let seven = "4711\n/d/pgdata\n1790000000\n5432\n/d/run\n\n  163840 12\n";
        assert_eq!(
            parse(seven),
            Some(PidFile {
                pid: 4711,
                ready: false
            })
        );
        assert_eq!(
            parse(&format!("{seven}starting\n")),
            Some(PidFile {
                pid: 4711,
                ready: false
            })
        );
        assert_eq!(
            parse(&format!("{seven}ready   \n")),
            Some(PidFile { pid: 4711, ready: true })
        );
    }

    #[test]
    fn an_unwritten_file_names_nobody() {
        assert_eq!(parse(""), None);
        assert_eq!(parse("x\n"), None);
        assert_eq!(parse("-12\n"), Some(PidFile { pid: 12, ready: false }));
    }
}
