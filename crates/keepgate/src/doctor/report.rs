//! Telling what was found.
use serde_json::json;

use super::{Finding, State};
use crate::{terminal, version};

/// A line for each check, and what to do below those that are not well; or all of it as JSON.
pub fn tell(findings: &[Finding], json: bool) {
    if json {
        let worst = findings
            .iter()
            .map(|finding| finding.state)
            .max_by_key(|state| *state as u8)
            .unwrap_or(State::Ok);
        terminal::say(&json!({ "version": version::VERSION, "state": worst, "checks": findings }).to_string());
        return;
    }
    for finding in findings {
        let mark = match finding.state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "FAIL",
        };
        terminal::say(&format!("{mark}  {:<18} {}", finding.check, finding.detail));
        if !finding.help.is_empty() {
            terminal::say(&format!("      {:<18} → {}", "", finding.help));
        }
    }
}
