//! A new customer tenant.
use keepgate_kernel::{Entity, TenantId};
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions};
use keepgate_store::StoreError;

use crate::{Tenant, Tenants};

/// Creates a customer tenant with one unit, `main`.
#[derive(Debug, Clone)]
pub struct CreateTenant {
    /// Its id.
    pub id: TenantId,
    /// What people call it: 1 to 200 characters, none of them a control character.
    pub name: String,
}

/// Why a tenant was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateTenantError {
    /// The name is empty, too long, or holds control characters.
    #[error("a tenant's name has 1 to 200 characters and no control characters")]
    InvalidName,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for CreateTenantError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::InvalidName => ErrorKind::Refused("invalid-name"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl<Tx: Tenants + ?Sized> Command<Tx> for CreateTenant {
    type Permission = permissions::TenantCreate;
    type Output = Tenant;
    type Error = CreateTenantError;

    fn entity(&self) -> Entity {
        self.id.into()
    }

    async fn run(&self, proof: &Authorized<Self::Permission>, tx: &mut Tx) -> Result<Tenant, CreateTenantError> {
        if !(1..=200).contains(&self.name.chars().count()) || self.name.chars().any(char::is_control) {
            return Err(CreateTenantError::InvalidName);
        }
        tx.add_tenant(proof, self.id, &self.name).await?;
        Ok(tx
            .tenant(self.id)
            .await?
            .ok_or_else(|| StoreError::corrupt("rbac.tenant", "id"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_name_is_a_refusal_and_a_lost_database_is_not() {
        assert_eq!(
            CreateTenantError::InvalidName.kind(),
            ErrorKind::Refused("invalid-name")
        );
        assert_eq!(
            CreateTenantError::Store(StoreError::Full).kind(),
            ErrorKind::Failed("database-full")
        );
    }
}
