//! The Merkle tree itself (RFC 6962 section 2.1): growing it, reading its nodes, its root.

mod frontier;
mod memory;
mod nodes;

pub use frontier::{Frontier, FrontierError};
pub use memory::MemoryTree;
pub use nodes::{HashReader, NodeId};

pub(crate) use frontier::fold_edge;
pub(crate) use nodes::{LeafRange, split};

use crate::hash::Hash;

/// Root of the tree over `leaves`, in order. The empty slice gives [`crate::hash::empty_root`].
pub fn root_of(leaves: &[Hash]) -> Hash {
    let mut frontier = Frontier::default();
    for leaf in leaves {
        frontier.push(*leaf);
    }
    frontier.root()
}
