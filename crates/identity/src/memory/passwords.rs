//! Password verifiers in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId, Uuid};
use keepgate_store::{MemTx, StoreError, Transaction};

use super::{
    caller::{Caller, active},
    rows::{PasswordRows, PrincipalRows, TenantRows},
    second_factors::{challenges, has_factor},
};
use crate::{Email, Passwords, Phc, PrincipalStatus};

fn verifier(tx: &MemTx, tenant: TenantId, principal: PrincipalId) -> Option<Phc> {
    active(tx, tenant, principal.uuid())?;
    tx.read::<PasswordRows>()?.get(&(tenant, principal.uuid())).cloned()
}

/// A short one stands beside a second factor only.
fn beside(tx: &MemTx, tenant: TenantId, principal: Uuid, phc: &Phc) -> Result<(), StoreError> {
    if phc.is_short() && !has_factor(tx, tenant, principal) {
        return Err(StoreError::Forbidden);
    }
    Ok(())
}

#[async_trait]
impl Passwords for MemTx {
    async fn password_of_email(&mut self, email: &Email) -> Result<Option<(PrincipalId, Phc)>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let mine =
            |row: &&super::PrincipalRow| row.email.as_ref() == Some(email) && row.status == PrincipalStatus::Active;
        let principal = self.read::<PrincipalRows>().and_then(|rows| {
            rows.iter()
                .filter(|((home, _), _)| *home == tenant)
                .map(|(_, row)| row)
                .find(mine)
                .map(|row| row.id)
        });
        Ok(principal.and_then(|id| verifier(self, tenant, id).map(|phc| (id, phc))))
    }

    async fn password(&mut self, principal: PrincipalId) -> Result<Option<Phc>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        Ok(verifier(self, tenant, principal))
    }

    async fn words_about(&mut self, principal: PrincipalId) -> Result<Vec<String>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let email = active(self, tenant, principal.uuid()).and_then(|row| row.email.clone());
        let name = self.read::<TenantRows>().and_then(|rows| rows.get(&tenant));
        let words = email.map(|email| email.as_str().to_owned()).into_iter();
        Ok(words.chain(name.map(|tenant| tenant.name.clone())).collect())
    }

    async fn renew_password(&mut self, present: &Phc, new: &Phc) -> Result<bool, StoreError> {
        let caller = Caller::of(self);
        let tenant = caller.within(1, 7).ok_or(StoreError::Forbidden)?;
        let place = (tenant, caller.subject);
        if self.read::<PasswordRows>().and_then(|rows| rows.get(&place)) != Some(present) {
            return Ok(false);
        }
        beside(self, tenant, caller.subject, new)?;
        self.write::<PasswordRows>().insert_mut(place, new.clone());
        challenges::end(self, tenant, self.context().principal().id);
        Ok(true)
    }

    async fn put_password(&mut self, principal: PrincipalId, phc: &Phc) -> Result<(), StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        beside(self, tenant, principal.uuid(), phc)?;
        self.write::<PasswordRows>()
            .insert_mut((tenant, principal.uuid()), phc.clone());
        Ok(())
    }
}
