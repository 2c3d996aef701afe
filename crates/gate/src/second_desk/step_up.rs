//! Proving oneself again.
use std::time::Duration;

use keepgate_identity::{Admission, PasswordCheck, Purpose, StepUp, Steps};
use keepgate_kernel::SessionId;
use keepgate_policy::OpContext;

use super::{Looked, Proofs, SecondAnswer, SecondDesk, SecondDeskError, count};

/// What is told where the counter is closed for good: a log-in is the way on.
const CLOSED: Duration = Duration::from_hours(1);

impl SecondDesk {
    /// Counts the attempt, looks at what was sent, and returns the command that opens the new session in place of `present` or
    /// tells the audit log why not.
    ///
    /// # Errors
    /// [`SecondDeskError`]; what is wrong is no error here, but of the command.
    pub async fn step_up(
        &self,
        caller: &OpContext,
        present: SessionId,
        proofs: Proofs,
    ) -> Result<StepUp, SecondDeskError> {
        let (worker, principal) = (caller.as_system(caller.tenant()), caller.principal().id);
        let new = SessionId::new(caller.at());
        let mut steps = Steps::default();
        match proofs.password {
            None => {}
            Some(PasswordCheck::Proven(proof)) => steps.password = Some(proof),
            Some(PasswordCheck::Wrong) => return Ok(StepUp::wrong(present, new)),
            Some(PasswordCheck::Locked(wait)) => return Ok(StepUp::locked(present, new, wait)),
        }
        if let Some(answer) = &proofs.second {
            let bucket = self.buckets.step_up(principal);
            match count(self, &caller.as_system(self.platform), &bucket).await? {
                Admission::Admitted => steps.buckets.push(bucket),
                Admission::Locked(wait, _) => return Ok(StepUp::locked(present, new, wait)),
                Admission::Closed(_) => return Ok(StepUp::locked(present, new, CLOSED)),
            }
            let asked = match answer {
                SecondAnswer::Passkey(signed) => {
                    self.asked(caller, present, Purpose::StepUp, signed.challenge()).await?
                }
                SecondAnswer::Totp(_) | SecondAnswer::Recovery(_) => None,
            };
            let challenge = asked.as_ref().map(|(challenge, _)| challenge);
            steps.challenge = challenge.map(keepgate_identity::MfaChallenge::hash);
            match self.look(&worker, principal, challenge, answer).await? {
                Looked::Proof(proof) => steps.second = Some(proof),
                Looked::Wrong => return Ok(StepUp::wrong(present, new)),
                Looked::Copied => return Ok(StepUp::copied(present, new)),
            }
        }
        Ok(StepUp::proven(present, new, steps))
    }
}
