//! Password verifiers in memory.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, TenantId};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active},
    rows::{PasswordRows, PrincipalRows},
};
use crate::{Email, Passwords, Phc, PrincipalStatus};

fn verifier(tx: &MemTx, tenant: TenantId, principal: PrincipalId) -> Option<Phc> {
    active(tx, tenant, principal.uuid())?;
    tx.read::<PasswordRows>()?.get(&(tenant, principal.uuid())).cloned()
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

    async fn put_password(&mut self, principal: PrincipalId, phc: &Phc) -> Result<(), StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        self.write::<PasswordRows>()
            .insert_mut((tenant, principal.uuid()), phc.clone());
        Ok(())
    }
}
