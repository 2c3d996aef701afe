//! How a check ended, for people, programs and the shell.
use keepgate_merkle::verify::Outcome;
use serde_json::{Value, json};

use super::source::Unreadable;
use crate::{exit::Exit, failure::Failure, terminal};

/// Tells the outcome: one line (or JSON) on standard output; what to do on standard error.
pub fn tell(outcome: &Outcome<Unreadable>, as_json: bool) -> Exit {
    terminal::say(&if as_json {
        json(outcome).to_string()
    } else {
        line(outcome)
    });
    match outcome {
        Outcome::Verified(_) => Exit::Ok,
        Outcome::Tampered(tampered) => {
            let at = tampered
                .index
                .map_or_else(String::new, |index| format!(" at index {index}"));
            let help = "keep this copy and the checkpoint you compared with, and ask who had access to the database";
            terminal::say_error(&Failure::new(
                Exit::Failed,
                format!("the log was tampered with{at}"),
                tampered.reason.to_string(),
                help,
            ));
            Exit::Failed
        }
        Outcome::Incomplete(incomplete) => {
            let why = format!("{incomplete}: {}", incomplete.error);
            let help = "nothing is proved; make the rest readable and check again";
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

fn line(outcome: &Outcome<Unreadable>) -> String {
    match outcome {
        Outcome::Verified(verified) => {
            let since = verified.since.map_or_else(String::new, |since| {
                format!(", extends the older checkpoint of {since}")
            });
            format!(
                "verified: {} entries of {}, root {}{since}",
                verified.size,
                verified.origin,
                verified.root.to_hex()
            )
        }
        Outcome::Tampered(tampered) => match tampered.index {
            Some(index) => format!("tampered: index {index}: {}", tampered.reason),
            None => format!("tampered: {}", tampered.reason),
        },
        Outcome::Incomplete(incomplete) => format!("incomplete: {incomplete}: {}", incomplete.error),
    }
}

fn json(outcome: &Outcome<Unreadable>) -> Value {
    match outcome {
        Outcome::Verified(verified) => json!({
            "result": "verified",
            "origin": verified.origin,
            "size": verified.size,
            "root": verified.root.to_hex(),
            "since": verified.since,
        }),
        Outcome::Tampered(tampered) => json!({
            "result": "tampered",
            "index": tampered.index,
            "reason": tampered.reason.to_string(),
        }),
        Outcome::Incomplete(incomplete) => json!({
            "result": "incomplete",
            "checked": incomplete.checked,
            "tile": incomplete.tile.to_string(),
            "reason": incomplete.error.to_string(),
        }),
    }
}
