//! Where a credential lives, through definer functions that answer the platform's own worker only.
use async_trait::async_trait;
use keepgate_kernel::{KeyId, TenantId};
use keepgate_store::{PgTx, StoreError};
use sqlx::PgExecutor;

use super::demand_worker;
use crate::{CodeHash, Email, Handle, Homes, Lookup};

#[async_trait]
impl Homes for PgTx {
    async fn homes_of_email(&mut self, email: &Email) -> Result<Vec<TenantId>, StoreError> {
        demand_worker(self)?;
        let homes = sqlx::query_scalar!(r#"select gate.homes_of_email($1) as "home!""#, email.as_str())
            .fetch_all(self.conn())
            .await?;
        Ok(homes.into_iter().map(TenantId::from_uuid).collect())
    }

    async fn home_of_key(&mut self, id: KeyId) -> Result<Option<TenantId>, StoreError> {
        demand_worker(self)?;
        let home = sqlx::query_scalar!("select gate.home_of_key($1)", id.uuid())
            .fetch_one(self.conn())
            .await?;
        Ok(home.map(TenantId::from_uuid))
    }

    async fn home_of_handle(&mut self, handle: Handle) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        demand_worker(self)?;
        let home = sqlx::query!(
            r#"select tenant as "tenant!", key as "key!" from gate.home_of_handle($1)"#,
            handle.as_str()
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(home.map(|home| (TenantId::from_uuid(home.tenant), KeyId::from_uuid(home.key))))
    }

    async fn home_of_imported(&mut self, lookups: &[Lookup]) -> Result<Option<(TenantId, KeyId)>, StoreError> {
        demand_worker(self)?;
        let lookups: Vec<String> = lookups.iter().map(|lookup| lookup.as_str().to_owned()).collect();
        let home = sqlx::query!(
            r#"select tenant as "tenant!", key as "key!" from gate.home_of_imported($1)"#,
            &lookups
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(home.map(|home| (TenantId::from_uuid(home.tenant), KeyId::from_uuid(home.key))))
    }

    async fn home_of_reset(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        demand_worker(self)?;
        let home = sqlx::query_scalar!("select gate.home_of_reset($1)", hash.as_bytes())
            .fetch_one(self.conn())
            .await?;
        Ok(home.map(TenantId::from_uuid))
    }

    async fn home_of_enrolment(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        demand_worker(self)?;
        let home = sqlx::query_scalar!("select gate.home_of_enrolment($1)", hash.as_bytes())
            .fetch_one(self.conn())
            .await?;
        Ok(home.map(TenantId::from_uuid))
    }
}

/// The platform's tenant, asked on a connection of the service; `None` before the genesis.
///
/// # Errors
/// [`StoreError::Unavailable`].
pub async fn platform_tenant(connection: impl PgExecutor<'_>) -> Result<Option<TenantId>, StoreError> {
    let tenant = sqlx::query_scalar!("select gate.platform_tenant()")
        .fetch_one(connection)
        .await?;
    Ok(tenant.map(TenantId::from_uuid))
}
