//! Password verifiers.
use async_trait::async_trait;
use keepgate_kernel::PrincipalId;
use keepgate_store::StoreError;

use crate::{Email, Phc};

/// Password verifiers of the caller's tenant. Keepgate's own worker only: everybody else reads nothing, and writing is
/// `Forbidden`. A short one ([`Phc::is_short`]) is committed only beside a confirmed second factor; otherwise writing it, or the
/// commit, is `Forbidden`.
#[async_trait]
pub trait Passwords: Send {
    /// The verifier of the active user with this address; `None` also when it has not enrolled yet.
    async fn password_of_email(&mut self, email: &Email) -> Result<Option<(PrincipalId, Phc)>, StoreError>;

    /// The verifier of an active user.
    async fn password(&mut self, principal: PrincipalId) -> Result<Option<Phc>, StoreError>;

    /// Words that anybody would try as a password of `principal`: its address, the tenant's name. Workers only.
    async fn words_about(&mut self, principal: PrincipalId) -> Result<Vec<String>, StoreError>;

    /// Sets the caller's own verifier in place of `present`; `false` when another one is on record. Sessions only: knowing
    /// `present` is what shows that the front desk has compared the password. Log-ins that wait for a second factor end. Workers
    /// are `Forbidden`.
    async fn renew_password(&mut self, present: &Phc, new: &Phc) -> Result<bool, StoreError>;

    /// Sets the verifier, in place of any before. The principal must exist.
    async fn put_password(&mut self, principal: PrincipalId, phc: &Phc) -> Result<(), StoreError>;
}
