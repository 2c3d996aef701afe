//! What somebody did, as a program tells it.
use keepgate_kernel::{AuditId, Clock, Outcome, PrincipalId, RequestId, SystemClock, TenantId, Timestamp};
use keepgate_merkle::hash::Hash;

use super::LedgerError;
use crate::{
    Leaf, LeafVersion, TimeQuality,
    append::{is_reason, is_tellable},
    leaf::is_action,
};

/// The longest name of an action, in characters.
pub const MAX_ACTION: usize = 80;

/// Who did what to what. No personal data: what is in a log can't be taken out of it.
#[derive(Debug, Clone)]
pub struct Deed {
    action: String,
    entity: String,
    actor: PrincipalId,
    request: Option<RequestId>,
    occurred_at: Option<Timestamp>,
}

impl Deed {
    /// `actor` does `action` (one that the ledger was told, such as `part.add`) to `entity` (1 to 200 characters, such as
    /// `part:m4-screw`).
    #[must_use]
    pub fn new(action: impl Into<String>, entity: impl Into<String>, actor: PrincipalId) -> Self {
        Self {
            action: action.into(),
            entity: entity.into(),
            actor,
            request: None,
            occurred_at: None,
        }
    }

    /// The request it belongs to; without this it gets a number of its own.
    #[must_use]
    pub const fn in_request(mut self, request: RequestId) -> Self {
        self.request = Some(request);
        self
    }

    /// When it happened by another clock, such as a machine's: a claim, years 2000 to 2099.
    #[must_use]
    pub const fn occurred_at(mut self, at: Timestamp) -> Self {
        self.occurred_at = Some(at);
        self
    }

    /// The line that is appended.
    ///
    /// # Errors
    /// [`LedgerError::BadAction`] and [`LedgerError::BadDeed`]: the rules of the leaf, which the table checks as well.
    pub(super) fn line(&self, outcome: Outcome, reason: Option<&str>) -> Result<Line, LedgerError> {
        check_action(&self.action)?;
        if !(1..=200).contains(&self.entity.chars().count()) || self.entity.contains('\0') {
            return Err(LedgerError::BadDeed("an entity has 1 to 200 characters"));
        }
        if !reason.map_or(outcome == Outcome::Done, is_reason) {
            return Err(LedgerError::BadDeed("a reason is a word of a-z, 0-9 and -, at most 80"));
        }
        if !self.occurred_at.is_none_or(is_tellable) {
            return Err(LedgerError::BadDeed("a clock's time is in the years 2000 to 2099"));
        }
        let now = SystemClock.now();
        Ok(Line {
            deed: self.clone(),
            id: AuditId::new(now),
            request: self.request.unwrap_or_else(|| RequestId::new(now)),
            outcome,
            reason: reason.map(str::to_owned),
        })
    }
}

/// Whether `word` can name an action: `area.verb`, of `a-z` and `-`, in the verb `_` as well, as every reader of leaves demands.
///
/// # Errors
/// [`LedgerError::BadAction`].
pub(super) fn check_action(word: &str) -> Result<(), LedgerError> {
    if is_action(word) && word.len() <= MAX_ACTION {
        Ok(())
    } else {
        Err(LedgerError::BadAction(word.to_owned()))
    }
}

/// A deed with its end, ready to be appended.
#[derive(Debug)]
pub struct Line {
    pub(super) deed: Deed,
    pub(super) id: AuditId,
    pub(super) request: RequestId,
    pub(super) outcome: Outcome,
    pub(super) reason: Option<String>,
}

impl Line {
    pub(super) fn action(&self) -> &str {
        &self.deed.action
    }

    /// The leaf of a line recorded at that time.
    pub(super) fn leaf(&self, tenant: TenantId, recorded_at: Timestamp) -> Leaf {
        Leaf {
            version: LeafVersion::V2,
            action: self.deed.action.clone(),
            actor: self.deed.actor,
            commitments: std::collections::BTreeMap::new(),
            entity: self.deed.entity.clone(),
            id: self.id,
            occurred_at: self.deed.occurred_at,
            outcome: self.outcome,
            reason: self.reason.clone(),
            recorded_at,
            request: self.request,
            tenant,
            time_quality: TimeQuality::Unattested,
        }
    }

    #[cfg(feature = "postgres")]
    pub(super) const fn actor(&self) -> PrincipalId {
        self.deed.actor
    }

    #[cfg(feature = "postgres")]
    pub(super) fn entity(&self) -> &str {
        &self.deed.entity
    }

    #[cfg(feature = "postgres")]
    pub(super) const fn occurred_at(&self) -> Option<Timestamp> {
        self.deed.occurred_at
    }
}

/// What whoever acted may keep: with it, it can later demand the proof that its deed is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// The place in the log, from 0.
    pub index: u64,
    /// The entry.
    pub entry: AuditId,
    /// When it was recorded, by the store's clock.
    pub recorded_at: Timestamp,
    /// The hash of the leaf (RFC 6962 section 2.1).
    pub leaf_hash: Hash,
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::PrincipalKind;

    use super::*;

    fn deed(action: &str, entity: &str) -> Deed {
        Deed::new(action, entity, PrincipalId::new(PrincipalKind::User, SystemClock.now()))
    }

    #[test]
    fn a_deed_that_no_reader_would_accept_is_never_appended() {
        assert!(deed("part.add", "part:m4").line(Outcome::Done, None).is_ok());
        let long = format!("a.{}", "b".repeat(79));
        for action in [
            "",
            "part",
            "part.",
            ".add",
            "part.add.more",
            "Part.add",
            "part.add2",
            &long,
        ] {
            let refused = deed(action, "part:m4").line(Outcome::Done, None);
            assert!(matches!(refused, Err(LedgerError::BadAction(_))), "{action}");
        }
        for entity in ["", "a\0b", &"x".repeat(201)] {
            let refused = deed("part.add", entity).line(Outcome::Done, None);
            assert!(matches!(refused, Err(LedgerError::BadDeed(_))), "{entity}");
        }
        for reason in [None, Some(""), Some("Out of stock")] {
            let refused = deed("part.add", "part:m4").line(Outcome::Refused, reason);
            assert!(matches!(refused, Err(LedgerError::BadDeed(_))), "{reason:?}");
        }
    }

    #[test]
    fn every_line_makes_a_leaf_that_reads_back() {
        let at = "2026-01-02T03:04:05.000006Z".parse().unwrap();
        let line = deed("part.take-out", "part:\"m4\"\n").occurred_at(at);
        let line = line.line(Outcome::Refused, Some("out-of-stock")).unwrap();
        let leaf = line.leaf(TenantId::new(at), at);
        assert_eq!(Leaf::parse(&leaf.to_bytes()), Ok(leaf));
    }
}
