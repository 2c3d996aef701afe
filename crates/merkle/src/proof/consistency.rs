//! Checking consistency proofs.

use crate::hash::{Hash, node_hash};

/// Why a consistency proof proves nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Inconsistent {
    /// Any tree grows out of the empty one: there is nothing to prove, so a proof that claims it is refused.
    #[error("nothing can be proved from the empty tree")]
    FromEmpty,
    /// The newer tree is smaller than the older one.
    #[error("the tree shrank from {first} to {second} leaves")]
    Shrank {
        /// The size of the older tree.
        first: u64,
        /// The size of the newer tree.
        second: u64,
    },
    /// The proof has too few or too many hashes for these sizes.
    #[error("the consistency proof has the wrong number of hashes")]
    WrongLength,
    /// The proof does not lead to the older root: what was logged before has changed.
    #[error("the consistency proof leads to another older root")]
    OtherFirstRoot,
    /// The proof does not lead to the newer root.
    #[error("the consistency proof leads to another newer root")]
    OtherSecondRoot,
}

/// Checks that the tree (`second`, `second_root`) grew out of the tree (`first`, `first_root`) by appending only
/// (RFC 9162 section 2.1.4.2). For equal sizes the proof must be empty and the roots equal.
pub fn verify_consistency(
    first: u64,
    second: u64,
    first_root: &Hash,
    second_root: &Hash,
    proof: &[Hash],
) -> Result<(), Inconsistent> {
    if first == 0 {
        return Err(Inconsistent::FromEmpty);
    }
    if first > second {
        return Err(Inconsistent::Shrank { first, second });
    }
    if first == second {
        return match (proof.is_empty(), first_root == second_root) {
            (false, _) => Err(Inconsistent::WrongLength),
            (true, false) => Err(Inconsistent::OtherSecondRoot),
            (true, true) => Ok(()),
        };
    }
    let (older, newer) = rebuild_roots(first, second, first_root, proof).ok_or(Inconsistent::WrongLength)?;
    if older != *first_root {
        return Err(Inconsistent::OtherFirstRoot);
    }
    if newer == *second_root {
        Ok(())
    } else {
        Err(Inconsistent::OtherSecondRoot)
    }
}

/// Both roots as the proof gives them, for 0 < `first` < `second`; `None` if its length is wrong.
fn rebuild_roots(first: u64, second: u64, first_root: &Hash, proof: &[Hash]) -> Option<(Hash, Hash)> {
    // A complete older tree is itself the first node: the proof leaves it out.
    let (start, rest) = if first.is_power_of_two() {
        (first_root, proof)
    } else {
        proof.split_first()?
    };
    // The names of the RFC: fn and sn, fr and sr.
    let (mut node, mut last) = (first - 1, second - 1);
    let lift = node.trailing_ones();
    (node, last) = (node >> lift, last >> lift);
    let (mut older, mut newer) = (*start, *start);
    for sibling in rest {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
            let lift = if node & 1 == 1 || node == 0 {
                0
            } else {
                node.trailing_zeros()
            };
            (node, last) = (node >> lift, last >> lift);
        } else {
            newer = node_hash(&newer, sibling);
        }
        (node, last) = (node >> 1, last >> 1);
    }
    (last == 0).then_some((older, newer))
}
