//! What witnesses said, kept and shown.
use keepgate_audit::{
    operations::TellWitnessAlarm,
    witness::{Alarm, AlarmKind, LogCheckpoint},
};
use keepgate_kernel::{Action, Level};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{Cosigner, Scheme, cosignatures},
    note::{Note, NoteSignature},
    proof::verify_consistency,
};
use keepgate_policy::Command;
use keepgate_store::{StoreError, testing::World};

use crate::support::{HOST, Tx, admin, commit, done, fill, note_signer};

pub fn cosigner(seed: u8) -> Cosigner {
    Cosigner::from_seed(
        format!("w.example/{seed}").parse().unwrap(),
        Scheme::Ed25519,
        &[seed; 32],
    )
    .unwrap()
}

fn word(by: &Cosigner, of: &LogCheckpoint, time: u64) -> NoteSignature {
    by.cosign(of.note.text(), time).unwrap()
}

/// The latest checkpoint of the world's tenant as whoever asks witnesses sees it.
async fn latest(world: &World<dyn Tx>) -> LogCheckpoint {
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    let name = format!("{HOST}/audit/{}", world.ids.tenant.uuid());
    let mut found = logs.latest(&[name, "elsewhere/audit/x".into()]).await.unwrap();
    // The log of logs, where there is one, is always among them.
    found.retain(|log| log.tenant == world.ids.tenant);
    assert_eq!(found.len(), 1);
    found.remove(0)
}

pub async fn witnesses_are_asked_about_the_latest_checkpoint_with_a_proof(world: &World<dyn Tx>) {
    fill(world, &admin(world), 3).await;
    let first = latest(world).await;
    fill(world, &admin(world), 300).await;
    let second = latest(world).await;
    assert_eq!((first.size, second.size, first.tenant), (3, 303, world.ids.tenant));
    let key = [note_signer(&second.origin).verifier().clone()];
    let told = Checkpoint::open_note(&second.note, &second.origin, &key).unwrap();
    assert_eq!((told.size, told.root), (second.size, second.root));
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    let proof = logs.consistency(first.tenant, 3, 303).await.unwrap().unwrap();
    verify_consistency(3, 303, &first.root, &second.root, &proof).unwrap();
    for (from, to) in [(0, 3), (4, 3), (3, 304)] {
        assert_eq!(
            logs.consistency(first.tenant, from, to).await.unwrap(),
            None,
            "{from} {to}"
        );
    }
    assert_eq!(logs.consistency(world.ids.other, 1, 2).await.unwrap(), None);
}

pub async fn cosignatures_are_shown_with_their_checkpoint_and_no_other(world: &World<dyn Tx>) {
    fill(world, &admin(world), 2).await;
    let (one, two) = (cosigner(1), cosigner(2));
    let keys = [one.verifier().clone(), two.verifier().clone()];
    let old = latest(world).await;
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    assert_eq!(
        logs.cosigned_size(old.tenant, &format!("{}+{}", keys[0].name(), keys[0].id()))
            .await
            .unwrap(),
        0
    );
    logs.put_cosignatures(&old, &[word(&one, &old, 100), word(&two, &old, 90)])
        .await
        .unwrap();
    logs.put_cosignatures(&old, &[word(&one, &old, 200)]).await.unwrap();
    assert_eq!(logs.cosignatures(&old).await.unwrap().len(), 2, "the latest of each");
    assert_eq!(
        logs.cosigned_size(old.tenant, &format!("{}+{}", keys[0].name(), keys[0].id()))
            .await
            .unwrap(),
        2
    );
    let shown = |note: &str| {
        let note: Note = note.parse().unwrap();
        let seen: Vec<u64> = cosignatures(&note, &keys)
            .unwrap()
            .iter()
            .map(|seen| seen.time)
            .collect();
        (note.signatures().len(), seen)
    };
    let read = world
        .begin(&admin(world))
        .await
        .checkpoint(None)
        .await
        .unwrap()
        .unwrap();
    let (signatures, mut times) = shown(&read.note);
    times.sort_unstable();
    assert_eq!((signatures, times), (3, vec![90, 200]));
    assert!(
        read.note.starts_with(&old.note.to_string()),
        "the log's own part byte for byte"
    );

    fill(world, &admin(world), 1).await;
    let read = world
        .begin(&admin(world))
        .await
        .checkpoint(None)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown(&read.note), (1, vec![]));
    let read = world
        .begin(&admin(world))
        .await
        .checkpoint(Some(2))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(shown(&read.note).0, 3);
}

pub async fn the_latest_checkpoint_with_a_quorum_is_told_to_who_may_read_the_log(world: &World<dyn Tx>) {
    fill(world, &admin(world), 2).await;
    let seen = |level| async move {
        let mut tx = world.begin(&world.caller(level)).await;
        tx.witnessed().await.unwrap().map(|signed| signed.size)
    };
    assert_eq!(seen(Level::TenantAdmin).await, None);
    let first = latest(world).await;
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    logs.put_witnessed(&first).await.unwrap();
    logs.put_witnessed(&first).await.unwrap();
    fill(world, &admin(world), 1).await;
    assert_eq!(seen(Level::TenantAdmin).await, Some(2), "not the unwitnessed one");
    assert_eq!(seen(Level::Operator).await, None);
    let mut elsewhere = world.begin(&world.stranger(Level::TenantOwner)).await;
    assert_eq!(elsewhere.witnessed().await.unwrap(), None);
    logs.put_witnessed(&latest(world).await).await.unwrap();
    assert_eq!(seen(Level::TenantOwner).await, Some(3));
}

fn alarm() -> Alarm {
    Alarm {
        witness: "w".into(),
        kind: AlarmKind::Inconsistent,
        told: 7,
        request: "old 7\n\nx".into(),
        answer: "no".into(),
    }
}

pub async fn only_keepgate_s_own_worker_keeps_a_witness_s_alarm_and_with_an_entry(world: &World<dyn Tx>) {
    let logs = world.begin(&world.worker()).await.cosigned_logs().await;
    let mut tx = world.begin(&admin(world)).await;
    assert!(matches!(
        tx.put_witness_alarm(&alarm()).await,
        Err(StoreError::Forbidden)
    ));
    drop(tx);
    let mut tx = world.begin(&world.worker()).await;
    tx.put_witness_alarm(&alarm()).await.unwrap();
    assert!(matches!(commit(tx).await, Err(StoreError::Unaudited)));
    assert!(!logs.is_told(world.ids.tenant, &alarm()).await.unwrap());

    let mut tx = world.begin(&world.worker()).await;
    tx.put_witness_alarm(&alarm()).await.unwrap();
    tx.put_witness_alarm(&alarm()).await.unwrap();
    let entity = <TellWitnessAlarm as Command<dyn Tx>>::entity(&TellWitnessAlarm { alarm: alarm() });
    assert_eq!(entity.as_str(), "witness:w/inconsistent/7");
    let mut entry = done(world.now, entity.as_str());
    entry.action = Action::WitnessAlarm;
    tx.append(&entry).await.unwrap();
    commit(tx).await.unwrap();
    assert!(logs.is_told(world.ids.tenant, &alarm()).await.unwrap());
    assert!(!logs.is_told(world.ids.other, &alarm()).await.unwrap());
    let larger = Alarm { told: 8, ..alarm() };
    assert!(!logs.is_told(world.ids.tenant, &larger).await.unwrap());
}
