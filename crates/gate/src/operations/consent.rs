//! What two people agreed to, looked up for the operation that uses it.
use keepgate_policy::{ApprovalDenied, Authorized, Consent, Matter, TwoPerson, spend};
use keepgate_rbac::Approvals;
use keepgate_store::{StoreError, Transaction};

/// The consent of two people, one of them the caller, to exactly `matter`; `Err` inside when there is none.
pub(super) async fn consent<P, Tx>(
    proof: &Authorized<P>,
    tx: &mut Tx,
    matter: &Matter,
) -> Result<Result<Consent, ApprovalDenied>, StoreError>
where
    P: TwoPerson,
    Tx: Transaction + Approvals + ?Sized,
{
    let at = tx.context().at();
    let Some(approval) = tx.agreed(matter).await? else {
        return Ok(Err(ApprovalDenied::Missing));
    };
    Ok(spend(proof, &approval, matter, at))
}
