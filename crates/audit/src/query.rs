//! Searching the log.
use keepgate_kernel::{Action, Entity, Outcome, PrincipalId, Timestamp};

use crate::Entry;

/// The most entries a page can have.
pub const MAX_LIMIT: u16 = 500;
/// The most characters a text to search for can have.
pub const MAX_SEARCH: usize = 200;
/// How many entries one page looks at before it ends short: bounds the work of a search for something rare.
pub(crate) const WINDOW: u64 = 100_000;

/// Which entries, from where. All conditions must hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryQuery {
    /// Recorded at this instant or later.
    pub from: Option<Timestamp>,
    /// Recorded before this instant.
    pub to: Option<Timestamp>,
    /// By this principal.
    pub actor: Option<PrincipalId>,
    /// This operation.
    pub action: Option<Action>,
    /// About exactly this.
    pub entity: Option<Entity>,
    /// With this end.
    pub outcome: Option<Outcome>,
    /// A text that action, entity or reason contains, as it is written: no wildcards.
    pub q: Option<String>,
    /// The first index to look at: 0, or [`Page::next`] of the page before.
    pub start: u64,
    /// The index to stop before, the end of the log if there is none.
    pub end: Option<u64>,
    /// At most so many, 1 to [`MAX_LIMIT`].
    pub limit: u16,
}

impl Default for EntryQuery {
    fn default() -> Self {
        Self {
            from: None,
            to: None,
            actor: None,
            action: None,
            entity: None,
            outcome: None,
            q: None,
            start: 0,
            end: None,
            limit: 50,
        }
    }
}

/// Why a search can't be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadQuery {
    /// No such page size.
    #[error("a page has 1 to {MAX_LIMIT} entries")]
    Limit,
    /// A text that no entry can contain.
    #[error("a text to search for has 1 to {MAX_SEARCH} characters and no NUL")]
    Text,
}

impl BadQuery {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Limit => "limit-out-of-range",
            Self::Text => "search-text-malformed",
        }
    }
}

impl EntryQuery {
    /// Whether the query can be asked. Adapters rely on it.
    ///
    /// # Errors
    /// [`BadQuery`] says what is wrong.
    pub fn check(&self) -> Result<(), BadQuery> {
        let fits = |text: &str| (1..=MAX_SEARCH).contains(&text.chars().count()) && !text.contains('\0');
        let texts = [self.q.as_deref(), self.entity.as_ref().map(Entity::as_str)];
        if !(1..=MAX_LIMIT).contains(&self.limit) {
            Err(BadQuery::Limit)
        } else if texts.into_iter().flatten().all(fits) {
            Ok(())
        } else {
            Err(BadQuery::Text)
        }
    }

    /// Where the search ends in a log of `size` entries.
    pub(crate) fn last(&self, size: u64) -> u64 {
        self.end.map_or(size, |end| end.min(size))
    }

    /// Puts a page together: `looked` is where the look ended if it found less than a page, `end` where it can't find more.
    pub(crate) fn page(&self, items: Vec<Entry>, looked: u64, end: u64) -> Page {
        let full = items.len() >= usize::from(self.limit);
        let next = match items.last() {
            Some(last) if full => last.index.saturating_add(1),
            _ => looked,
        };
        Page {
            items,
            next: (next < end).then_some(next),
        }
    }
}

/// Entries in the order of their index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The entries, fewer than the limit also when the search has looked at enough for one page.
    pub items: Vec<Entry>,
    /// Where to go on; `None` at the end of the log.
    pub next: Option<u64>,
}
