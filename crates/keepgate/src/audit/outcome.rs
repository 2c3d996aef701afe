//! How a check ended, for people, programs and the shell.
use std::ops::Range;

use keepgate_kernel::{Timestamp, format_time};
use keepgate_merkle::{
    tile::TilePath,
    verify::{Outcome, Verified},
};
use serde_json::{Value, json};

use super::source::Unreadable;
use crate::{exit::Exit, failure::Failure, terminal};

/// How it ended, with everything there is to say.
pub enum Told {
    /// All is well.
    Verified {
        /// What the tree says.
        log: Verified,
        /// The newest cosignature or entry.
        newest: Option<Timestamp>,
        /// How many openings were checked.
        openings: u64,
        /// How many entries somebody else's clock vouches for, and the time it tells.
        stamped: Option<(u64, Timestamp)>,
    },
    /// Something was changed.
    Tampered { index: Option<u64>, reason: String },
    /// Genuine, but too old.
    Stale { reason: String, newest: Option<Timestamp> },
    /// Not everything could be read.
    Incomplete {
        checked: u64,
        tile: Option<TilePath>,
        /// Of what entries only the hashes were there.
        unseen: Vec<Range<u64>>,
        reason: String,
    },
}

impl Told {
    /// What the check of the tree says.
    pub fn of(outcome: Outcome<Unreadable>) -> Self {
        match outcome {
            Outcome::Verified(log) => Self::verified(log, None, 0),
            Outcome::Tampered(found) => Self::tampered(found.index, found.reason.to_string()),
            Outcome::Incomplete(incomplete) => Self::Incomplete {
                checked: incomplete.checked,
                tile: Some(incomplete.tile),
                unseen: Vec::new(),
                reason: incomplete.error.why,
            },
        }
    }

    pub const fn verified(log: Verified, newest: Option<Timestamp>, openings: u64) -> Self {
        Self::Verified {
            log,
            newest,
            openings,
            stamped: None,
        }
    }

    /// The same with a time stamp that holds.
    pub fn stamped(mut self, told: Option<(u64, Timestamp)>) -> Self {
        if let Self::Verified { stamped, .. } = &mut self {
            *stamped = told;
        }
        self
    }

    pub const fn tampered(index: Option<u64>, reason: String) -> Self {
        Self::Tampered { index, reason }
    }

    pub const fn stale(reason: String, newest: Option<Timestamp>) -> Self {
        Self::Stale { reason, newest }
    }

    pub fn incomplete(checked: u64, error: Unreadable) -> Self {
        Self::Incomplete {
            checked,
            tile: None,
            unseen: Vec::new(),
            reason: error.why,
        }
    }

    /// All is well but for entries that nobody has read.
    pub fn unseen(log: &Verified) -> Self {
        let missing: u64 = log.unseen.iter().map(|range| range.end - range.start).sum();
        let told: Vec<_> = log
            .unseen
            .iter()
            .map(|range| format!("{} to {}", range.start, range.end - 1))
            .collect();
        let told = told.join(", ");
        Self::Incomplete {
            checked: log.size - missing,
            tile: None,
            unseen: log.unseen.clone(),
            reason: format!(
                "the entries {told} are not here, only their hashes, which lead to the signed root; the other entries are those that were logged"
            ),
        }
    }
}

/// Tells the outcome: one line (or JSON) on standard output; what to do on standard error.
pub fn tell(told: &Told, as_json: bool) -> Exit {
    terminal::say(&if as_json { json(told).to_string() } else { line(told) });
    match told {
        Told::Verified { .. } => Exit::Ok,
        Told::Tampered { index, reason } => {
            let at = index.map_or_else(String::new, |index| format!(" at index {index}"));
            let help = "keep this copy and the checkpoint you compared with, and ask who had access to the database";
            let failure = Failure::new(
                Exit::Failed,
                format!("the log was tampered with{at}"),
                reason.clone(),
                help,
            );
            terminal::say_error(&failure);
            Exit::Failed
        }
        Told::Stale { reason, .. } => {
            let help = "everything in it is genuine; ask the gateway itself, or your witnesses, for a newer state";
            terminal::say_error(&Failure::new(Exit::Failed, "the log is too old", reason.clone(), help));
            Exit::Failed
        }
        Told::Incomplete {
            checked,
            tile,
            unseen,
            reason,
        } => {
            let tile = tile.map_or_else(String::new, |tile| format!("tile {tile}, "));
            let why = format!("{tile}after {checked} entries: {reason}");
            let help = if unseen.is_empty() {
                "nothing is proved; make the rest readable and check again"
            } else {
                "name the folder of the log's archives with --archive; GET /v1/audit/archives tells where they went"
            };
            terminal::say_error(&Failure::new(
                Exit::Incomplete,
                "the log can't be read to its end",
                why,
                help,
            ));
            Exit::Incomplete
        }
    }
}

fn line(told: &Told) -> String {
    match told {
        Told::Verified {
            log, openings, stamped, ..
        } => {
            let since = match log.since.as_slice() {
                [] => String::new(),
                [one] => format!(", extends the older checkpoint of {one}"),
                [.., last] => format!(", extends {} older checkpoints up to {last}", log.since.len()),
            };
            let cosigned = match log.cosigned.len() {
                0 => String::new(),
                count => format!(", cosigned by {count} witnesses"),
            };
            let openings = match openings {
                0 => String::new(),
                count => format!(", {count} openings hold"),
            };
            let stamped = stamped.map_or_else(String::new, |(size, at)| {
                format!(", the first {size} of them time-stamped at {}", format_time(at))
            });
            let (size, origin, root) = (log.size, &log.origin, log.root.to_hex());
            format!("verified: {size} entries of {origin}, root {root}{since}{cosigned}{openings}{stamped}")
        }
        Told::Tampered {
            index: Some(index),
            reason,
        } => format!("tampered: index {index}: {reason}"),
        Told::Tampered { index: None, reason } => format!("tampered: {reason}"),
        Told::Stale { reason, .. } => format!("stale: {reason}"),
        Told::Incomplete { checked, reason, .. } => format!("incomplete: after {checked} entries: {reason}"),
    }
}

fn json(told: &Told) -> Value {
    match told {
        Told::Verified {
            log,
            newest,
            openings,
            stamped,
        } => json!({
            "result": "verified",
            "origin": log.origin,
            "size": log.size,
            "root": log.root.to_hex(),
            "since": log.since,
            "cosigned": log.cosigned.iter().map(|(name, at)| json!({ "witness": name, "at": at })).collect::<Vec<_>>(),
            "newest": newest.map(format_time),
            "openings": openings,
            "stamped": stamped.map(|(size, at)| json!({ "size": size, "at": format_time(at) })),
        }),
        Told::Tampered { index, reason } => json!({ "result": "tampered", "index": index, "reason": reason }),
        Told::Stale { reason, newest } => {
            json!({ "result": "stale", "reason": reason, "newest": newest.map(format_time) })
        }
        Told::Incomplete {
            checked,
            tile,
            unseen,
            reason,
        } => json!({
            "result": "incomplete",
            "checked": checked,
            "unseen": unseen.iter().map(|range| json!({ "from": range.start, "to": range.end })).collect::<Vec<_>>(),
            "tile": tile.map(|tile| tile.to_string()),
            "reason": reason,
        }),
    }
}
