//! Lists: `?limit=&cursor=` in, `{items, next_cursor}` out.
use data_encoding::BASE64URL_NOPAD;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Problem;

/// The limit when none is given.
pub(crate) const DEFAULT_LIMIT: u16 = 50;
const MAX_LIMIT: u16 = 500;

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T> {
    /// The items, in the list's own order.
    pub items: Vec<T>,
    /// Where the next page begins; `null` on the last one.
    pub next_cursor: Option<String>,
}

impl<T> Page<T> {
    /// The page that a list of the channels gave.
    pub(crate) fn listed<'a, D, A: std::fmt::Display>(listed: &'a keepgate_channels::Listed<D, A>) -> Self
    where
        T: From<&'a D>,
    {
        Self::shown(listed, T::from)
    }

    /// The same, each item as `view` shows it.
    pub(crate) fn shown<'a, D, A: std::fmt::Display>(
        listed: &'a keepgate_channels::Listed<D, A>,
        view: impl Fn(&'a D) -> T,
    ) -> Self {
        Self {
            items: listed.items.iter().map(view).collect(),
            next_cursor: listed.next.as_ref().map(|next| encode(&next.to_string())),
        }
    }

    /// The page over `items`, of which there are at most `limit`: a full page is followed by the position of its last item.
    pub(crate) fn of<'a, D>(items: &'a [D], limit: u16, position: impl Fn(&D) -> String) -> Self
    where
        T: From<&'a D>,
    {
        let last = items.last().filter(|_| items.len() >= usize::from(limit));
        Self {
            items: items.iter().map(T::from).collect(),
            next_cursor: last.map(|item| encode(&position(item))),
        }
    }
}

/// The page size asked for, 1 to 500.
///
/// # Errors
/// 422 outside of that.
pub(crate) fn limit(asked: Option<u16>) -> Result<u16, Problem> {
    match asked.unwrap_or(DEFAULT_LIMIT) {
        limit @ 1..=MAX_LIMIT => Ok(limit),
        _ => Err(Problem::invalid("?limit", "a number from 1 to 500")),
    }
}

/// An opaque cursor around `position`.
pub(crate) fn encode(position: &str) -> String {
    BASE64URL_NOPAD.encode(format!("c1:{position}").as_bytes())
}

/// The position inside a cursor of ours.
///
/// # Errors
/// 422 when it is not one.
pub(crate) fn decode(cursor: &str) -> Result<String, Problem> {
    let unknown = || Problem::invalid("?cursor", "not a cursor that this list gave out");
    let bytes = BASE64URL_NOPAD.decode(cursor.as_bytes()).map_err(|_| unknown())?;
    let text = String::from_utf8(bytes).map_err(|_| unknown())?;
    text.strip_prefix("c1:").map(str::to_owned).ok_or_else(unknown)
}

/// As [`decode`], parsed.
pub(crate) fn position<P: std::str::FromStr>(cursor: Option<&str>) -> Result<Option<P>, Problem> {
    let Some(cursor) = cursor else { return Ok(None) };
    let parsed = decode(cursor)?
        .parse()
        .map_err(|_| Problem::invalid("?cursor", "not a cursor that this list gave out"))?;
    Ok(Some(parsed))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_and_a_made_up_one_is_refused() {
        assert_eq!(decode(&encode("42")).unwrap(), "42");
        for bad in ["", "42", "YzI6NDI", "!!!"] {
            assert_eq!(decode(bad).unwrap_err().status(), 422, "{bad}");
        }
    }

    #[test]
    fn a_limit_is_one_to_five_hundred() {
        assert_eq!(limit(None).unwrap(), 50);
        assert!(limit(Some(0)).is_err() && limit(Some(501)).is_err());
        assert_eq!(limit(Some(500)).unwrap(), 500);
    }
}
