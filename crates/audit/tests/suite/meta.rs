//! The log of logs.
use keepgate_audit::operations::{MetaContent, MetaPart, ReadMetaLog};
use keepgate_kernel::Level;
use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::leaf_hash,
    note::Note,
    tile::{TileKind, TilePath},
};
use keepgate_policy::{Command, OpContext, authorize, permissions::AuditLog};
use keepgate_store::testing::World;

use crate::support::{Tx, admin, append, done, host, note_signer, number};

/// The proof that `context`'s newest checkpoint is in the log of logs, as `GET /v1/audit/meta/proof` makes it.
async fn proved(world: &World<dyn Tx>, context: &OpContext) -> (u64, Checkpoint) {
    let proof = authorize::<AuditLog>(context).unwrap();
    let mut tx = world.begin(context).await;
    let content = ReadMetaLog { part: MetaPart::Proof }
        .run(&proof, &mut *tx)
        .await
        .unwrap();
    let MetaContent::Proof(file) = content else {
        panic!("{content:?}")
    };
    let note = Note::parse(&file.extra).unwrap();
    let meta = host().meta_origin();
    let keys = [note_signer(&meta).verifier().clone()];
    let index = file.index;
    let verified = file.verify(&leaf_hash(note.text().as_bytes()), &meta, &keys);
    verified.unwrap();
    (index, note.text().parse().unwrap())
}

pub async fn every_signed_state_is_in_the_log_of_logs_and_its_tenant_can_prove_it(world: &World<dyn Tx>) {
    let (here, there) = (admin(world), world.stranger(Level::TenantAdmin));
    for n in 0..3 {
        append(world, &here, &done(world.now, &format!("h{n}"))).await;
        append(world, &there, &done(world.now, &format!("t{n}"))).await;
        number(world).await;
    }
    let (mine, own) = proved(world, &here).await;
    let (theirs, other) = proved(world, &there).await;
    assert_ne!(mine, theirs);
    assert_eq!((own.size, other.size), (3, 3));
    assert_ne!(own.origin, other.origin);
    let mut tx = world.begin(&here).await;
    let info = tx.meta_info().await.unwrap().unwrap();
    assert_eq!(info.origin, host().meta_origin());
    assert_eq!(info.size, 6, "three states of two logs");
    let entries = TilePath::new(TileKind::Entries, 0, 1).unwrap();
    assert_eq!(
        tx.meta_tile(&entries).await.unwrap(),
        None,
        "what others' leaves say is nobody's business"
    );
    let beyond = TilePath::new(TileKind::Hashes(0), 0, 7).unwrap();
    assert_eq!(tx.meta_tile(&beyond).await.unwrap(), None);
    drop(tx);
    let clerk = world.caller(Level::Supervisor);
    let mut tx = world.begin(&clerk).await;
    assert_eq!(tx.meta_info().await.unwrap(), None);
    assert_eq!(tx.meta_checkpoint(None).await.unwrap(), None);
    assert_eq!(tx.meta_place().await.unwrap(), None);
}
