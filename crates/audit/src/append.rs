//! The port that writes: one entry, in the transaction of the operation it tells about.
use async_trait::async_trait;
use keepgate_kernel::{Action, AuditId, Entity, Outcome, PrincipalId, RequestId, Timestamp};
use keepgate_policy::{OpContext, Standing};
use keepgate_store::StoreError;

use crate::SealedOpening;

/// What the doorway tells about an operation. Tenant, actor, request and source address are the transaction's context's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The entry's own id.
    pub id: AuditId,
    /// What was asked for.
    pub action: Action,
    /// What it was about: 1 to 200 characters, no personal data.
    pub entity: Entity,
    /// How it ended.
    pub outcome: Outcome,
    /// Why it did not happen: a stable word of `a-z`, `0-9`, `-`, at most 80 characters. Required unless the outcome is done.
    pub reason: Option<String>,
    /// Whom Keepgate's own worker acts for, such as the user who logs in. Ignored in every other context: a caller
    /// can't write in another's name.
    pub actor: Option<PrincipalId>,
}

impl NewEntry {
    /// The rules that the table checks as well, so that both adapters refuse alike.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for a malformed or missing reason, an entity of the wrong length, or a time out of range.
    pub(crate) fn check(&self, occurred_at: Option<Timestamp>) -> Result<(), StoreError> {
        let entity = self.entity.as_str();
        let entity_fits = (1..=200).contains(&entity.chars().count()) && !entity.contains('\0');
        let reason_fits = match &self.reason {
            Some(reason) => is_reason(reason),
            None => self.outcome == Outcome::Done,
        };
        if entity_fits && reason_fits && occurred_at.is_none_or(is_tellable) {
            Ok(())
        } else {
            Err(StoreError::Forbidden)
        }
    }
}

/// Whether `text` is a stable word: `a-z`, `0-9`, `-`, 1 to 80 characters.
pub(crate) fn is_reason(text: &str) -> bool {
    let word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    (1..=80).contains(&text.len()) && text.bytes().all(word)
}

/// The years that a caller's clock may claim: from 2000 on, before 2100.
const YEARS: std::ops::Range<i64> = 946_684_800..4_102_444_800;

/// Whether a log takes `at` as the time that a caller's own clock said.
#[must_use]
pub fn is_tellable(at: Timestamp) -> bool {
    YEARS.contains(&at.timestamp())
}

/// An entry that stands alone, with what a transaction of its own would know about it.
#[derive(Debug, Clone)]
pub struct Told {
    /// The entry; its actor is the caller.
    pub(crate) entry: NewEntry,
    pub(crate) request: RequestId,
    pub(crate) occurred_at: Option<Timestamp>,
    pub(crate) source: Option<SealedOpening>,
}

impl Told {
    /// What `context` has to tell. Who acts is decided here, as the store does in a transaction of the caller's.
    #[must_use]
    pub fn by(context: &OpContext, entry: NewEntry, source: Option<SealedOpening>) -> Self {
        let actor = match context.principal().standing {
            Standing::System => entry.actor,
            Standing::Level(_) => Some(context.principal().id),
        };
        Self {
            entry: NewEntry { actor, ..entry },
            request: context.request(),
            occurred_at: context.occurred_at(),
            source,
        }
    }

    pub(crate) fn check(&self) -> Result<(), StoreError> {
        self.entry.check(self.occurred_at)
    }
}

/// What a caller may keep: with it, it can later demand the proof that its operation is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The entry.
    pub entry: AuditId,
    /// When it was recorded, by the database's clock.
    pub recorded_at: Timestamp,
    /// SHA-256 of the leaf (RFC 6962 section 2.1).
    pub leaf_hash: [u8; 32],
}

/// The most entries that are appended at once.
pub const TOGETHER: usize = 500;

/// A transaction that can write to the audit log of its context's tenant.
#[async_trait]
pub trait AuditLog: Send {
    /// Appends `entry` without an address. It becomes part of the log if and only if this transaction commits, and is
    /// never changed afterwards. Time, transaction, tenant, actor, leaf and hash are the store's, not the caller's.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] when the entry breaks a rule of [`NewEntry`].
    async fn append(&mut self, entry: &NewEntry) -> Result<Receipt, StoreError> {
        self.append_with(entry, None).await
    }

    /// As [`AuditLog::append`], with the caller's address: a commitment in the leaf, and its opening beside the log. An
    /// opening under a key that was destroyed meanwhile, or under another's key, is dropped; the commitment stays.
    ///
    /// # Errors
    /// As [`AuditLog::append`].
    async fn append_with(&mut self, entry: &NewEntry, source: Option<&SealedOpening>) -> Result<Receipt, StoreError>;

    /// Appends entries that stand alone, of several callers and requests, all or none. For Keepgate's own workers, which
    /// name the actors; the receipts are in the order of `told`, at most [`TOGETHER`] at a time.
    ///
    /// # Errors
    /// As [`AuditLog::append`]; [`StoreError::Forbidden`] also in a caller's own context.
    async fn append_all(&mut self, told: &[Told]) -> Result<Vec<Receipt>, StoreError>;
}
