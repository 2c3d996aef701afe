//! Keys of devices in memory.
use async_trait::async_trait;
use keepgate_kernel::{EnrolmentId, PrincipalId, PrincipalKind, TenantId, Timestamp};
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active},
    devices::{CodeRow, CodeRows, DeviceKeyRows, KeyOfDevice},
    homes::is_platform_worker,
    rows::{PrincipalRows, SessionRows},
};
use crate::{CodeHash, DeviceKey, DeviceKeys, Revoked};

type Found = (TenantId, EnrolmentId, PrincipalId);

fn usable(tx: &MemTx, hash: &CodeHash) -> Result<Option<Found>, StoreError> {
    let caller = Caller::of(tx);
    let tenant = caller.within(0, 0).ok_or(StoreError::Forbidden)?;
    let good = |((home, id), row): (&(TenantId, EnrolmentId), &CodeRow)| {
        let found = *home == tenant && row.hash == *hash && !row.used && row.expires_at > caller.at;
        let lives = found && active(tx, tenant, row.device.uuid()).is_some();
        lives.then_some((tenant, *id, row.device))
    };
    Ok(tx.read::<CodeRows>().and_then(|rows| rows.iter().find_map(good)))
}

fn end_sessions(tx: &mut MemTx, tenant: TenantId, device: PrincipalId) {
    let open: Vec<_> = tx.read::<SessionRows>().map_or_else(Vec::new, |rows| {
        let own = rows
            .iter()
            .filter(|((home, _), row)| *home == tenant && row.principal == device && !row.revoked);
        own.map(|(key, row)| (*key, row.expires_at)).collect()
    });
    for (key, end) in open {
        if let Some(row) = tx.write::<SessionRows>().get_mut(&key) {
            row.revoked = true;
        }
        super::revocations::record(tx, Revoked::Session(key.1), end);
    }
}

#[async_trait]
impl DeviceKeys for MemTx {
    async fn homes_of_device(&mut self, id: PrincipalId) -> Result<Vec<TenantId>, StoreError> {
        let answered = is_platform_worker(self)? && id.kind() == PrincipalKind::Device;
        let Some(rows) = self.read::<PrincipalRows>().filter(|_| answered) else {
            return Ok(Vec::new());
        };
        let twins = rows.iter().filter(|(_, row)| row.id == id);
        let mut homes: Vec<(Timestamp, TenantId)> = twins.map(|((tenant, _), row)| (row.created_at, *tenant)).collect();
        homes.sort();
        Ok(homes.into_iter().map(|(_, tenant)| tenant).take(4).collect())
    }

    async fn home_of_device_code(&mut self, hash: &CodeHash) -> Result<Option<TenantId>, StoreError> {
        let answered = is_platform_worker(self)?;
        let rows = self.read::<CodeRows>().filter(|_| answered);
        let found = rows.and_then(|rows| rows.iter().find(|(_, row)| row.hash == *hash));
        Ok(found.map(|((tenant, _), _)| *tenant))
    }

    async fn device_code_holder(&mut self, hash: &CodeHash) -> Result<Option<PrincipalId>, StoreError> {
        Ok(usable(self, hash)?.map(|(_, _, device)| device))
    }

    async fn join_device(&mut self, hash: &CodeHash, key: &DeviceKey) -> Result<Option<PrincipalId>, StoreError> {
        let Some((tenant, id, device)) = usable(self, hash)? else {
            return Ok(None);
        };
        if let Some(row) = self.write::<CodeRows>().get_mut(&(tenant, id)) {
            row.used = true;
        }
        let row = KeyOfDevice {
            key: *key,
            since: Caller::of(self).at,
        };
        self.write::<DeviceKeyRows>().insert_mut((tenant, device.uuid()), row);
        end_sessions(self, tenant, device);
        Ok(Some(device))
    }

    async fn device_key(&mut self, id: PrincipalId) -> Result<Option<DeviceKey>, StoreError> {
        let tenant = Caller::of(self).within(0, 0).ok_or(StoreError::Forbidden)?;
        let row = self
            .read::<DeviceKeyRows>()
            .and_then(|rows| rows.get(&(tenant, id.uuid())));
        let lives = active(self, tenant, id.uuid()).is_some();
        Ok(row.filter(|_| lives).map(|row| row.key))
    }
}
