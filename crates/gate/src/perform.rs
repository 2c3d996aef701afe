//! One operation, from decision to commit.
use keepgate_audit::{AuditLog, NewEntry, Receipt, Told};
use keepgate_crypto_keys::DataKeys;
use keepgate_kernel::{Action, AuditId, Entity, Outcome, PrincipalId};
use keepgate_policy::{Command, ErrorKind, OpContext, Permission, authorize};
use keepgate_store::{StoreError, Transaction};

use crate::{Done, Failure, Gate};

/// How often a command is run again after a conflict.
const ATTEMPTS: u32 = 8;

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    /// Runs `command` for `context` and commits it together with its audit entry.
    ///
    /// # Errors
    /// [`Failure`]; a refusal has been logged in a transaction of its own. Nothing of the command was committed, unless a
    /// commit ended as [`StoreError::Unavailable`]: then it is unknown.
    pub async fn perform<C: Command<T>>(
        &self,
        context: &OpContext,
        command: &C,
    ) -> Result<Done<C::Output>, Failure<C::Error>> {
        self.perform_for(context, None, command).await
    }

    /// As [`Gate::perform`], by one of Keepgate's own workers on behalf of `actor`, whom the entry names.
    ///
    /// # Errors
    /// As [`Gate::perform`].
    pub async fn perform_for<C: Command<T>>(
        &self,
        context: &OpContext,
        actor: Option<PrincipalId>,
        command: &C,
    ) -> Result<Done<C::Output>, Failure<C::Error>> {
        let mut failure = Failure::Store(StoreError::Conflict);
        for _ in 0..ATTEMPTS {
            match self.attempt(context, actor, command).await {
                Ok(done) => {
                    self.ring();
                    return Ok(done);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => failure = error,
                Err(error) => {
                    failure = error;
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        self.record(context, actor, C::Permission::ACTION, &command.entity(), failure.kind())
            .await
            .map_err(Failure::Store)?;
        Err(failure)
    }

    /// As [`Gate::perform`], for what a caller may ask for but must not reach: its own verifiers and secrets, and new sessions. The
    /// decision is about the caller, whose credential the database checks first; the command then runs in `front`, as Keepgate's
    /// own worker of the caller's tenant, and the entry names the caller.
    ///
    /// # Errors
    /// As [`Gate::perform`].
    pub async fn perform_behind<C: Command<T>>(
        &self,
        front: &Self,
        caller: &OpContext,
        command: &C,
    ) -> Result<Done<C::Output>, Failure<C::Error>> {
        let worker = caller.as_system(caller.tenant());
        let mut failure = Failure::Store(StoreError::Conflict);
        for _ in 0..ATTEMPTS {
            match self.attempt_behind(front, caller, &worker, command).await {
                Ok(done) => {
                    self.ring();
                    return Ok(done);
                }
                Err(error) if error.kind() == ErrorKind::Conflict => failure = error,
                Err(error) => {
                    failure = error;
                    break;
                }
            }
            tokio::task::yield_now().await;
        }
        self.record(caller, None, C::Permission::ACTION, &command.entity(), failure.kind())
            .await
            .map_err(Failure::Store)?;
        Err(failure)
    }

    async fn attempt_behind<C: Command<T>>(
        &self,
        front: &Self,
        caller: &OpContext,
        worker: &OpContext,
        command: &C,
    ) -> Result<Done<C::Output>, Failure<C::Error>> {
        let proof = authorize::<C::Permission>(caller)?;
        self.ready(worker).await.map_err(Failure::Store)?;
        drop(self.store.begin(caller).await.map_err(Failure::Store)?);
        let mut tx = front.store.begin(worker).await.map_err(Failure::Store)?;
        let output = command.run(&proof, &mut tx).await.map_err(Failure::Command)?;
        let actor = Some(caller.principal().id);
        let entry = self.entry(actor, C::Permission::ACTION, command.entity(), Outcome::Done, None);
        let receipt = front.finish(worker, tx, &entry).await.map_err(Failure::Store)?;
        Ok(Done { output, receipt })
    }

    async fn attempt<C: Command<T>>(
        &self,
        context: &OpContext,
        actor: Option<PrincipalId>,
        command: &C,
    ) -> Result<Done<C::Output>, Failure<C::Error>> {
        let proof = authorize::<C::Permission>(context)?;
        self.ready(context).await.map_err(Failure::Store)?;
        let mut tx = self.store.begin(context).await.map_err(Failure::Store)?;
        let output = command.run(&proof, &mut tx).await.map_err(Failure::Command)?;
        let entry = self.entry(actor, C::Permission::ACTION, command.entity(), Outcome::Done, None);
        let receipt = self.finish(context, tx, &entry).await.map_err(Failure::Store)?;
        Ok(Done { output, receipt })
    }

    /// Decides whether `context` may do what `C` does, before anything is prepared for it. A refusal has been logged, as by [`Gate::perform`],
    /// which decides again.
    ///
    /// # Errors
    /// [`Failure::Denied`], or [`Failure::Store`] when the refusal can't be logged.
    pub async fn admit<C: Command<T>>(&self, context: &OpContext, entity: &Entity) -> Result<(), Failure<C::Error>> {
        let Err(denied) = authorize::<C::Permission>(context) else {
            return Ok(());
        };
        let failure = Failure::from(denied);
        self.record(context, None, C::Permission::ACTION, entity, failure.kind())
            .await
            .map_err(Failure::Store)?;
        Err(failure)
    }

    /// Logs a request that was refused before it became a command: malformed, or over a limit.
    ///
    /// # Errors
    /// [`StoreError`] when the log can't be written; the request must then fail.
    pub async fn refuse(
        &self,
        context: &OpContext,
        action: Action,
        entity: &Entity,
        reason: &'static str,
    ) -> Result<(), StoreError> {
        self.record(context, None, action, entity, ErrorKind::Refused(reason))
            .await
    }

    /// Logs a refusal or failure, apart from what was refused or failed.
    pub(crate) async fn record(
        &self,
        context: &OpContext,
        actor: Option<PrincipalId>,
        action: Action,
        entity: &Entity,
        kind: ErrorKind,
    ) -> Result<(), StoreError> {
        let (outcome, reason) = match kind {
            ErrorKind::Refused(reason) => (Outcome::Refused, reason),
            ErrorKind::Revoked => (Outcome::Refused, "credential-revoked"),
            ErrorKind::Conflict => (Outcome::Failed, "conflict"),
            ErrorKind::Failed(reason) => (Outcome::Failed, reason),
        };
        let entry = self.entry(actor, action, entity.clone(), outcome, Some(reason));
        let logged = self.journalled(context, &entry).await;
        match (logged, outcome) {
            (Ok(_), _) => self.ring(),
            // A failure that can't be logged because the database is gone is told to the caller as what it is.
            (Err(error), Outcome::Failed) => {
                tracing::error!(action = %action, reason, error = %error, "failure not logged")
            }
            // A suspended tenant's log takes no entries; the refusal stands.
            (Err(StoreError::Revoked), _) => {
                tracing::warn!(action = %action, reason, "refusal in a tenant that is not active")
            }
            (Err(error), _) => return Err(error),
        }
        Ok(())
    }

    pub(crate) fn entry(
        &self,
        actor: Option<PrincipalId>,
        action: Action,
        entity: Entity,
        outcome: Outcome,
        reason: Option<&str>,
    ) -> NewEntry {
        NewEntry {
            id: AuditId::new(self.clock.now()),
            action,
            entity,
            outcome,
            reason: reason.map(str::to_owned),
            actor,
        }
    }

    /// Appends `entry` apart from any transaction, together with others that come at the same time. Keepgate's own worker
    /// tells what was tried, and by whom: the caller's credential may be dead.
    async fn journalled(&self, context: &OpContext, entry: &NewEntry) -> Result<(), StoreError> {
        self.ready(context).await?;
        let source = self.seal_source(context, entry)?;
        let opening = source.as_ref().map(|source| source.opening.clone());
        let told = Told::by(context, entry.clone(), opening);
        self.journal.append(context.tenant(), told).await?;
        self.stored(source);
        metrics::counter!("keepgate_operations", "action" => entry.action.as_str(), "outcome" => entry.outcome.as_str())
            .increment(1);
        Ok(())
    }

    /// Appends `entry`, with the caller's address sealed, and commits.
    #[expect(clippy::disallowed_methods, reason = "the doorway is where transactions commit")]
    pub(crate) async fn finish(
        &self,
        context: &OpContext,
        mut tx: Box<T>,
        entry: &NewEntry,
    ) -> Result<Receipt, StoreError> {
        let source = self.seal_source(context, entry)?;
        let receipt = tx
            .append_with(entry, source.as_ref().map(|source| &source.opening))
            .await?;
        tx.commit().await?;
        self.stored(source);
        metrics::counter!("keepgate_operations", "action" => entry.action.as_str(), "outcome" => entry.outcome.as_str())
            .increment(1);
        Ok(receipt)
    }
}
