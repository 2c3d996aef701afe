//! Reads that come by the hundred: one entry for a caller and a minute.
use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use chrono::TimeDelta;
use keepgate_audit::AuditLog;
use keepgate_crypto_keys::DataKeys;
use keepgate_kernel::{Action, PrincipalId, TenantId, Timestamp};
use keepgate_policy::{Command, OpContext, Permission, authorize};
use keepgate_store::Transaction;

use crate::{Failure, Gate};

/// How long the entry of one read tells of those that follow it.
const TELLS: TimeDelta = TimeDelta::minutes(1);
/// The most callers remembered; past that each leaves an entry again.
const REMEMBERED: usize = 10_000;

type Who = (TenantId, PrincipalId, Action);

/// Who has just left an entry about a read, and when.
#[derive(Debug, Default)]
pub(crate) struct Recent(Mutex<HashMap<Who, Timestamp>>);

impl Recent {
    fn tells(&self, who: Who, now: Timestamp) -> bool {
        let recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        recent.get(&who).is_some_and(|at| *at <= now && now < *at + TELLS)
    }

    fn note(&self, who: Who, now: Timestamp) {
        let mut recent = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent.len() >= REMEMBERED {
            recent.clear();
        }
        recent.insert(who, now);
    }
}

impl<T: Transaction + AuditLog + DataKeys + ?Sized + 'static> Gate<T> {
    /// As [`Gate::perform`], for one of the many reads that a verification is made of, such as tiles: where the same caller has left an
    /// entry of this kind within the last minute, that one tells of this read as well. Policy, credential and walls are asked every
    /// time, and a refusal always leaves an entry. The command must change nothing: it is not committed then.
    ///
    /// # Errors
    /// As [`Gate::perform`].
    pub async fn perform_seldom<C: Command<T>>(
        &self,
        context: &OpContext,
        command: &C,
    ) -> Result<C::Output, Failure<C::Error>> {
        let (action, now) = (C::Permission::ACTION, context.at());
        let who = (context.tenant(), context.principal().id, action);
        if !self.recent.tells(who, now) {
            let done = self.perform(context, command).await?;
            self.recent.note(who, now);
            return Ok(done.output);
        }
        let failure = match self.look(context, command).await {
            Ok(output) => return Ok(output),
            Err(failure) => failure,
        };
        self.record(context, None, action, &command.entity(), failure.kind())
            .await
            .map_err(Failure::Store)?;
        Err(failure)
    }

    async fn look<C: Command<T>>(&self, context: &OpContext, command: &C) -> Result<C::Output, Failure<C::Error>> {
        let proof = authorize::<C::Permission>(context)?;
        let mut tx = self.store.begin(context).await.map_err(Failure::Store)?;
        command.run(&proof, &mut tx).await.map_err(Failure::Command)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_tells_of_a_minute_of_its_own_caller() {
        let at: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let tenant = TenantId::new(at);
        let (one, other) = (PrincipalId::system(tenant), PrincipalId::system(TenantId::new(at)));
        let recent = Recent::default();
        let who = (tenant, one, Action::AuditLog);
        assert!(!recent.tells(who, at));
        recent.note(who, at);
        assert!(recent.tells(who, at + TimeDelta::seconds(59)));
        assert!(!recent.tells(who, at + TELLS));
        assert!(!recent.tells(who, at - TimeDelta::seconds(1)), "a clock that went back");
        assert!(!recent.tells((tenant, other, Action::AuditLog), at));
        assert!(!recent.tells((tenant, one, Action::AuditRead), at));
    }
}
