//! Tiles: proofs built from them are the proofs built from the whole tree.

use keepgate_merkle::proof::{consistency_proof, inclusion_proof, nodes_for_consistency, nodes_for_inclusion};
use keepgate_merkle::tile::{InsertTile, TilePath, TileSet, decode_hashes, encode_hashes, tiles_for, tiles_for_nodes};
use keepgate_merkle::tree::{HashReader, NodeId, root_of};
use proptest::prelude::*;

use crate::support::{BIG, hash_tile, leaves};

/// The tiles that hold `nodes`, and no others.
fn tile_set(nodes: Vec<NodeId>, size: u64) -> TileSet {
    let mut set = TileSet::default();
    for path in tiles_for_nodes(nodes, size) {
        set.insert(path, &hash_tile(&BIG, &path)).unwrap();
    }
    set
}

proptest! {
    #[test]
    fn a_proof_of_inclusion_needs_only_the_tiles_it_names(
        (index, size) in (1_u64..=70_000).prop_flat_map(|size| (0..size, Just(size))),
    ) {
        let tiles = tile_set(nodes_for_inclusion(index, size).unwrap(), size);
        prop_assert_eq!(inclusion_proof(index, size, &tiles), inclusion_proof(index, size, &*BIG));
    }

    #[test]
    fn a_proof_of_consistency_needs_only_the_tiles_it_names(
        (first, second) in (1_u64..=70_000).prop_flat_map(|second| (1..=second, Just(second))),
    ) {
        let tiles = tile_set(nodes_for_consistency(first, second).unwrap(), second);
        prop_assert_eq!(consistency_proof(first, second, &tiles), consistency_proof(first, second, &*BIG));
    }

    #[test]
    fn the_tiles_of_a_size_together_hold_every_leaf_once(size in 0_u64..200_000) {
        let level_0 = tiles_for(size).filter(|path| path.to_string().starts_with("tile/0/"));
        prop_assert_eq!(level_0.map(|path| u64::from(path.width())).sum::<u64>(), size);
        let bundles = tiles_for(size).filter(|path| path.to_string().starts_with("tile/entries/"));
        prop_assert_eq!(bundles.map(|path| u64::from(path.width())).sum::<u64>(), size);
    }
}

#[test]
fn every_node_of_every_level_is_read_from_the_tiles() {
    let size = 70_000;
    let mut set = TileSet::default();
    for path in tiles_for(size).filter(|path| !path.to_string().starts_with("tile/entries/")) {
        set.insert(path, &hash_tile(&BIG, &path)).unwrap();
    }
    for level in 0..20 {
        for index in (0..=size >> level).step_by(37) {
            assert_eq!(
                set.read(level, index),
                BIG.read(level, index),
                "level {level}, index {index}"
            );
        }
    }
}

#[test]
fn a_tile_of_the_wrong_length_or_kind_is_refused() {
    let path: TilePath = "tile/0/000.p/3".parse().unwrap();
    let hashes = leaves(4);
    let mut set = TileSet::default();
    for content in [&encode_hashes(&hashes)[..], &encode_hashes(&hashes)[..95], &[]] {
        assert!(matches!(set.insert(path, content), Err(InsertTile::Length(_))));
        assert!(decode_hashes(content, 3).is_err());
    }
    assert_eq!(
        set.insert("tile/entries/000.p/3".parse().unwrap(), &[0; 96]),
        Err(InsertTile::Entries)
    );
    assert_eq!(decode_hashes(&encode_hashes(&hashes), 4), Ok(hashes));
}

#[test]
fn a_wider_tile_replaces_a_narrower_one_and_not_the_other_way_round() {
    let hashes = leaves(3);
    let mut set = TileSet::default();
    for width in [2, 3, 1] {
        let path: TilePath = format!("tile/0/000.p/{width}").parse().unwrap();
        set.insert(path, &encode_hashes(&hashes[..width])).unwrap();
    }
    assert_eq!(set.read(0, 2), Some(hashes[2]));
    assert_eq!(set.read(1, 0), Some(root_of(&hashes[..2])));
    assert_eq!(
        (set.read(0, 3), set.read(1, 1), set.read(8, 0), set.read(255, u64::MAX)),
        (None, None, None, None)
    );
}
