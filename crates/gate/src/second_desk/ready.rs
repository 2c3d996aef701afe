//! What can be asked of whoever has just proved a password or a code.
use keepgate_identity::{Demand, Enrol, Login, MfaChallenge, Offer, Prepared};
use keepgate_kernel::PrincipalId;
use keepgate_policy::OpContext;

use super::{SecondDesk, SecondDeskError};

impl SecondDesk {
    /// Adds to a log-in what it may have to ask.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub async fn ready_login(&self, prepared: &mut Prepared<Login>) -> Result<(), SecondDeskError> {
        if let Some(principal) = prepared.command.proven_by() {
            let offer = self.offer(&prepared.context, principal).await?;
            prepared.command.offering(offer);
        }
        Ok(())
    }

    /// Adds to an enrolment what it may have to ask.
    ///
    /// # Errors
    /// [`SecondDeskError`].
    pub async fn ready_enrol(&self, prepared: &mut Prepared<Enrol>) -> Result<(), SecondDeskError> {
        if let Some(principal) = prepared.command.actor() {
            let offer = self.offer(&prepared.context, principal).await?;
            prepared.command.offering(offer);
        }
        Ok(())
    }

    async fn offer(&self, worker: &OpContext, principal: PrincipalId) -> Result<Offer, SecondDeskError> {
        let standing = self.begin(worker).await?.mfa_standing(principal).await?;
        let mut offer = Offer {
            challenge: Some(MfaChallenge::random(worker.tenant())?),
            ..Offer::default()
        };
        if standing.is_some_and(|standing| standing.demand(worker.at()) == Demand::FactorFirst) {
            offer.pending = Some(self.new_app(worker, principal).await?);
        }
        Ok(offer)
    }
}
