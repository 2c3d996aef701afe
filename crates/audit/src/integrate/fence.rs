//! What must hold before a log goes on.
use std::collections::BTreeMap;

use keepgate_kernel::TenantId;

use super::{LogFault, Signed};

/// What this process signed last, for each log. A database that was taken back to an earlier day still agrees with
/// itself; it does not agree with this.
#[derive(Debug, Default)]
pub(crate) struct Fence(BTreeMap<TenantId, Signed>);

impl Fence {
    /// Whether a log whose head is `head` and whose last checkpoint signed `last` may go on.
    ///
    /// # Errors
    /// [`LogFault::HeadChanged`], [`LogFault::Shrank`], [`LogFault::Forked`].
    pub(crate) fn check(&self, tenant: TenantId, head: Signed, last: Option<Signed>) -> Result<(), LogFault> {
        let agrees = last.map_or(head.size == 0, |last| last == head);
        match self.0.get(&tenant) {
            _ if !agrees => Err(LogFault::HeadChanged),
            Some(known) if head.size < known.size => Err(LogFault::Shrank {
                signed: known.size,
                size: head.size,
            }),
            Some(known) if head.size == known.size && head.root != known.root => Err(LogFault::Forked(head.size)),
            _ => Ok(()),
        }
    }

    /// Remembers what was signed, once it is committed.
    pub(crate) fn remember(&mut self, signed: impl IntoIterator<Item = (TenantId, Signed)>) {
        self.0.extend(signed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::hash::leaf_hash;

    fn state(size: u64, seed: &[u8]) -> Signed {
        Signed {
            size,
            root: leaf_hash(seed),
        }
    }

    #[test]
    fn nothing_is_signed_that_does_not_continue_what_was_signed() {
        let tenant = TenantId::new("2026-01-02T03:04:05Z".parse().unwrap());
        let mut fence = Fence::default();
        let (five, six) = (state(5, b"five"), state(6, b"six"));
        assert!(fence.check(tenant, five, Some(five)).is_ok());
        assert!(matches!(
            fence.check(tenant, five, Some(six)),
            Err(LogFault::HeadChanged)
        ));
        assert!(matches!(fence.check(tenant, five, None), Err(LogFault::HeadChanged)));
        fence.remember([(tenant, six)]);
        assert!(fence.check(tenant, six, Some(six)).is_ok());
        assert!(matches!(
            fence.check(tenant, five, Some(five)),
            Err(LogFault::Shrank { signed: 6, size: 5 })
        ));
        let other = state(6, b"other");
        assert!(matches!(
            fence.check(tenant, other, Some(other)),
            Err(LogFault::Forked(6))
        ));
    }
}
