//! The vectors of `docs/audit-format.md`, recomputed.
use keepgate_audit::{Leaf, LeafVersion, commitment::Opening, leaf::leaf_hash};
use keepgate_merkle::{hash::Hash, tree::root_of};

const DOCUMENT: &str = include_str!("../../../../docs/audit-format.md");

/// The indented lines of the document: what is to be taken literally.
fn literal() -> Vec<&'static str> {
    DOCUMENT.lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn the_document_s_leaves_hashes_and_root_are_ours() {
    let lines = literal();
    let [commitment, one, one_hash, two, two_hash, root] = lines[..] else {
        panic!("{lines:?}")
    };
    let salt = std::array::from_fn(|n| u8::try_from(n).unwrap());
    let opening = Opening {
        salt,
        value: "192.0.2.7".to_owned(),
    };
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    assert_eq!(hex(&opening.commitment("source")), commitment);
    for (text, hash, version) in [(one, one_hash, LeafVersion::V1), (two, two_hash, LeafVersion::V2)] {
        let leaf = Leaf::parse(text.as_bytes()).unwrap();
        assert_eq!(
            (leaf.version, leaf.source_c()),
            (version, Some(opening.commitment("source")))
        );
        assert_eq!(leaf.to_bytes(), text.as_bytes());
        assert_eq!(hex(&leaf_hash(text.as_bytes())), hash);
        assert!(DOCUMENT.contains(&format!("{} bytes", text.len())));
    }
    let hashes = [one, two].map(|text| Hash::from_bytes(leaf_hash(text.as_bytes())));
    assert_eq!(hex(root_of(&hashes).as_bytes()), root);
}
