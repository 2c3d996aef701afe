//! Lists, a page at a time.
use keepgate_kernel::{Timestamp, Uuid};

/// How many items a page has at most.
pub const MAX_PAGE: u16 = 500;

/// A place in a list ordered by time and id: everything after it is on later pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The time of the last item seen.
    pub at: Timestamp,
    /// Its id.
    pub id: Uuid,
}

/// A text that is no cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no such cursor")]
pub struct InvalidCursor;

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:016x}{}", self.at.timestamp_micros(), self.id.simple())
    }
}

impl std::str::FromStr for Cursor {
    type Err = InvalidCursor;
    fn from_str(text: &str) -> Result<Self, InvalidCursor> {
        let (at, id) = text.split_at_checked(16).ok_or(InvalidCursor)?;
        let micros = u64::from_str_radix(at, 16)
            .ok()
            .and_then(|n| i64::try_from(n).ok())
            .ok_or(InvalidCursor)?;
        let at = Timestamp::from_timestamp_micros(micros).ok_or(InvalidCursor)?;
        let id = u128::from_str_radix(id, 16).map_err(|_| InvalidCursor)?;
        let cursor = Self {
            at,
            id: Uuid::from_u128(id),
        };
        if cursor.to_string() == text {
            Ok(cursor)
        } else {
            Err(InvalidCursor)
        }
    }
}

/// Which part of a list is wanted. `A` is what its order goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page<A> {
    /// At most so many items; more than [`MAX_PAGE`] are never given.
    pub limit: u16,
    /// Only what comes after this.
    pub after: Option<A>,
}

impl<A> Page<A> {
    /// The first `limit` items.
    #[must_use]
    pub const fn first(limit: u16) -> Self {
        Self { limit, after: None }
    }

    /// Rows to read: one more than wanted tells whether there is a next page.
    pub(crate) fn rows(&self) -> usize {
        usize::from(self.limit.clamp(1, MAX_PAGE)) + 1
    }
}

/// A page of a list, and where the next one begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed<T, A> {
    /// The items, in order.
    pub items: Vec<T>,
    /// Give this as [`Page::after`] for the next page; `None` at the end.
    pub next: Option<A>,
}

impl<T, A> Listed<T, A> {
    /// Cuts the extra row off; `place` says where an item stands.
    pub(crate) fn cut<B>(mut items: Vec<T>, page: &Page<B>, place: impl Fn(&T) -> A) -> Self {
        let wanted = page.rows() - 1;
        let more = items.len() > wanted;
        items.truncate(wanted);
        let next = if more { items.last().map(place) } else { None };
        Self { items, next }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text_form() {
        let cursor = Cursor {
            at: "2026-01-02T03:04:05.000006Z".parse().unwrap(),
            id: Uuid::from_u128(7),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for bad in [
            "",
            "zz",
            &cursor.to_string().to_uppercase(),
            &format!("{cursor}0"),
            "ffffffffffffffffffffffffffffffffffffffffffffffff",
        ] {
            let same = bad == cursor.to_string();
            assert_eq!(bad.parse::<Cursor>().is_ok(), same, "{bad}");
        }
    }

    #[test]
    fn the_extra_row_becomes_the_next_cursor() {
        let page: Page<u8> = Page::first(2);
        assert_eq!(
            Listed::cut(vec![1, 2, 3], &page, |n| *n),
            Listed {
                items: vec![1, 2],
                next: Some(2)
            }
        );
        assert_eq!(
            Listed::cut(vec![1, 2], &page, |n| *n),
            Listed {
                items: vec![1, 2],
                next: None
            }
        );
    }
}
