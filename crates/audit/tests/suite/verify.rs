//! The log as outsiders see it: tiles, checkpoints, proofs.
use keepgate_audit::proof;
use keepgate_kernel::Level;
use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::Hash,
    proof::verify_consistency,
    tile::{TilePath, entries},
};
use keepgate_store::testing::World;

use crate::support::{Tx, admin, append, copy, done, fill, host, note_signer, number};

async fn tile(world: &World<dyn Tx>, path: &str) -> Option<Vec<u8>> {
    world
        .begin(&admin(world))
        .await
        .tile(&path.parse::<TilePath>().unwrap())
        .await
        .unwrap()
}

pub async fn a_log_verifies_at_every_kind_of_size(world: &World<dyn Tx>) {
    let mut size = 0;
    for more in [1, 254, 1, 1, 343] {
        fill(world, &admin(world), more).await;
        size += more as u64;
        copy(world, &admin(world)).await.assert_verified(size);
    }
    assert_eq!(size, 600);
}

pub async fn each_tenant_s_log_is_its_own(world: &World<dyn Tx>) {
    let contexts = [
        admin(world),
        world.stranger(Level::TenantAdmin),
        world.caller(Level::GlobalAdmin),
    ];
    for (n, context) in contexts.iter().enumerate() {
        for _ in 0..=n {
            append(world, context, &done(world.now, "thing:1")).await;
        }
    }
    number(world).await;
    for (n, context) in contexts.iter().enumerate() {
        let copy = copy(world, context).await;
        assert_eq!(copy.origin, host().origin(context.tenant()));
        copy.assert_verified(n as u64 + 1);
    }
}

pub async fn what_a_tile_held_once_it_holds_for_ever(world: &World<dyn Tx>) {
    fill(world, &admin(world), 300).await;
    let names = [
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/0/001.p/3",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ];
    let mut before = Vec::new();
    for name in names {
        before.push(tile(world, name).await.unwrap());
    }
    for beyond in [
        "tile/0/001",
        "tile/0/001.p/45",
        "tile/0/002.p/1",
        "tile/1/000.p/2",
        "tile/2/000.p/1",
        "tile/9/000.p/1",
        "tile/entries/001",
    ] {
        assert_eq!(tile(world, beyond).await, None, "{beyond}");
    }
    fill(world, &admin(world), 300).await;
    for (name, content) in names.into_iter().zip(before) {
        assert_eq!(tile(world, name).await, Some(content), "{name}");
    }
    assert_eq!(entries(&tile(world, "tile/entries/001").await.unwrap()).count(), 256);
}

pub async fn every_checkpoint_stays_and_opens_with_the_log_s_key(world: &World<dyn Tx>) {
    let origin = host().origin(world.ids.tenant);
    let key = note_signer(&origin).verifier().clone();
    let mut sizes = Vec::new();
    for more in [2, 3, 300] {
        fill(world, &admin(world), more).await;
        sizes.push(sizes.last().unwrap_or(&0) + more as u64);
    }
    let mut tx = world.begin(&admin(world)).await;
    for size in &sizes {
        let signed = tx.checkpoint(Some(*size)).await.unwrap().unwrap();
        let opened = Checkpoint::open(signed.note.as_bytes(), &origin, std::slice::from_ref(&key)).unwrap();
        assert_eq!((opened.size, signed.size), (*size, *size));
    }
    assert_eq!(tx.checkpoint(None).await.unwrap().unwrap().size, 305);
    assert_eq!(tx.checkpoint(Some(4)).await.unwrap(), None);
    assert_eq!(tx.checkpoint(Some(u64::MAX)).await.unwrap(), None);
}

pub async fn inclusion_is_proved_for_every_entry_and_no_other(world: &World<dyn Tx>) {
    fill(world, &admin(world), 600).await;
    let origin = host().origin(world.ids.tenant);
    let keys = [note_signer(&origin).verifier().clone()];
    let mut tx = world.begin(&admin(world)).await;
    for index in [0, 1, 255, 256, 511, 512, 598, 599] {
        let leaf = Hash::from_bytes(tx.entry(index).await.unwrap().unwrap().leaf_hash);
        let file = proof::inclusion(&mut *tx, index).await.unwrap().unwrap().to_string();
        let proof: keepgate_merkle::tlog_proof::TlogProof = file.parse().unwrap();
        assert_eq!(proof.verify(&leaf, &origin, &keys).unwrap().size, 600);
        let wrong = Hash::from_bytes(tx.entry(index ^ 2).await.unwrap().unwrap().leaf_hash);
        assert!(proof.verify(&wrong, &origin, &keys).is_err());
    }
    assert_eq!(proof::inclusion(&mut *tx, 600).await.unwrap(), None);
    assert_eq!(proof::inclusion(&mut *tx, u64::MAX).await.unwrap(), None);
}

pub async fn consistency_is_proved_between_all_checkpoints(world: &World<dyn Tx>) {
    let origin = host().origin(world.ids.tenant);
    let keys = [note_signer(&origin).verifier().clone()];
    let mut signed = Vec::new();
    for more in [1, 2, 252, 1, 1, 300] {
        fill(world, &admin(world), more).await;
        let note = world
            .begin(&admin(world))
            .await
            .checkpoint(None)
            .await
            .unwrap()
            .unwrap()
            .note;
        signed.push(Checkpoint::open(note.as_bytes(), &origin, &keys).unwrap());
    }
    let mut tx = world.begin(&admin(world)).await;
    for (n, old) in signed.iter().enumerate() {
        for new in &signed[n..] {
            let hashes = proof::consistency(&mut *tx, old.size, new.size).await.unwrap().unwrap();
            assert_eq!(
                verify_consistency(old.size, new.size, &old.root, &new.root, &hashes),
                Ok(())
            );
        }
    }
    for (first, second) in [(0, 1), (2, 1), (1, 558), (u64::MAX, u64::MAX)] {
        assert_eq!(
            proof::consistency(&mut *tx, first, second).await.unwrap(),
            None,
            "{first} {second}"
        );
    }
}

pub async fn numbering_again_changes_nothing(world: &World<dyn Tx>) {
    fill(world, &admin(world), 3).await;
    let before = copy(world, &admin(world)).await;
    number(world).await;
    number(world).await;
    assert_eq!(copy(world, &admin(world)).await.checkpoint, before.checkpoint);
}
