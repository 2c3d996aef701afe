//! Mail to people about their own accounts: what may be said, and who carries it.
use std::time::Duration;

use async_trait::async_trait;
use keepgate_kernel::{MailId, PrincipalId, TenantId, Timestamp};

use crate::{Email, ResetCode};

/// How long a notice is worth sending.
pub const NOTICE_LIFE: Duration = Duration::from_hours(72);
/// How long a request for a code is worth answering.
pub const REQUEST_LIFE: Duration = Duration::from_mins(30);

/// Something that happened to somebody's account and that its owner should hear of. Holds no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MailNotice {
    /// The owner, or whoever had a session of the owner's, changed the password.
    PasswordChanged,
    /// A code by mail set a new password.
    PasswordReset,
    /// A second factor was added.
    SecondFactorAdded,
    /// A second factor was removed by its owner.
    SecondFactorRemoved,
    /// Somebody above removed every second factor.
    SecondFactorsReset,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A browser that was never here before logged in.
    NewDevice,
    /// An API key of its was found where it should not be, and was ended.
    ApiKeyLeaked,
    /// An identity provider's account was linked to it.
    ProviderLinked,
}

impl MailNotice {
    /// Every notice.
    pub const ALL: [Self; 9] = [
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::SecondFactorAdded,
        Self::SecondFactorRemoved,
        Self::SecondFactorsReset,
        Self::RecoveryCodeUsed,
        Self::NewDevice,
        Self::ApiKeyLeaked,
        Self::ProviderLinked,
    ];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PasswordChanged => "password-changed",
            Self::PasswordReset => "password-reset",
            Self::SecondFactorAdded => "second-factor-added",
            Self::SecondFactorRemoved => "second-factor-removed",
            Self::SecondFactorsReset => "second-factors-reset",
            Self::RecoveryCodeUsed => "recovery-code-used",
            Self::NewDevice => "new-device",
            Self::ApiKeyLeaked => "api-key-leaked",
            Self::ProviderLinked => "provider-linked",
        }
    }

    const fn what(self) -> &'static str {
        match self {
            Self::PasswordChanged => "The password of your account was changed, and your other sessions were ended.",
            Self::PasswordReset => {
                "A new password was set with a code sent to this address. All your sessions were ended."
            }
            Self::SecondFactorAdded => "A second factor was added to your account.",
            Self::SecondFactorRemoved => "A second factor was removed from your account.",
            Self::SecondFactorsReset => "An administrator removed the second factors of your account.",
            Self::RecoveryCodeUsed => "A recovery code of your account was used to log in.",
            Self::NewDevice => "Somebody logged in to your account from a browser that was not used before.",
            Self::ApiKeyLeaked => {
                "An API key of yours was found where it should not be, and was revoked. Make a new one, and look at what was done with it."
            }
            Self::ProviderLinked => {
                "An identity provider was linked to your account: you can log in through it from now on."
            }
        }
    }
}

/// What is to be sent, as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MailKind {
    /// A notice.
    Notice(PrincipalId, MailNotice),
    /// A code for a new password, to be made when it is sent.
    Reset(PrincipalId),
    /// Somebody typed an address (sealed): who has it gets a code.
    Recovery(Vec<u8>),
}

/// A mail that is due, leased to one worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueMail {
    /// Its id, also the `Message-ID`.
    pub id: MailId,
    /// What to send.
    pub kind: MailKind,
    /// The address of its principal; `None` when that may not act any more.
    pub to: Option<Email>,
    /// How often it was tried, this time included.
    pub attempts: u32,
    /// What caused it happened then.
    pub created_at: Timestamp,
}

/// A mail as it leaves.
pub struct OutgoingMail {
    /// The same each time it is tried.
    pub id: MailId,
    /// To whom.
    pub to: Email,
    /// One line.
    pub subject: &'static str,
    /// Plain text.
    pub text: String,
}

impl OutgoingMail {
    /// A notice about what happened at `at`.
    #[must_use]
    pub fn notice(id: MailId, to: Email, notice: MailNotice, at: Timestamp) -> Self {
        let (what, when) = (notice.what(), at.format("%Y-%m-%d %H:%M UTC"));
        let text = format!(
            "{what}\n\nThis happened on {when}.\n\nIf it was you, there is nothing to do. If it was not, tell your administrator at once.\n"
        );
        let subject = "Your Keepgate account";
        Self { id, to, subject, text }
    }

    /// A code that sets a new password.
    #[must_use]
    pub fn reset(id: MailId, to: Email, tenant: TenantId, code: &ResetCode, life: Duration) -> Self {
        let (code, minutes) = (code.expose(), life.as_secs() / 60);
        let text = format!(
            "Somebody asked for a new password for the Keepgate account of this address in {tenant}. The code is:\n\n{code}\n\nIt is good for {minutes} \
             minutes and can be used once.\n\nIf it was not you, there is nothing to do: the password stays as it is.\n"
        );
        let subject = "A new password for your Keepgate account";
        Self { id, to, subject, text }
    }
}

impl std::fmt::Debug for OutgoingMail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OutgoingMail")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

/// Why a mail was not taken. Names no address and no content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Later may do.
    #[error("the mail server can't take the mail now")]
    Later,
    /// It never will: the address or the content was refused.
    #[error("the mail server refuses the mail")]
    Never,
}

/// Carries mail. A mail may be carried twice when the process dies between the sending and its record.
#[async_trait]
pub trait Mailer: Send + Sync {
    /// Hands `mail` to a server that has taken it over when this returns.
    ///
    /// # Errors
    /// [`MailError`].
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_differ_and_debug_shows_nothing() {
        let words: std::collections::BTreeSet<_> = MailNotice::ALL.map(MailNotice::as_str).into();
        assert_eq!(words.len(), MailNotice::ALL.len());
        let at = "2026-03-01T12:00:00Z".parse().unwrap();
        let code = ResetCode::random().unwrap();
        let to = || "ann@example.org".parse().unwrap();
        let mail = OutgoingMail::reset(MailId::new(at), to(), TenantId::new(at), &code, Duration::from_mins(20));
        assert!(mail.text.contains(code.expose()) && mail.text.contains("20 minutes"));
        assert!(!format!("{mail:?}").contains("kgr_"));
        let notice = OutgoingMail::notice(MailId::new(at), to(), MailNotice::PasswordChanged, at);
        assert!(notice.text.contains("2026-03-01 12:00 UTC"));
    }
}
