//! Sinks, on both adapters.
use keepgate_audit::{
    operations::sinks::{CreateSink, CreateSinkError, Replay, ReplaySink, SinkChange, UpdateSink},
    sink::{
        Claim, DeadLetter, HttpsAuth, NewSink, SealedSecret, Settled, Settlement, SinkConfig, SinkFormat, SinkState,
        Target,
    },
};
use keepgate_kernel::{Level, RequestId, SinkId};
use keepgate_policy::{Command, OpContext, authorize};
use keepgate_store::{StoreError, testing::World};

use crate::support::{Tx, append, commit, done, fill};

pub fn config(name: &str, batch_size: u16) -> SinkConfig {
    SinkConfig {
        name: name.to_owned(),
        format: SinkFormat::Jsonl,
        target: Target::Https {
            url: "https://siem.example/in".into(),
            auth: HttpsAuth::Bearer,
            ca_pem: None,
        },
        batch_size,
        max_delay_seconds: 0,
    }
}

fn owner(world: &World<dyn Tx>) -> OpContext {
    world.caller(Level::TenantOwner)
}

pub fn new(world: &World<dyn Tx>, name: &str, batch_size: u16, from: u64) -> NewSink {
    NewSink {
        id: SinkId::new(world.now),
        config: config(name, batch_size),
        from,
        secret: Some(SealedSecret::new(b"sealed".to_vec())),
    }
}

/// With the entry that a change needs.
async fn logged(world: &World<dyn Tx>, mut tx: Box<dyn Tx>) {
    tx.append(&done(world.now, "sink")).await.unwrap();
    commit(tx).await.unwrap();
}

pub async fn add(world: &World<dyn Tx>, sink: &NewSink) {
    let mut tx = world.begin(&owner(world)).await;
    assert!(tx.add_sink(sink).await.unwrap());
    logged(world, tx).await;
}

async fn claim(world: &World<dyn Tx>, id: SinkId) -> Option<Claim> {
    let mut tx = world.begin(&world.worker()).await;
    let claim = tx.claim_sink(id, 60).await.unwrap();
    commit(tx).await.unwrap();
    claim
}

async fn settle(world: &World<dyn Tx>, claim: &Claim, settled: Settled) -> bool {
    let mut tx = world.begin(&world.worker()).await;
    let held = tx
        .settle_sink(claim, &Settlement { settled, turned: None })
        .await
        .unwrap();
    commit(tx).await.unwrap();
    held
}

fn range(claim: &Claim) -> Vec<u64> {
    claim.entries.iter().map(|entry| entry.index).collect()
}

async fn perform<C: Command<dyn Tx>>(
    world: &World<dyn Tx>,
    context: &OpContext,
    command: C,
) -> Result<C::Output, C::Error> {
    let proof = authorize::<C::Permission>(context).expect("the policy permits it");
    let mut tx = world.begin(context).await;
    let output = command.run(&proof, &mut *tx).await?;
    logged(world, tx).await;
    Ok(output)
}

pub async fn a_sink_is_what_its_owner_decided(world: &World<dyn Tx>) {
    fill(world, &owner(world), 3).await;
    let sink = new(world, "siem", 7, 2);
    add(world, &sink).await;
    for context in [owner(world), world.caller(Level::TenantAdmin), world.worker()] {
        let mut tx = world.begin(&context).await;
        let shown = tx.sink(sink.id).await.unwrap().unwrap();
        assert_eq!((shown.config, shown.progress.next_index), (sink.config.clone(), 2));
        assert_eq!(tx.sinks().await.unwrap().len(), 1);
    }
    let mut tx = world.begin(&owner(world)).await;
    assert_eq!(tx.sink_secret(sink.id).await.unwrap(), sink.secret);
    assert!(
        !tx.add_sink(&new(world, "siem", 1, 0)).await.unwrap(),
        "the name is taken"
    );
    let mut tx = world.begin(&owner(world)).await;
    let beyond = tx.add_sink(&new(world, "far", 1, 4)).await;
    assert!(
        matches!(beyond, Err(StoreError::Forbidden)),
        "the log has three entries"
    );
    let refused = |from, name| {
        perform(
            world,
            Box::leak(Box::new(owner(world))),
            CreateSink {
                id: SinkId::new(world.now),
                config: config(name, 1),
                from,
                secret: None,
            },
        )
    };
    assert!(matches!(
        refused(Some(99), "far").await,
        Err(CreateSinkError::BeyondEnd)
    ));
    assert!(matches!(refused(None, "siem").await, Err(CreateSinkError::NameTaken)));
    assert!(matches!(refused(None, "").await, Err(CreateSinkError::Bad(_))));
    let fresh = refused(None, "from now on").await.unwrap();
    assert_eq!(fresh.sink.progress.next_index, fresh.size);
}

pub async fn sinks_are_read_from_level_4_changed_by_owners_and_moved_by_workers(world: &World<dyn Tx>) {
    fill(world, &owner(world), 2).await;
    let sink = new(world, "siem", 7, 0);
    add(world, &sink).await;
    for level in Level::ALL.into_iter().filter(|level| !level.is_platform()) {
        let reads = matches!(level, Level::TenantAdmin | Level::TenantOwner);
        let mut tx = world.begin(&world.caller(level)).await;
        assert_eq!(tx.sink(sink.id).await.unwrap().is_some(), reads, "{level}");
        let secret = tx.sink_secret(sink.id).await.unwrap();
        assert_eq!(secret.is_some(), level == Level::TenantOwner, "{level}");
        assert!(tx.claim_sink(sink.id, 60).await.unwrap().is_none(), "{level}");
        if level != Level::TenantOwner {
            assert!(tx.add_sink(&new(world, "more", 1, 0)).await.is_err(), "{level}");
            assert!(
                !world
                    .begin(&world.caller(level))
                    .await
                    .remove_sink(sink.id)
                    .await
                    .unwrap(),
                "{level}"
            );
            let mut tx = world.begin(&world.caller(level)).await;
            assert!(
                tx.change_sink(sink.id, &config("mine", 1), true).await.is_err(),
                "{level}"
            );
        }
    }
    let stranger = world.stranger(Level::TenantOwner);
    assert!(world.begin(&stranger).await.sink(sink.id).await.unwrap().is_none());
    assert!(!world.begin(&stranger).await.remove_sink(sink.id).await.unwrap());
    assert!(
        world
            .begin(&world.worker())
            .await
            .add_sink(&new(world, "more", 1, 0))
            .await
            .is_err()
    );
    assert!(
        world
            .begin(&world.worker())
            .await
            .change_sink(sink.id, &config("mine", 1), true)
            .await
            .is_err()
    );
    assert!(!world.begin(&world.worker()).await.remove_sink(sink.id).await.unwrap());
}

pub async fn claims_hand_out_what_is_signed_in_order(world: &World<dyn Tx>) {
    fill(world, &owner(world), 7).await;
    let sink = new(world, "siem", 3, 0);
    add(world, &sink).await;
    for (wanted, past) in [(vec![0, 1, 2], 3), (vec![3, 4, 5], 6), (vec![6], 7)] {
        let claim = claim(world, sink.id).await.expect("there is more");
        assert_eq!((range(&claim), claim.first), (wanted.clone(), wanted[0]));
        assert_eq!(claim.secret, sink.secret);
        assert!(
            claim.entries.iter().all(|entry| entry.source.is_none()),
            "openings stay"
        );
        assert!(settle(world, &claim, Settled::Taken { past }).await);
    }
    assert!(
        claim(world, sink.id).await.is_none(),
        "what has no checkpoint yet is not sent"
    );
    fill(world, &owner(world), 1).await;
    assert!(range(&claim(world, sink.id).await.unwrap()).starts_with(&[7]));
}

pub async fn a_claimed_sink_is_nobody_else_s(world: &World<dyn Tx>) {
    fill(world, &owner(world), 2).await;
    let sink = new(world, "siem", 1, 0);
    add(world, &sink).await;
    let first = claim(world, sink.id).await.unwrap();
    assert!(claim(world, sink.id).await.is_none());
    assert!(settle(world, &first, Settled::Taken { past: 1 }).await);
    assert!(!settle(world, &first, Settled::Taken { past: 2 }).await, "settled once");
    let second = claim(world, sink.id).await.unwrap();
    assert!(second.token > first.token);
    assert!(
        !settle(world, &first, Settled::Taken { past: 2 }).await,
        "a late worker changes nothing"
    );
    assert_eq!(range(&second), [1]);
}

pub async fn what_was_begun_is_the_same_when_it_is_sent_again(world: &World<dyn Tx>) {
    fill(world, &owner(world), 2).await;
    let sink = new(world, "siem", 500, 0);
    add(world, &sink).await;
    let before = range(&claim_and_fail(world, sink.id).await);
    fill(world, &owner(world), 3).await;
    assert_eq!(
        range(&claim_and_fail(world, sink.id).await),
        before,
        "although there is more by now"
    );
    let mut tx = world.begin(&owner(world)).await;
    let progress = tx.sink(sink.id).await.unwrap().unwrap().progress;
    assert_eq!((progress.failures, progress.next_index), (2, 0));
    assert_eq!(progress.reason.as_deref(), Some("unreachable"));
}

async fn claim_and_fail(world: &World<dyn Tx>, id: SinkId) -> Claim {
    let claim = claim(world, id).await.unwrap();
    let again = Settled::Again {
        at: world.now,
        reason: "unreachable".into(),
    };
    assert!(settle(world, &claim, again).await);
    claim
}

pub async fn a_refused_record_is_left_behind_listed_and_sent_once_more_when_wanted(world: &World<dyn Tx>) {
    fill(world, &owner(world), 4).await;
    let sink = new(world, "siem", 3, 0);
    add(world, &sink).await;
    let whole = claim(world, sink.id).await.unwrap();
    assert!(settle(world, &whole, Settled::Narrower { end: 1 }).await);
    let one = claim(world, sink.id).await.unwrap();
    assert_eq!(range(&one), [0]);
    let dead = || Settled::Dead {
        reason: "http-400".into(),
    };
    assert!(settle(world, &one, dead()).await);
    let next = claim(world, sink.id).await.unwrap();
    assert_eq!(range(&next), [1, 2, 3], "it goes on, full batches again");
    assert!(settle(world, &next, Settled::Taken { past: 4 }).await);
    let letters = || async {
        world
            .begin(&owner(world))
            .await
            .dead_letters(sink.id, None, 9)
            .await
            .unwrap()
    };
    let DeadLetter {
        first,
        last,
        reason,
        retry,
        ..
    } = letters().await.remove(0);
    assert_eq!((first, last, reason.as_str(), retry), (0, 0, "http-400", false));
    perform(
        world,
        &owner(world),
        ReplaySink {
            id: sink.id,
            replay: Replay::DeadLetters,
        },
    )
    .await
    .unwrap();
    assert!(letters().await[0].retry);
    let again = claim(world, sink.id).await.unwrap();
    assert_eq!((again.dead, range(&again)), (true, vec![0]));
    assert!(settle(world, &again, dead()).await);
    assert!(!letters().await[0].retry, "refused again");
    perform(
        world,
        &owner(world),
        ReplaySink {
            id: sink.id,
            replay: Replay::DeadLetters,
        },
    )
    .await
    .unwrap();
    let again = claim(world, sink.id).await.unwrap();
    assert!(settle(world, &again, Settled::Taken { past: 1 }).await);
    assert_eq!(letters().await, []);
    let shown = world.begin(&owner(world)).await.sink(sink.id).await.unwrap().unwrap();
    assert_eq!(
        (shown.progress.next_index, shown.progress.dead_letters),
        (4, 0),
        "the place did not move"
    );
}

pub async fn an_owner_s_change_ends_what_is_under_way(world: &World<dyn Tx>) {
    fill(world, &owner(world), 5).await;
    let sink = new(world, "siem", 2, 0);
    add(world, &sink).await;
    let first = claim(world, sink.id).await.unwrap();
    assert!(settle(world, &first, Settled::Taken { past: 2 }).await);
    let under_way = claim(world, sink.id).await.unwrap();
    perform(
        world,
        &owner(world),
        ReplaySink {
            id: sink.id,
            replay: Replay::From(1),
        },
    )
    .await
    .unwrap();
    assert!(!settle(world, &under_way, Settled::Taken { past: 4 }).await);
    let replayed = claim(world, sink.id).await.unwrap();
    assert_eq!(range(&replayed), [1, 2]);
    let pause = |paused| UpdateSink {
        id: sink.id,
        change: SinkChange {
            paused: Some(paused),
            ..SinkChange::default()
        },
    };
    perform(world, &owner(world), pause(true)).await.unwrap();
    assert!(!settle(world, &replayed, Settled::Taken { past: 3 }).await);
    assert!(claim(world, sink.id).await.is_none(), "paused");
    perform(world, &owner(world), pause(false)).await.unwrap();
    assert_eq!(range(&claim(world, sink.id).await.unwrap()), [1, 2]);
}

pub async fn a_sink_that_turns_needs_an_entry(world: &World<dyn Tx>) {
    fill(world, &owner(world), 1).await;
    let sink = new(world, "siem", 2, 0);
    add(world, &sink).await;
    let claim = claim(world, sink.id).await.unwrap();
    let settlement = Settlement {
        settled: Settled::Again {
            at: world.now,
            reason: "http-401".into(),
        },
        turned: Some(SinkState::Failing),
    };
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.settle_sink(&claim, &settlement).await.unwrap());
    assert!(matches!(commit(tx).await, Err(StoreError::Unaudited)));
    let mut tx = world.begin(&world.worker()).await;
    assert!(tx.settle_sink(&claim, &settlement).await.unwrap());
    logged(world, tx).await;
    let shown = world.begin(&owner(world)).await.sink(sink.id).await.unwrap().unwrap();
    assert_eq!(shown.progress.state, SinkState::Failing);
}

pub async fn due_sinks_are_those_with_something_to_send(world: &World<dyn Tx>) {
    fill(world, &owner(world), 1).await;
    let (full, slow) = (new(world, "full", 1, 0), new(world, "slow", 500, 0));
    add(world, &full).await;
    let mut waits = slow.clone();
    waits.config.max_delay_seconds = 3_600;
    add(world, &waits).await;
    let platform = OpContext::system(world.ids.platform, RequestId::new(world.now), world.now);
    let due = || async { world.begin(&platform).await.due_sinks(9).await.unwrap() };
    assert_eq!(
        due().await,
        [(world.ids.tenant, full.id)],
        "the other one waits for company"
    );
    let lags = world.begin(&platform).await.sink_lags().await.unwrap();
    assert_eq!(lags.len(), 2);
    assert!(
        lags.iter()
            .all(|lag| lag.behind >= 1 && lag.oldest.is_some() && !lag.failing && !lag.paused)
    );
    let taken = claim(world, full.id).await.unwrap();
    assert_eq!(due().await, [], "what is in hand is not due");
    assert!(settle(world, &taken, Settled::Taken { past: 1 }).await);
    append(world, &owner(world), &done(world.now, "x")).await;
    assert!(claim(world, waits.id).await.is_none());
}
