//! How an operation ended.

/// The three ends of an operation, as the audit log tells them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It happened, in the same transaction as its entry.
    Done,
    /// The policy or a rule of the domain said no; nothing changed.
    Refused,
    /// A dependency failed; nothing changed.
    Failed,
}

impl Outcome {
    /// The word in the API, the database and the leaf.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The outcome that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Done, Self::Refused, Self::Failed]
            .into_iter()
            .find(|outcome| outcome.as_str() == word)
    }
}
