//! Second factors and their challenges.
use async_trait::async_trait;
use keepgate_kernel::{FactorId, PrincipalId};
use keepgate_policy::ReachProof;
use keepgate_store::StoreError;

use crate::{
    ChallengeHash, ChallengeRecord, FactorOnFile, FactorRecord, MfaStanding, NewChallenge, NewFactor, RecoveryHash,
};

/// Second factors of the caller's tenant. Keepgate's own worker only: everybody else reads nothing, and writing is `Forbidden`.
#[async_trait]
pub trait SecondFactors: Send {
    /// What decides about a principal's second factor; `None` when it is not active or holds no level.
    async fn mfa_standing(&mut self, principal: PrincipalId) -> Result<Option<MfaStanding>, StoreError>;

    /// A principal's factors in the order they were begun, pending ones too.
    async fn factors(&mut self, principal: PrincipalId) -> Result<Vec<FactorRecord>, StoreError>;

    /// What checks a proof of a principal's confirmed factors of one kind.
    async fn factors_on_file(
        &mut self,
        principal: PrincipalId,
        kind: crate::FactorKind,
    ) -> Result<Vec<FactorOnFile>, StoreError>;

    /// The app that waits for its first code.
    async fn pending_totp(&mut self, principal: PrincipalId) -> Result<Option<FactorOnFile>, StoreError>;

    /// Puts a factor on record. A pending app takes the place of the pending one before it. `false` when the passkey's credential is
    /// on record already, whoever's and in whichever tenant.
    async fn put_factor(&mut self, new: &NewFactor) -> Result<bool, StoreError>;

    /// Confirms the pending app with the code of `step`; the app before it is gone. `false` when there is no such pending one.
    async fn confirm_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError>;

    /// Uses a step of a confirmed app. `false` when that step or a later one was used, or the app is gone. Of two at once, one
    /// gets it.
    async fn use_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError>;

    /// Uses a passkey whose count is now `counter`. `false` when a count that is kept did not grow, or the passkey is gone.
    async fn use_passkey(&mut self, principal: PrincipalId, factor: FactorId, counter: i64)
    -> Result<bool, StoreError>;

    /// Removes a factor. `false` when the principal has none of that id. `Forbidden`, here or at the commit, when it leaves a
    /// password too short to be the only factor.
    async fn remove_factor(&mut self, principal: PrincipalId, factor: FactorId) -> Result<bool, StoreError>;

    /// Replaces a principal's recovery codes.
    async fn put_recovery_codes(&mut self, principal: PrincipalId, codes: &[RecoveryHash]) -> Result<(), StoreError>;

    /// Uses a recovery code. `false` when there is none or it was used. Of two at once, one gets it.
    async fn use_recovery_code(&mut self, principal: PrincipalId, code: &RecoveryHash) -> Result<bool, StoreError>;

    /// Removes everything that a principal the caller reaches could prove a second time with, in the caller's own transaction:
    /// factors, recovery codes, open challenges, and a password too short to be left alone. Says how many factors there were.
    /// Levels from 4 up over lower ones of their tenant, on live rows; `Forbidden` otherwise. The one method here that is not for
    /// workers. A code that two people let somebody in again with does the same when it is used.
    async fn reset_factors(&mut self, proof: &ReachProof) -> Result<u64, StoreError>;

    /// Puts a challenge on record for five minutes; dead ones of the principal are forgotten.
    async fn add_challenge(&mut self, new: &NewChallenge) -> Result<(), StoreError>;

    /// Asks for one look at an answer and counts it. `None` when the challenge is unknown here, answered, past its end, was tried
    /// five times, or its principal's sessions were ended since. Bookkeeping, so no audit entry is needed. Of many at once, five
    /// are admitted.
    async fn try_challenge(&mut self, hash: &ChallengeHash) -> Result<Option<ChallengeRecord>, StoreError>;

    /// Ends every open challenge of a principal: whoever knew the password before has to begin anew. Bookkeeping.
    async fn end_challenges(&mut self, principal: PrincipalId) -> Result<(), StoreError>;

    /// Uses a challenge up. `false` when somebody else has, or it is past its end. Of two at once, one gets it.
    async fn use_challenge(&mut self, hash: &ChallengeHash) -> Result<bool, StoreError>;
}
