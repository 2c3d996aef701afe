//! Tiles, bundles and notes as bytes.
#![no_main]
use keepgate_merkle::{
    note::Note,
    policy::Policy,
    tile::{decode_hashes, encode_bundle, encode_hashes, entries},
    witness::AddCheckpoint,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u16, &[u8])| {
    let (width, bytes) = input;
    let _ = (Note::parse(bytes), AddCheckpoint::parse(bytes), Policy::parse(bytes));
    if let Ok(hashes) = decode_hashes(bytes, width) {
        assert_eq!(
            (encode_hashes(&hashes).as_slice(), hashes.len()),
            (bytes, usize::from(width))
        );
    }
    if let Ok(read) = entries(bytes).collect::<Result<Vec<_>, _>>() {
        assert_eq!(encode_bundle(read).expect("what was read fits"), bytes);
    }
});
