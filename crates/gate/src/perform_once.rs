//! An operation that a repeated request does not do twice.
use keepgate_audit::{AuditLog, Receipt};
use keepgate_crypto_keys::{DataKeys, Place, Purpose};
use keepgate_kernel::{Outcome, Uuid};
use keepgate_policy::{Command, ErrorKind, OpContext, Permission, authorize};
use keepgate_store::{StoreError, Transaction};

use crate::{Answer, Failure, Gate, IdempotencyKey, IdempotencyKeys, Once, StoredAnswer};

/// How often a command is run again after a conflict.
const ATTEMPTS: u32 = 8;

impl<T: Transaction + AuditLog + DataKeys + IdempotencyKeys + ?Sized + 'static> Gate<T> {
    /// As [`Gate::perform`], with the answer that `render` makes stored under `key` in the same transaction. The same key with
    /// the same request gives that answer again, for as long as it is kept (48 hours); with another request it is refused.
    ///
    /// # Errors
    /// [`Failure`], as [`Gate::perform`], and [`Failure::KeyReused`].
    pub async fn perform_once<C: Command<T>>(
        &self,
        context: &OpContext,
        key: &IdempotencyKey,
        command: &C,
        render: impl Fn(&C::Output, &Receipt) -> Answer + Send + Sync,
    ) -> Result<Once, Failure<C::Error>> {
        let mut failure = Failure::Store(StoreError::Conflict);
        for _ in 0..ATTEMPTS {
            match self.attempt_once(context, key, command, &render).await {
                Ok(once) => {
                    self.ring();
                    return Ok(once);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => failure = error,
                Err(error) => {
                    failure = error;
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        self.record(context, None, C::Permission::ACTION, &command.entity(), failure.kind())
            .await
            .map_err(Failure::Store)?;
        Err(failure)
    }

    async fn attempt_once<C: Command<T>>(
        &self,
        context: &OpContext,
        key: &IdempotencyKey,
        command: &C,
        render: &(impl Fn(&C::Output, &Receipt) -> Answer + Send + Sync),
    ) -> Result<Once, Failure<C::Error>> {
        let proof = authorize::<C::Permission>(context)?;
        // The key is opened before the transaction begins: no transaction waits for another.
        self.warm(context.tenant())
            .await
            .map_err(|error| Failure::Store(error.into()))?;
        let mut tx = self.store.begin(context).await.map_err(Failure::Store)?;
        if let Some(stored) = tx.answer(&key.key).await.map_err(Failure::Store)? {
            return self.replay(tx, context, key, stored, C::Permission::ACTION).await;
        }
        let output = command.run(&proof, &mut tx).await.map_err(Failure::Command)?;
        let entry = self.entry(None, C::Permission::ACTION, command.entity(), Outcome::Done, None);
        let source = self.seal_source(context, &entry).map_err(Failure::Store)?;
        let sealed_source = source.as_ref().map(|source| &source.opening);
        let receipt = tx.append_with(&entry, sealed_source).await.map_err(Failure::Store)?;
        let answer = render(&output, &receipt);
        let sealed = self
            .seal(&place(context, key), &answer.body)
            .await
            .map_err(|error| Failure::Store(error.into()))?;
        let stored = StoredAnswer {
            request: key.request,
            entity: command.entity().to_string(),
            status: answer.status,
            sealed,
        };
        tx.keep_answer(&key.key, &stored).await.map_err(Failure::Store)?;
        commit(tx).await.map_err(Failure::Store)?;
        self.stored(source);
        Ok(Once::Fresh(answer))
    }

    /// The stored answer again; the replay is an operation and leaves its own entry, about the first one's entity.
    async fn replay<E: keepgate_policy::CommandError>(
        &self,
        tx: Box<T>,
        context: &OpContext,
        key: &IdempotencyKey,
        stored: StoredAnswer,
        action: keepgate_kernel::Action,
    ) -> Result<Once, Failure<E>> {
        if stored.request != key.request {
            return Err(Failure::KeyReused);
        }
        let body = self
            .open(&place(context, key), &stored.sealed)
            .await
            .map_err(|error| Failure::Store(error.into()))?;
        let entity = keepgate_kernel::Entity::stored(stored.entity);
        let entry = self.entry(None, action, entity, Outcome::Done, Some("replayed"));
        self.finish(context, tx, &entry).await.map_err(Failure::Store)?;
        Ok(Once::Replayed(Answer {
            status: stored.status,
            body: body.to_vec(),
        }))
    }
}

#[expect(clippy::disallowed_methods, reason = "the doorway is where transactions commit")]
async fn commit<T: Transaction + ?Sized>(tx: Box<T>) -> Result<(), StoreError> {
    tx.commit().await
}

/// Where an answer is kept: bound to the tenant, the caller and the key.
fn place(context: &OpContext, key: &IdempotencyKey) -> Place {
    let caller = context.principal().id.uuid().as_u128();
    let folded = key
        .key
        .iter()
        .take(16)
        .fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte));
    Place {
        tenant: context.tenant(),
        purpose: Purpose::Answer,
        table: "doorway.idempotency",
        column: "answer",
        row: Uuid::from_u128(caller ^ folded),
    }
}
