//! A proof is accepted if and only if it is the one that RFC 6962 makes.
#![no_main]
use keepgate_fuzz::leaves;
use keepgate_merkle::{
    hash::Hash,
    proof::{consistency_proof, inclusion_proof, verify_consistency, verify_inclusion},
    tree::{MemoryTree, root_of},
};
use libfuzzer_sys::fuzz_target;

const MAX: u64 = 70;

/// The honest proof with one hash changed, dropped, doubled or put in.
fn edited(mut proof: Vec<Hash>, how: u8, at: u8, bit: u8) -> Vec<Hash> {
    let at = usize::from(at) % (proof.len() + 1);
    match how % 5 {
        1 => drop((at < proof.len()).then(|| proof.remove(at))),
        2 => proof.insert(at, proof.get(at).copied().unwrap_or(Hash::from_bytes([bit; 32]))),
        3 => proof.iter_mut().skip(at).take(1).for_each(|hash| {
            let mut bytes = *hash.as_bytes();
            bytes[usize::from(bit) / 8] ^= 1 << (bit % 8);
            *hash = Hash::from_bytes(bytes);
        }),
        4 if at + 1 < proof.len() => proof.swap(at, at + 1),
        _ => {}
    }
    proof
}

fuzz_target!(|input: (u8, u8, u8, u8, u8, u8)| {
    let (first, second, how, at, bit, shift) = input;
    let (first, second) = (u64::from(first) % MAX, u64::from(second) % MAX);
    let all = leaves(MAX);
    let tree: MemoryTree = all.iter().copied().collect();
    let root = |size: u64| root_of(all.get(..size as usize).unwrap_or_default());
    // Told about another place or size than it was made for, now and then.
    let told = if shift < 200 {
        first
    } else {
        first.wrapping_add(u64::from(shift))
    };

    if let Ok(honest) = inclusion_proof(first, second, &tree) {
        let proof = edited(honest.clone(), how, at, bit);
        let leaf = all[first as usize];
        let accepted = verify_inclusion(told, second, &leaf, &proof, &root(second)).is_ok();
        assert_eq!(accepted, proof == honest && told == first);
    }
    if let Ok(honest) = consistency_proof(first, second, &tree) {
        let proof = edited(honest.clone(), how, at, bit);
        let accepted = verify_consistency(told, second, &root(first), &root(second), &proof).is_ok();
        assert_eq!(accepted, proof == honest && told == first);
    }
});
