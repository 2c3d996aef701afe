//! What a check found.
use serde::Serialize;

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Ok,
    /// Works, but look at it.
    Warn,
    /// Wrong.
    Fail,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Its name.
    pub check: &'static str,
    /// How it ended.
    pub state: State,
    /// What was seen.
    pub detail: String,
    /// What to do; empty when all is well.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub help: String,
}

impl Finding {
    /// All is well.
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Ok,
            detail: detail.into(),
            help: String::new(),
        }
    }

    /// Works, but.
    pub fn warn(check: &'static str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Warn,
            detail: detail.into(),
            help: help.into(),
        }
    }

    /// Wrong.
    pub fn fail(check: &'static str, detail: impl Into<String>, help: impl Into<String>) -> Self {
        Self {
            check,
            state: State::Fail,
            detail: detail.into(),
            help: help.into(),
        }
    }

    /// Fine when `wrong` is empty, otherwise wrong with the first few.
    pub fn none_of(check: &'static str, wrong: &[String], fine: &str, help: &str) -> Self {
        if wrong.is_empty() {
            Self::ok(check, fine)
        } else {
            Self::fail(check, list(wrong), help)
        }
    }
}

/// The first five, and how many more.
pub fn list(items: &[String]) -> String {
    let shown = items.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
    match items.len().saturating_sub(5) {
        0 => shown,
        more => format!("{shown}; and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_list_is_cut_and_counted() {
        let items: Vec<String> = (1..=7).map(|n| n.to_string()).collect();
        assert_eq!(list(&items), "1; 2; 3; 4; 5; and 2 more");
        assert_eq!(Finding::none_of("c", &[], "good", "h"), Finding::ok("c", "good"));
        assert_eq!(Finding::none_of("c", &items, "good", "h").state, State::Fail);
    }
}
