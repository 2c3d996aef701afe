//! Operations that need two domain crates, one file each.
