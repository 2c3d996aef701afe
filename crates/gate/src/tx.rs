//! What a transaction of the service can do.
use async_trait::async_trait;
use keepgate_audit::{
    AuditLog, AuditReader, Erasures, Holds, MetaReader, TenantLogs, archive::Archives, clock::ClockLedger, sink::Sinks,
    witness::WitnessAlarms,
};
use keepgate_channels::ports::{Attempts, DueWork, Messages, Outbox, Recipients, Routes, StreamEvents, Webhooks};
use keepgate_crypto_keys::{DataKeys, KeyStates, LogKeyRing, Reseals};
use keepgate_identity::{
    AccessReview, ApiKeys, DeviceKeys, Devices, DirectoryUsers, Enrolments, Homes, ImportedKeys, Mails, Passwords,
    Principals, Resets, Revocations, SecondFactors, Sessions, SigningKeys, TenantPolicies, Throttle,
};
use keepgate_policy::OpContext;
use keepgate_rbac::{Approvals, Roles, Tenants, Units};
use keepgate_sso::ports::{Accounts, DirectoryGroups, Links, Logins, Providers, ScimTokens};
use keepgate_store::{Begin, MemStore, StoreError, Transaction};

use crate::{Gate, IdempotencyKeys};

/// Every capability of the service. Adding a port is adding a word here, twice.
pub trait Tx:
    Transaction
    + AuditLog
    + AuditReader
    + MetaReader
    + TenantLogs
    + WitnessAlarms
    + ClockLedger
    + Erasures
    + Holds
    + Archives
    + Sinks
    + DataKeys
    + KeyStates
    + Reseals
    + LogKeyRing
    + IdempotencyKeys
    + Tenants
    + Units
    + Roles
    + Approvals
    + Principals
    + AccessReview
    + Passwords
    + Enrolments
    + ApiKeys
    + ImportedKeys
    + SecondFactors
    + Devices
    + DeviceKeys
    + Sessions
    + Revocations
    + SigningKeys
    + TenantPolicies
    + Throttle
    + Mails
    + Resets
    + Homes
    + Recipients
    + Routes
    + Messages
    + Outbox
    + Attempts
    + StreamEvents
    + Webhooks
    + DueWork
    + DirectoryUsers
    + Providers
    + Links
    + Logins
    + Accounts
    + DirectoryGroups
    + ScimTokens
{
}
impl<T> Tx for T where
    T: Transaction
        + AuditLog
        + AuditReader
        + MetaReader
        + TenantLogs
        + WitnessAlarms
        + ClockLedger
        + Erasures
        + Holds
        + Archives
        + Sinks
        + DataKeys
        + KeyStates
        + Reseals
        + LogKeyRing
        + IdempotencyKeys
        + Tenants
        + Units
        + Roles
        + Approvals
        + Principals
        + AccessReview
        + Passwords
        + Enrolments
        + ApiKeys
        + ImportedKeys
        + SecondFactors
        + Devices
        + DeviceKeys
        + Sessions
        + Revocations
        + SigningKeys
        + TenantPolicies
        + Throttle
        + Mails
        + Resets
        + Homes
        + Recipients
        + Routes
        + Messages
        + Outbox
        + Attempts
        + StreamEvents
        + Webhooks
        + DueWork
        + DirectoryUsers
        + Providers
        + Links
        + Logins
        + Accounts
        + DirectoryGroups
        + ScimTokens
{
}

/// The doorway of the service.
pub type Service = Gate<dyn Tx>;

#[async_trait]
impl Begin<dyn Tx> for MemStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context)?))
    }
}

#[cfg(feature = "postgres")]
#[async_trait]
impl Begin<dyn Tx> for keepgate_store::PgStore {
    async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
        Ok(Box::new(Self::begin(self, context).await?))
    }
}
