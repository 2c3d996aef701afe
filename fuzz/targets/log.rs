//! A whole log verifies only untouched: whatever is changed in a tile or bundle is found.
#![no_main]
use keepgate_fuzz::{LOG, ORIGIN, signer};
use keepgate_merkle::verify::{Outcome, Request, verify};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|edits: Vec<(u8, u16, u8, u8)>| {
    let mut log = LOG.clone();
    for (tile, at, how, byte) in edits.into_iter().take(3) {
        let nth = usize::from(tile) % log.tiles.len();
        let Some(content) = log.tiles.values_mut().nth(nth) else {
            return;
        };
        let at = usize::from(at) % content.len().max(1);
        match how % 3 {
            0 => content.insert(at, byte),
            1 if at < content.len() => drop(content.remove(at)),
            _ => content.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
        }
    }
    let (note, keys) = (log.note.clone(), [signer().verifier().clone()]);
    let request = Request {
        checkpoint: note.as_bytes(),
        origin: ORIGIN,
        keys: &keys,
        since: &[],
        policy: None,
    };
    let untouched = log.tiles == LOG.tiles;
    let verified = matches!(verify(&request, &mut log, &mut ()), Outcome::Verified(_));
    assert_eq!(verified, untouched);
});
