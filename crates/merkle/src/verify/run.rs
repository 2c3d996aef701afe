//! The check itself.

use std::ops::Range;

use super::levels::{Levels, Stop, fetch, tampered};
use super::outcome::{Outcome, TamperReason, Tampered, Verified};
use super::source::{Observer, Source};
use crate::checkpoint::Checkpoint;
use crate::hash::{Hash, leaf_hash};
use crate::note::{Note, VerifierKey};
use crate::policy::{Policy, Refused};
use crate::tile::{self, TileKind, TilePath, whole_hashes};

/// What is to be checked, and against what.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The signed checkpoint, byte for byte.
    pub checkpoint: &'a [u8],
    /// The name the log must have.
    pub origin: &'a str,
    /// The keys of the log, and nobody else's: several only while keys change.
    pub keys: &'a [VerifierKey],
    /// Older signed checkpoints, kept somewhere the log's owner can't reach, in any order. What they cover must still be there;
    /// the more there are, the closer a change that nothing else places is placed.
    pub since: &'a [Vec<u8>],
    /// Who must have cosigned the checkpoint. Its `log` lines are not looked at: `keys` are the log's.
    pub policy: Option<&'a Policy>,
}

/// Checks a whole log: reads every entry, hashes it, compares it with the tiles of every level, and compares the root
/// with the signed one and, at its size, with the older checkpoint's.
///
/// Entries that the source knows to be elsewhere ([`Source::is_elsewhere`]) are not hashed: whoever asks has to look at
/// [`Verified::unseen`].
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
    let cosigned = cosigned(request).map_err(|error| whole(TamperReason::Witnesses(error)))?;
    let mut since = Vec::with_capacity(request.since.len());
    for (number, note) in (1..).zip(request.since) {
        let older = open(note).map_err(|error| whole(TamperReason::Since { number, error }))?;
        since.push((older.size, older.root));
    }
    since.sort_unstable();
    since.dedup();
    if let Some((older, _)) = since.last().filter(|(older, _)| *older > signed.size) {
        return tampered(
            signed.size,
            TamperReason::Shrank {
                since: *older,
                size: signed.size,
            },
        );
    }
    let mut check = Check {
        levels: Levels::new(signed.size),
        size: signed.size,
        since: &since,
        compared: 0,
        unseen: Vec::new(),
        source,
        observer,
    };
    check.compare_with_older()?;
    for index in 0..signed.size.div_ceil(tile::FULL_WIDTH.into()) {
        check.bundle(index)?;
    }
    if check.levels.leaves() != signed.size || check.levels.root() != signed.root {
        let (after, size) = (check.vouched(), signed.size);
        return tampered(
            Some(after).filter(|after| *after > 0),
            TamperReason::Root { after, size },
        );
    }
    let unseen = check.unseen;
    let mut since: Vec<u64> = since.into_iter().map(|(size, _)| size).collect();
    since.dedup();
    Ok(Verified {
        origin: signed.origin,
        size: signed.size,
        root: signed.root,
        since,
        cosigned,
        unseen,
    })
}

/// Who of the policy cosigned the checkpoint, which is a note: it was opened before.
fn cosigned(request: &Request<'_>) -> Result<Vec<(String, u64)>, Refused> {
    let (Some(policy), Ok(note)) = (request.policy, Note::parse(request.checkpoint)) else {
        return Ok(Vec::new());
    };
    let name = |index: usize| {
        policy
            .witnesses()
            .get(index)
            .map(|witness| String::from_utf8_lossy(&witness.name).into_owned())
    };
    let witnesses = policy.cosigned(&note)?;
    Ok(witnesses
        .into_iter()
        .filter_map(|(index, time)| Some((name(index)?, time)))
        .collect())
}

struct Check<'a, S, O> {
    levels: Levels,
    size: u64,
    /// Ascending.
    since: &'a [(u64, Hash)],
    /// How many of them were compared.
    compared: usize,
    /// What stands for itself by its hash alone, in order.
    unseen: Vec<Range<u64>>,
    source: &'a mut S,
    observer: &'a mut O,
}

impl<S: Source, O: Observer> Check<'_, S, O> {
    /// Checks the entries of bundle `index`, each as it is read: a removed entry is named by its own place.
    fn bundle(&mut self, index: u64) -> Result<(), Stop<S::Error>> {
        let Some(bundle) = TilePath::at(TileKind::Entries, index, self.size) else {
            return Ok(());
        };
        let content = match fetch(self.source, &bundle, self.levels.leaves()) {
            Err(Stop::Incomplete(away)) if self.source.is_elsewhere(&away.error) => return self.by_hashes(index),
            content => content?,
        };
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

    /// Builds on the hashes of a bundle whose entries are not here.
    fn by_hashes(&mut self, index: u64) -> Result<(), Stop<S::Error>> {
        let Some(tile) = TilePath::at(TileKind::Hashes(0), index, self.size) else {
            return Ok(());
        };
        let first = self.levels.leaves();
        let content = fetch(self.source, &tile, first)?;
        let hashes = whole_hashes(&content.bytes);
        for position in 0..tile.width() {
            let Some(hash) = hashes.get(usize::from(position)) else {
                let position = position.into();
                return tampered(self.levels.leaves(), TamperReason::MissingHash { tile, position });
            };
            self.levels.push(*hash, self.source)?;
            self.compare_with_older()?;
        }
        let end = self.levels.leaves();
        match self.unseen.last_mut() {
            Some(last) if last.end == first => last.end = end,
            _ => self.unseen.push(first..end),
        }
        self.observer.progress(end, self.size);
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

    /// At the size of each older checkpoint the roots must be the same.
    fn compare_with_older(&mut self) -> Result<(), Stop<S::Error>> {
        while let Some((since, root)) = self.since.get(self.compared) {
            if *since != self.levels.leaves() {
                break;
            }
            if *root != self.levels.root() {
                let (since, after) = (*since, self.vouched());
                return tampered(after, TamperReason::RewrittenHistory { since, after });
            }
            self.compared += 1;
        }
        Ok(())
    }

    /// The size of the largest older checkpoint that holds.
    fn vouched(&self) -> u64 {
        let last = self.compared.checked_sub(1).and_then(|last| self.since.get(last));
        last.map_or(0, |(size, _)| *size)
    }
}
