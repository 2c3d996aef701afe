//! What the doorway promises, on both adapters: three outcomes, one entry each, retries, idempotency.
#![expect(clippy::unwrap_used, clippy::panic, reason = "cases of a contract fail loudly")]
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use keepgate_audit::{AuditLog, Receipt};
use keepgate_crypto_keys::{DataKeys, MemoryKeys, Place, Purpose};
use keepgate_gate::{Answer, Failure, Gate, IdempotencyKey, IdempotencyKeys, Once, Vault};
use keepgate_kernel::{Entity, Level, SystemClock};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::RecipientCreate};
use keepgate_store::{
    StoreError, Transaction,
    testing::{TestTx, World},
};

trait Tx: TestTx + AuditLog + DataKeys + IdempotencyKeys {}
impl<T: TestTx + AuditLog + DataKeys + IdempotencyKeys> Tx for T {}

#[derive(Debug, thiserror::Error)]
enum TryError {
    #[error("no")]
    No,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for TryError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::No => ErrorKind::Refused("said-no"),
            Self::Store(error) => error.kind(),
        }
    }
}

/// A command that conflicts `conflicts` times, then refuses or counts.
#[derive(Default)]
struct Try {
    conflicts: u32,
    refuse: bool,
    runs: AtomicU32,
}

impl<T: Transaction + ?Sized> Command<T> for Try {
    type Permission = RecipientCreate;
    type Output = u32;
    type Error = TryError;

    fn entity(&self) -> Entity {
        Entity::collection("tries")
    }

    async fn run(&self, _proof: &Authorized<RecipientCreate>, _tx: &mut T) -> Result<u32, TryError> {
        let run = self.runs.fetch_add(1, Ordering::SeqCst);
        if run < self.conflicts {
            return Err(StoreError::Conflict.into());
        }
        if self.refuse { Err(TryError::No) } else { Ok(run) }
    }
}

fn gate(world: &World<dyn Tx>) -> Gate<dyn Tx> {
    Gate::new(
        world.store(),
        Arc::new(SystemClock),
        Vault::new(Arc::new(MemoryKeys::generate().unwrap())),
    )
}

async fn a_done_operation_has_a_receipt(world: &World<dyn Tx>) {
    let done = gate(world)
        .perform(&world.caller(Level::Operator), &Try::default())
        .await
        .unwrap();
    assert_ne!(done.receipt.leaf_hash, [0; 32]);
}

async fn a_denied_operation_never_runs(world: &World<dyn Tx>) {
    let command = Try::default();
    for level in [Level::FieldAgent, Level::PlatformOperator, Level::GlobalAdmin] {
        let failure = gate(world).perform(&world.caller(level), &command).await.unwrap_err();
        assert!(matches!(failure, Failure::Denied(_)), "{level}");
    }
    assert_eq!(command.runs.load(Ordering::SeqCst), 0);
}

async fn a_refusal_is_told_as_what_it_is(world: &World<dyn Tx>) {
    let command = Try {
        refuse: true,
        ..Try::default()
    };
    let failure = gate(world)
        .perform(&world.caller(Level::Operator), &command)
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Refused("said-no"));
    assert_eq!(command.runs.load(Ordering::SeqCst), 1, "a refusal is not retried");
}

async fn a_conflict_is_retried_until_it_is_done(world: &World<dyn Tx>) {
    let command = Try {
        conflicts: 3,
        ..Try::default()
    };
    let done = gate(world)
        .perform(&world.caller(Level::Operator), &command)
        .await
        .unwrap();
    assert_eq!(done.output, 3);
}

async fn a_conflict_without_end_is_a_failure(world: &World<dyn Tx>) {
    let command = Try {
        conflicts: u32::MAX,
        ..Try::default()
    };
    let failure = gate(world)
        .perform(&world.caller(Level::Operator), &command)
        .await
        .unwrap_err();
    assert_eq!(failure.kind(), ErrorKind::Conflict);
}

fn render(output: &u32, _receipt: &Receipt) -> Answer {
    Answer {
        status: 201,
        body: output.to_string().into_bytes(),
    }
}

async fn the_same_key_gives_the_same_answer(world: &World<dyn Tx>) {
    let (gate, caller) = (gate(world), world.caller(Level::Operator));
    let key = IdempotencyKey::new("k", "POST", "/v1/tries", b"{}");
    let command = Try::default();
    let first = gate.perform_once(&caller, &key, &command, render).await.unwrap();
    let second = gate.perform_once(&caller, &key, &command, render).await.unwrap();
    let (Once::Fresh(first), Once::Replayed(second)) = (first, second) else {
        panic!("fresh, then replayed")
    };
    assert_eq!(first, second);
    assert_eq!(command.runs.load(Ordering::SeqCst), 1, "the second request did nothing");
}

async fn a_key_with_another_request_is_refused(world: &World<dyn Tx>) {
    let (gate, caller) = (gate(world), world.caller(Level::Operator));
    let command = Try::default();
    gate.perform_once(
        &caller,
        &IdempotencyKey::new("k", "POST", "/v1/tries", b"{}"),
        &command,
        render,
    )
    .await
    .unwrap();
    let other = IdempotencyKey::new("k", "POST", "/v1/tries", b"{\"n\":1}");
    let failure = gate.perform_once(&caller, &other, &command, render).await.unwrap_err();
    assert!(matches!(failure, Failure::KeyReused));
    assert_eq!(command.runs.load(Ordering::SeqCst), 1);
}

async fn a_key_belongs_to_one_caller(world: &World<dyn Tx>) {
    let gate = gate(world);
    let key = IdempotencyKey::new("k", "POST", "/v1/tries", b"{}");
    let command = Try::default();
    for caller in [
        world.caller(Level::Operator),
        world.caller(Level::Supervisor),
        world.stranger(Level::Operator),
    ] {
        assert!(matches!(
            gate.perform_once(&caller, &key, &command, render).await.unwrap(),
            Once::Fresh(_)
        ));
    }
}

async fn a_refused_request_keeps_its_key_free(world: &World<dyn Tx>) {
    let (gate, caller) = (gate(world), world.caller(Level::Operator));
    let key = IdempotencyKey::new("k", "POST", "/v1/tries", b"{}");
    gate.perform_once(
        &caller,
        &key,
        &Try {
            refuse: true,
            ..Try::default()
        },
        render,
    )
    .await
    .unwrap_err();
    assert!(matches!(
        gate.perform_once(&caller, &key, &Try::default(), render).await.unwrap(),
        Once::Fresh(_)
    ));
}

async fn of_many_at_once_one_is_done_and_the_others_are_replayed(world: &World<dyn Tx>) {
    let (gate, caller) = (gate(world), world.caller(Level::Operator));
    let key = IdempotencyKey::new("k", "POST", "/v1/tries", b"{}");
    let racers: Vec<_> = (0..6)
        .map(|_| {
            let (gate, caller, key) = (gate.clone(), caller.clone(), key.clone());
            tokio::spawn(async move { gate.perform_once(&caller, &key, &Try::default(), render).await.unwrap() })
        })
        .collect();
    let mut fresh = 0;
    for racer in racers {
        fresh += u32::from(matches!(racer.await.unwrap(), Once::Fresh(_)));
    }
    assert_eq!(fresh, 1);
}

async fn what_is_sealed_for_a_tenant_opens_there_only(world: &World<dyn Tx>) {
    let gate = gate(world);
    let place = Place {
        tenant: world.ids.tenant,
        purpose: Purpose::Payload,
        table: "channels.message",
        column: "payload",
        row: world.ids.unit.uuid(),
    };
    let sealed = gate.seal(&place, b"secret").await.unwrap();
    assert_eq!(gate.open(&place, &sealed).await.unwrap().as_slice(), b"secret");
    assert!(
        gate.open(
            &Place {
                tenant: world.ids.other,
                ..place
            },
            &sealed
        )
        .await
        .is_err()
    );
}

keepgate_store::contract!(dyn Tx;
    a_done_operation_has_a_receipt,
    a_denied_operation_never_runs,
    a_refusal_is_told_as_what_it_is,
    a_conflict_is_retried_until_it_is_done,
    a_conflict_without_end_is_a_failure,
    the_same_key_gives_the_same_answer,
    a_key_with_another_request_is_refused,
    a_key_belongs_to_one_caller,
    a_refused_request_keeps_its_key_free,
    of_many_at_once_one_is_done_and_the_others_are_replayed,
    what_is_sealed_for_a_tenant_opens_there_only,
);
