//! The kinds of sealed values.

/// Every kind of value that is sealed under a tenant's key: one column each. The store has the same list, with the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SealedKind {
    /// Payloads of messages.
    Payload,
    /// Texts of messages.
    Text,
    /// Notes of who acknowledged a message.
    Note,
    /// Signing secrets of webhooks.
    WebhookSecret,
    /// Answers kept for their idempotency key.
    Answer,
    /// Seeds of authenticator apps.
    TotpSeed,
    /// Client secrets of identity providers.
    SsoSecret,
    /// Credentials of sinks.
    SinkSecret,
    /// Addresses of mail under way.
    Mail,
    /// Keys of persons, which are wrapped.
    SubjectKey,
}

impl SealedKind {
    /// Every kind there is.
    pub const ALL: [Self; 10] = [
        Self::Payload,
        Self::Text,
        Self::Note,
        Self::WebhookSecret,
        Self::Answer,
        Self::TotpSeed,
        Self::SsoSecret,
        Self::SinkSecret,
        Self::Mail,
        Self::SubjectKey,
    ];

    /// Its word, the same in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Text => "text",
            Self::Note => "note",
            Self::WebhookSecret => "webhook-secret",
            Self::Answer => "answer",
            Self::TotpSeed => "totp-seed",
            Self::SsoSecret => "sso-secret",
            Self::SinkSecret => "sink-secret",
            Self::Mail => "mail",
            Self::SubjectKey => "subject-key",
        }
    }

    /// The kind of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}
