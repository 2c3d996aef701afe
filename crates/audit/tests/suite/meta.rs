//! The log of logs.
use keepgate_audit::{
    operations::{MetaContent, MetaPart, ReadMetaLog},
    timestamp::{Stamp, evidence},
    witness::{LogCheckpoint, META_LOG},
};
use keepgate_kernel::Level;
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::cosignatures,
    hash::leaf_hash,
    note::Note,
    tile::{TileKind, TilePath},
};
use keepgate_policy::{Command, OpContext, authorize, permissions::AuditLog};
use keepgate_store::testing::World;

use crate::{
    cosigned::cosigner,
    support::{Tx, admin, append, done, fill, host, note_signer, number},
};

/// The proof that `context`'s newest checkpoint is in the log of logs, as `GET /v1/audit/meta/proof` makes it.
async fn proved(world: &World<dyn Tx>, context: &OpContext) -> (u64, Checkpoint) {
    let proof = authorize::<AuditLog>(context).unwrap();
    let mut tx = world.begin(context).await;
    let content = ReadMetaLog {
        part: MetaPart::Proof(None),
    }
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
    assert_eq!(tx.meta_place(u64::MAX, u64::MAX).await.unwrap(), None);
}

async fn latest(world: &World<dyn Tx>) -> LogCheckpoint {
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    let mut found = logs.latest(&[]).await.unwrap();
    found.retain(|log| log.tenant == META_LOG);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub async fn the_log_of_logs_is_cosigned_like_any_other(world: &World<dyn Tx>) {
    fill(world, &admin(world), 2).await;
    let first = latest(world).await;
    let by = cosigner(1);
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    let line = by.cosign(first.note.text(), 100).unwrap();
    logs.put_cosignatures(&first, &[line]).await.unwrap();
    let mut tx = world.begin(&admin(world)).await;
    assert_eq!(tx.meta_witnessed().await.unwrap(), None);
    logs.put_witnessed(&first).await.unwrap();
    fill(world, &admin(world), 1).await;
    let second = latest(world).await;
    assert!(second.size > first.size);
    let proof = logs
        .consistency(META_LOG, first.size, second.size)
        .await
        .unwrap()
        .unwrap();
    keepgate_merkle::proof::verify_consistency(first.size, second.size, &first.root, &second.root, &proof).unwrap();
    assert_eq!(logs.consistency(META_LOG, 1, second.size + 1).await.unwrap(), None);
    let shown = |note: &str| {
        cosignatures(&note.parse().unwrap(), &[by.verifier().clone()])
            .unwrap()
            .len()
    };
    let mut tx = world.begin(&admin(world)).await;
    assert_eq!(shown(&tx.meta_checkpoint(None).await.unwrap().unwrap().note), 0);
    let old = tx.meta_checkpoint(Some(first.size)).await.unwrap().unwrap();
    assert_eq!(shown(&old.note), 1);
    assert_eq!(tx.meta_witnessed().await.unwrap(), Some(old), "not the unwitnessed one");
    drop(tx);
    let mut tx = world.begin(&world.caller(Level::Operator)).await;
    assert_eq!(tx.meta_witnessed().await.unwrap(), None);
}

pub async fn stamps_are_kept_once_and_shown_with_what_they_cover(world: &World<dyn Tx>) {
    let stamp = |token: u8, seconds| Stamp {
        token: vec![token; 3],
        at: world.now + chrono::TimeDelta::seconds(seconds),
        policy: "1.2.3".into(),
    };
    let logs = world.begin(&world.worker()).await.stamped_logs().await;
    fill(world, &admin(world), 2).await;
    let due = logs.due_stamp().await.unwrap();
    let first = due.checkpoint.unwrap();
    assert_eq!((first.clone(), due.last), (latest(world).await, None));
    logs.put_stamp(&first, &stamp(1, 10)).await.unwrap();
    logs.put_stamp(&first, &stamp(9, 90)).await.unwrap();
    let due = logs.due_stamp().await.unwrap();
    assert_eq!((due.checkpoint, due.last), (None, Some(stamp(1, 10).at)));
    // Another state of the own log, and one of a stranger's.
    fill(world, &admin(world), 3).await;
    append(world, &world.stranger(Level::TenantAdmin), &done(world.now, "x")).await;
    number(world).await;
    let second = logs.due_stamp().await.unwrap().checkpoint.unwrap();
    logs.put_stamp(&second, &stamp(2, 20)).await.unwrap();
    let mut tx = world.begin(&admin(world)).await;
    for (asked, size, token) in [
        (None, second.size, 2),
        (Some(1), first.size, 1),
        (Some(first.size + 1), second.size, 2),
    ] {
        let found = tx.meta_timestamp(asked).await.unwrap().unwrap();
        assert_eq!(
            (found.checkpoint.size, found.stamp.token[0]),
            (size, token),
            "{asked:?}"
        );
    }
    assert_eq!(tx.meta_timestamp(Some(second.size + 1)).await.unwrap(), None);
    // What a bundle of five entries, of four, and of one carries.
    for (bundle, own) in [(5, Some(5)), (4, Some(2)), (1, None)] {
        let found = evidence(&mut *tx, bundle).await.unwrap();
        let Some(own) = own else {
            assert_eq!(found, None);
            continue;
        };
        let found = found.unwrap();
        let note = Note::parse(&found.proof.extra).unwrap();
        assert_eq!(note.text().parse::<Checkpoint>().unwrap().size, own);
        assert_eq!(
            found.proof.checkpoint.text(),
            second.note.text(),
            "the proof leads to what was stamped"
        );
        let keys = [note_signer(&second.origin).verifier().clone()];
        found
            .proof
            .verify(&leaf_hash(note.text().as_bytes()), &second.origin, &keys)
            .unwrap();
    }
    drop(tx);
    let mut tx = world.begin(&world.caller(Level::Supervisor)).await;
    assert_eq!(tx.meta_timestamp(None).await.unwrap(), None);
}
