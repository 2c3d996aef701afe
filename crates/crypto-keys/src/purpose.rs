//! What a sealed value is for.

/// The purpose of a sealed value. Each has a key of its own, derived from the tenant's: who learns one learns no other, and a value
/// sealed for one purpose opens for no other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// Payloads and texts of messages, and notes about them.
    Payload,
    /// Answers kept for their idempotency key.
    Answer,
    /// Addresses in the audit log.
    AuditOpening,
    /// Signing secrets of webhooks.
    WebhookSecret,
    /// Seeds of authenticator apps.
    TotpSeed,
    /// Client secrets of identity providers.
    SsoSecret,
    /// Credentials of sinks.
    SinkSecret,
    /// Addresses of mail under way.
    Mail,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: [Self; 8] = [
        Self::Payload,
        Self::Answer,
        Self::AuditOpening,
        Self::WebhookSecret,
        Self::TotpSeed,
        Self::SsoSecret,
        Self::SinkSecret,
        Self::Mail,
    ];

    /// Its word in the derivation: never changed once used.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Payload => "payload",
            Self::Answer => "answer",
            Self::AuditOpening => "audit-openings",
            Self::WebhookSecret => "webhook-secret",
            Self::TotpSeed => "totp-seed",
            Self::SsoSecret => "sso-secret",
            Self::SinkSecret => "sink-secret",
            Self::Mail => "mail",
        }
    }
}
