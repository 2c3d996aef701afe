//! What must hold before a log goes on.
use std::collections::BTreeMap;

use keepgate_merkle::{hash::Hash, proof::verify_consistency};

use super::{LogFault, Next, Remembered, SignedHead};

/// What this signer signed last, for each log by name. A database that was taken back to an earlier day still agrees with
/// itself; it does not agree with this.
#[derive(Debug, Default)]
pub(crate) struct Fence(Remembered);

impl Fence {
    /// With what is remembered elsewhere.
    pub(crate) const fn new(remembered: Remembered) -> Self {
        Self(remembered)
    }

    /// What was signed last of the log `origin`.
    pub(crate) fn known(&self, origin: &str) -> Option<SignedHead> {
        self.0.heads.get(origin).copied()
    }

    /// What was signed last, by the log's name.
    pub(crate) const fn all(&self) -> &BTreeMap<String, SignedHead> {
        &self.0.heads
    }

    /// What was signed of the log of logs and may not have been published.
    pub(crate) const fn next(&self) -> Option<&Next> {
        self.0.next.as_ref()
    }

    /// Remembers what is about to be published.
    pub(crate) fn remember(&mut self, signed: Vec<(String, SignedHead)>, next: Option<Next>) {
        self.0.heads.extend(signed);
        self.0.next = next;
    }

    /// The log of logs is published up to what was on its way.
    pub(crate) fn published(&mut self) {
        let next = self.0.next.take();
        self.0.heads.extend(next.map(|next| (next.origin, next.head)));
    }
}

/// Whether a log whose stored head is `head` may grow, when its last stored checkpoint signed `last`. Whether a longer head grew
/// out of a shorter checkpoint is asked when it is signed.
///
/// # Errors
/// [`LogFault::HeadChanged`].
pub(crate) fn check_head(head: SignedHead, last: Option<SignedHead>) -> Result<(), LogFault> {
    match last {
        // The first leaves of a log are signed in the transaction that numbers them.
        None if head.size > 0 => Err(LogFault::HeadChanged),
        Some(last) if last.size > head.size || (last.size == head.size && last.root != head.root) => {
            Err(LogFault::HeadChanged)
        }
        _ => Ok(()),
    }
}

/// Whether `new` may be signed after `old`: it must be the same, or contain it, which `proof` has to show.
///
/// # Errors
/// [`LogFault::Shrank`] and [`LogFault::Forked`].
pub(crate) fn check_growth(old: SignedHead, new: SignedHead, proof: &[Hash]) -> Result<(), LogFault> {
    if new.size < old.size {
        return Err(LogFault::Shrank {
            signed: old.size,
            size: new.size,
        });
    }
    if old.size == 0 {
        return Ok(());
    }
    verify_consistency(old.size, new.size, &old.root, &new.root, proof).map_err(|_| LogFault::Forked(old.size))
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::{
        hash::leaf_hash,
        proof::consistency_proof,
        tree::{MemoryTree, root_of},
    };

    fn leaves(count: u64, last: &[u8]) -> Vec<Hash> {
        let mut leaves: Vec<_> = (1..count).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        leaves.push(leaf_hash(last));
        leaves
    }

    fn state(leaves: &[Hash]) -> SignedHead {
        SignedHead {
            size: leaves.len() as u64,
            root: root_of(leaves),
        }
    }

    #[test]
    fn a_head_goes_on_only_from_what_its_checkpoint_signed() {
        let (five, six) = (state(&leaves(5, b"a")), state(&leaves(6, b"a")));
        assert!(check_head(five, Some(five)).is_ok());
        assert!(check_head(six, Some(five)).is_ok(), "not all of it is signed yet");
        let empty = state(&[]);
        assert!(check_head(empty, None).is_ok());
        for (head, last) in [(five, Some(six)), (five, None), (five, Some(state(&leaves(5, b"b"))))] {
            assert!(matches!(check_head(head, last), Err(LogFault::HeadChanged)));
        }
    }

    #[test]
    fn nothing_is_signed_that_does_not_contain_what_was_signed() {
        let old = leaves(5, b"a");
        let mut new = old.clone();
        new.extend(leaves(3, b"c"));
        let tree: MemoryTree = new.iter().copied().collect();
        let proof = consistency_proof(5, 8, &tree).unwrap();
        assert!(check_growth(state(&old), state(&new), &proof).is_ok());
        assert!(check_growth(state(&old), state(&old), &[]).is_ok());
        assert!(check_growth(state(&[]), state(&new), &[]).is_ok());
        assert!(matches!(
            check_growth(state(&new), state(&old), &proof),
            Err(LogFault::Shrank { signed: 8, size: 5 })
        ));
        let other = leaves(5, b"b");
        assert!(matches!(
            check_growth(state(&other), state(&old), &[]),
            Err(LogFault::Forked(5))
        ));
        assert!(matches!(
            check_growth(state(&other), state(&new), &proof),
            Err(LogFault::Forked(5))
        ));
        assert!(matches!(
            check_growth(state(&old), state(&new), &[]),
            Err(LogFault::Forked(5))
        ));
    }
}
