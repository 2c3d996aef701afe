//! Why a try ended as it did, in one word.

/// A short stable word such as `no-contact`, `http-410` or `twilio-21610`: `^[a-z0-9-]{1,80}$`. Never text of a provider.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reason(String);

impl Reason {
    /// The recipient has no contact on the step's channel.
    pub const NO_CONTACT: &'static str = "no-contact";
    /// No provider is configured for the step's channel, or not the one it names.
    pub const NO_PROVIDER: &'static str = "no-provider";
    /// The contact's URL is not, or no longer, a registered webhook.
    pub const NO_WEBHOOK: &'static str = "no-webhook";
    /// Whoever held the lease never reported how the call ended.
    pub const LEASE_LOST: &'static str = "lease-lost";

    /// A word from `text`: lower case, everything else than `a-z0-9` as `-`, cut to 80.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let word: String = text
            .chars()
            .take(80)
            .map(|c| {
                if c.is_ascii_alphanumeric() {
                    c.to_ascii_lowercase()
                } else {
                    '-'
                }
            })
            .collect();
        if word.is_empty() {
            Self("unknown".to_owned())
        } else {
            Self(word)
        }
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_becomes_a_word() {
        assert_eq!(Reason::new("HTTP 410").as_str(), "http-410");
        assert_eq!(Reason::new("").as_str(), "unknown");
        assert_eq!(Reason::new(&"é".repeat(200)).as_str().len(), 80);
    }
}
