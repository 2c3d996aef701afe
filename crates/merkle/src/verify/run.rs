//! The check itself.

use super::levels::{Levels, Stop, fetch, tampered};
use super::outcome::{Outcome, TamperReason, Tampered, Verified};
use super::source::{Observer, Source};
use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, leaf_hash};
use crate::note::VerifierKey;
use crate::tile::{self, TileKind, TilePath};

/// What is to be checked, and against what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The signed checkpoint, byte for byte.
    pub checkpoint: &'a [u8],
    /// The name the log must have.
    pub origin: &'a str,
    /// The keys of the log, and nobody else's: several only while keys change.
    pub keys: &'a [VerifierKey],
    /// An older signed checkpoint, kept somewhere the log's owner can't reach. What it covers must still be there.
    pub since: Option<&'a [u8]>,
}

/// Checks a whole log: reads every entry, hashes it, compares it with the tiles of every level, and compares the root
/// with the signed one and, at its size, with the older checkpoint's.
///
/// Reads each tile once, in order, and holds one bundle and one tile per level at a time. The first disagreement ends
/// the check; it is the one at the lowest leaf.
pub fn verify<S: Source, O: Observer>(request: &Request<'_>, source: &mut S, observer: &mut O) -> Outcome<S::Error> {
    match run(request, source, observer) {
        Ok(verified) => Outcome::Verified(verified),
        Err(Stop::Tampered(tampered)) => Outcome::Tampered(tampered),
        Err(Stop::Incomplete(incomplete)) => Outcome::Incomplete(incomplete),
    }
}

fn run<S: Source, O: Observer>(
    request: &Request<'_>,
    source: &mut S,
    observer: &mut O,
) -> Result<Verified, Stop<S::Error>> {
    let whole = |reason| Stop::Tampered(Tampered { index: None, reason });
    let open = |note| Checkpoint::open(note, request.origin, request.keys);
    let signed = open(request.checkpoint).map_err(|error| whole(TamperReason::Checkpoint(error)))?;
    let since = request
        .since
        .map(open)
        .transpose()
        .map_err(|error| whole(TamperReason::Since(error)))?;
    if let Some(older) = since.as_ref().filter(|older| older.size > signed.size) {
        return tampered(
            signed.size,
            TamperReason::Shrank {
                since: older.size,
                size: signed.size,
            },
        );
    }
    let since = since.map(|older| (older.size, older.root));
    let mut check = Check {
        levels: Levels::new(signed.size),
        size: signed.size,
        since,
        source,
        observer,
    };
    check.compare_with_older()?;
    for index in 0..signed.size.div_ceil(tile::FULL_WIDTH.into()) {
        check.bundle(index)?;
    }
    if check.levels.leaves() != signed.size || check.levels.root() != signed.root {
        return tampered(None, TamperReason::Root);
    }
    Ok(Verified {
        origin: signed.origin,
        size: signed.size,
        root: signed.root,
        since: since.map(|(size, _)| size),
    })
}

struct Check<'a, S, O> {
    levels: Levels,
    size: u64,
    since: Option<(u64, Hash)>,
    source: &'a mut S,
    observer: &'a mut O,
}

impl<S: Source, O: Observer> Check<'_, S, O> {
    /// Checks the entries of bundle `index`, each as it is read: a removed entry is named by its own place.
    fn bundle(&mut self, index: u64) -> Result<(), Stop<S::Error>> {
        let Some(bundle) = TilePath::at(TileKind::Entries, index, self.size) else {
            return Ok(());
        };
        let content = fetch(self.source, &bundle, self.levels.leaves())?;
        let mut entries = tile::entries(&content.bytes);
        for _ in 0..bundle.width() {
            let Some(Ok(entry)) = entries.next() else {
                return tampered(self.levels.leaves(), TamperReason::MissingEntry { bundle });
            };
            self.entry(entry)?;
        }
        if !content.widened && !entries.rest().is_empty() {
            return tampered(self.levels.leaves().checked_sub(1), TamperReason::ExtraEntry { bundle });
        }
        self.observer.progress(self.levels.leaves(), self.size);
        Ok(())
    }

    fn entry(&mut self, entry: &[u8]) -> Result<(), Stop<S::Error>> {
        let index = self.levels.leaves();
        self.levels.push(leaf_hash(entry), self.source)?;
        if let Err(words) = self.observer.entry(index, entry) {
            return tampered(index, TamperReason::Content(words));
        }
        self.compare_with_older()
    }

    /// At the size of the older checkpoint the roots must be the same.
    fn compare_with_older(&self) -> Result<(), Stop<S::Error>> {
        match self.since {
            Some((since, root)) if since == self.levels.leaves() && root != self.levels.root() => {
                tampered(None, TamperReason::RewrittenHistory { since })
            }
            _ => Ok(()),
        }
    }
}
