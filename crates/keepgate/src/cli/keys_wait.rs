//! `keepgate keys rotate --wait`: how much is left under the former keys.
use std::{io::IsTerminal, time::Duration};

use serde_json::Value;

use crate::{exit::Exit, failure::Failure, terminal};

/// How often the gateway is asked.
const EVERY: Duration = Duration::from_secs(2);

/// What stands before the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// Nobody has counted yet.
    Unknown,
    /// So many values, and so many that can't be opened.
    Values(u64, u64),
    /// Nothing, for certain.
    Nothing,
}

fn number(key: &Value, name: &str) -> Option<u64> {
    key.get(name).and_then(Value::as_u64)
}

fn left(keys: &Value) -> Left {
    let items = keys.get("items").and_then(Value::as_array).into_iter().flatten();
    let mut open = items
        .filter(|key| key.get("state").and_then(Value::as_str) == Some("opening"))
        .peekable();
    if open.peek().is_none() {
        return Left::Nothing;
    }
    let (mut values, mut shut) = (0, 0);
    for key in open {
        let Some(remaining) = number(key, "remaining") else {
            return Left::Unknown;
        };
        values += remaining;
        shut += number(key, "unreadable").unwrap_or_default();
    }
    Left::Values(values, shut)
}

/// Asks until nothing is under a former key any more, or only what can't be opened.
///
/// # Errors
/// As `ask`; exit code 1 when damaged values stay.
pub fn wait(mut ask: impl FnMut() -> Result<Value, Failure>) -> Result<Exit, Failure> {
    let bar = terminal::progress("values sealed anew");
    let plain = !std::io::stderr().is_terminal();
    let mut said = None;
    loop {
        let now = left(&ask()?);
        match now {
            Left::Nothing => {
                bar.finish_and_clear();
                if plain {
                    terminal::note("nothing is sealed under a former key any more");
                }
                return Ok(Exit::Ok);
            }
            Left::Values(values, shut) if values > 0 && shut >= values => {
                bar.finish_and_clear();
                return Err(Failure::new(
                    Exit::Failed,
                    "the former keys are still needed",
                    format!("{shut} values can't be opened: they were damaged"),
                    "look for `sealed values can't be opened` in the log of the gateway, and restore them from a backup",
                ));
            }
            Left::Values(values, _) => {
                let total = bar.length().unwrap_or_default().max(values);
                bar.set_length(total);
                bar.set_position(total - values);
            }
            Left::Unknown => {}
        }
        if plain && said != Some(now) {
            match now {
                Left::Values(values, _) => terminal::note(&format!("{values} values are left under former keys")),
                _ => terminal::note("what is sealed under former keys is being counted"),
            }
            said = Some(now);
        }
        std::thread::sleep(EVERY);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_left_is_what_keys_that_open_still_hold() {
        let keys = |items: Value| left(&json!({"items": items}));
        let newest = json!({"state": "sealing"});
        let dying = json!({"state": "pending-destruction", "remaining": 9});
        assert_eq!(keys(json!([newest, dying, {"state": "deactivated"}])), Left::Nothing);
        assert_eq!(keys(json!([{"state": "opening"}, newest])), Left::Unknown);
        let one = json!({"state": "opening", "remaining": 5});
        let other = json!({"state": "opening", "remaining": 2, "unreadable": 2});
        assert_eq!(keys(json!([one, other, newest])), Left::Values(7, 2));
    }

    #[test]
    fn waiting_ends_when_nothing_is_left_and_fails_when_only_damage_is() {
        let mut answers = vec![json!({"items": [{"state": "deactivated"}, {"state": "sealing"}]})];
        assert!(matches!(wait(|| Ok(answers.pop().unwrap())), Ok(Exit::Ok)));
        let damaged = json!({"items": [{"state": "opening", "remaining": 1, "unreadable": 1}]});
        assert!(wait(|| Ok(damaged.clone())).is_err());
    }
}
