//! The answer to a log-in's question.
use keepgate_identity::{ChallengeHash, ChallengeRecord, CompleteLogin, MfaChallenge, Prepared, Purpose, RecoveryCode};
use keepgate_policy::OpContext;
use keepgate_store::StoreError;

use super::{ATTEMPTS, Looked, SecondAnswer, SecondDesk, SecondDeskError, Visit};

impl SecondDesk {
    /// Counts the answer, looks at it, and returns the command that opens the session or tells the audit log why not.
    ///
    /// # Errors
    /// [`SecondDeskError`]; a wrong answer is no error here, but of the command.
    pub async fn complete(
        &self,
        challenge: &str,
        answer: &SecondAnswer,
        visit: Visit,
    ) -> Result<Prepared<CompleteLogin>, SecondDeskError> {
        let worker = |tenant| OpContext::system(tenant, visit.request, visit.at).from_source(visit.source);
        let dead = || Prepared {
            context: worker(self.platform),
            actor: None,
            command: CompleteLogin::dead(),
        };
        let Some(challenge) = MfaChallenge::parse(challenge) else {
            return Ok(dead());
        };
        let (context, hash) = (worker(challenge.tenant()), challenge.hash());
        let Some(record) = self.attempt(&context, &hash).await? else {
            return Ok(dead());
        };
        let (principal, confirms) = (record.principal, record.purpose == Purpose::TotpEnrol);
        let command = match self.judge(&context, &challenge, &record, answer).await? {
            Looked::Proof(proof) => {
                let codes = if confirms { RecoveryCode::set()? } else { Vec::new() };
                CompleteLogin::proven(hash, record, proof, codes)
            }
            Looked::Wrong => CompleteLogin::wrong(principal),
            Looked::Copied => CompleteLogin::copied(principal),
        };
        Ok(Prepared {
            context,
            actor: Some(principal),
            command,
        })
    }

    async fn judge(
        &self,
        worker: &OpContext,
        challenge: &MfaChallenge,
        record: &ChallengeRecord,
        answer: &SecondAnswer,
    ) -> Result<Looked, SecondDeskError> {
        match (record.purpose, answer) {
            (Purpose::Login, answer) => self.look(worker, record.principal, Some(challenge), answer).await,
            (Purpose::TotpEnrol, SecondAnswer::Totp(code)) => {
                match self.begin(worker).await?.pending_totp(record.principal).await? {
                    Some(app) => Ok(self.compare(worker, &app, code).await?.into()),
                    None => Ok(Looked::Wrong),
                }
            }
            _ => Ok(Looked::Wrong),
        }
    }

    /// Counts in a transaction of its own, so that no failure afterwards uncounts it. A challenge of a tenant that is suspended, or
    /// was never there, is unknown.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: the answer's own entry follows, whatever becomes of it"
    )]
    pub(super) async fn attempt(
        &self,
        worker: &OpContext,
        hash: &ChallengeHash,
    ) -> Result<Option<ChallengeRecord>, SecondDeskError> {
        for _ in 0..ATTEMPTS {
            let mut tx = match self.begin(worker).await {
                Err(StoreError::Revoked) => return Ok(None),
                other => other?,
            };
            let counted = match tx.try_challenge(hash).await {
                Ok(found) => tx.commit().await.map(|()| found),
                Err(error) => Err(error),
            };
            match counted {
                Err(StoreError::Conflict) => tokio::task::yield_now().await,
                other => return Ok(other?),
            }
        }
        Err(StoreError::Conflict.into())
    }
}
