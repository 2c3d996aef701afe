//! Keys of logs in memory.
use async_trait::async_trait;
use chrono::TimeDelta;
use keepgate_kernel::{Level, TenantId, Timestamp};
use keepgate_store::{MemTx, StoreError, Transaction};
use rpds::RedBlackTreeMapSync;

use super::{LogKeyRing, LogKeyState, LogKeyTurn, LogKind, NewLogKey};

/// By log, tenant and version.
#[derive(Clone, Default)]
struct LogKeys(RedBlackTreeMapSync<(LogKind, TenantId, i32), LogKeyState>);

/// Stores the first key of the context's tenant's log, as the integrator does when it signs for the first time.
pub fn put_first_log_key(tx: &mut MemTx, log: LogKind, public: [u8; 32]) {
    let (tenant, at) = (tx.context().tenant(), tx.context().at());
    let key = state(log, 1, public, at);
    tx.write_unaudited::<LogKeys>().0.insert_mut((log, tenant, 1), key);
}

const fn state(log: LogKind, version: i32, public: [u8; 32], at: Timestamp) -> LogKeyState {
    LogKeyState {
        log,
        origin: None,
        version,
        public: Some(public),
        created_at: at,
        signs_until: None,
        destroyed_at: None,
    }
}

/// The caller's tenant and level.
fn caller(tx: &MemTx) -> Option<(TenantId, Level)> {
    let principal = tx.context().principal();
    Some((principal.tenant, principal.level()?))
}

#[async_trait]
impl LogKeyRing for MemTx {
    async fn log_keys(&mut self) -> Result<Vec<LogKeyState>, StoreError> {
        let reads = |level| matches!(level, Level::TenantAdmin | Level::TenantOwner | Level::GlobalAdmin);
        let (Some((home, _)), Some(LogKeys(rows))) =
            (caller(self).filter(|(_, level)| reads(*level)), self.read::<LogKeys>())
        else {
            return Ok(Vec::new());
        };
        let mut keys: Vec<LogKeyState> = rows
            .iter()
            .filter(|((log, tenant, _), _)| *log == LogKind::Meta || *tenant == home)
            .map(|(_, key)| key.clone())
            .collect();
        keys.sort_by_key(|key| (key.log, std::cmp::Reverse(key.version)));
        Ok(keys)
    }

    async fn rotate_log_key(
        &mut self,
        log: LogKind,
        fresh: &NewLogKey,
        emergency: bool,
    ) -> Result<LogKeyTurn, StoreError> {
        let (at, proved) = (self.context().at(), self.context().is_fresh());
        let plain = self.context().principal().hat.is_none();
        let entitled = |level| match log {
            LogKind::Own => matches!(level, Level::TenantOwner | Level::GlobalAdmin),
            LogKind::Meta => level == Level::GlobalAdmin,
        };
        let home = caller(self).filter(|(_, level)| entitled(*level) && proved && plain);
        let (home, _) = home.ok_or(StoreError::Forbidden)?;
        let own = (log, home, i32::MIN)..=(log, home, i32::MAX);
        let keys: Vec<LogKeyState> = self
            .read::<LogKeys>()
            .map(|LogKeys(rows)| rows.range(own).map(|(_, key)| key.clone()).collect())
            .unwrap_or_default();
        let Some(mut former) = keys.iter().find(|key| key.signs_until.is_none()).cloned() else {
            return Ok(LogKeyTurn::None);
        };
        if !emergency && keys.iter().any(|key| key.signs_until.is_some_and(|until| until > at)) {
            return Ok(LogKeyTurn::Overlap);
        }
        let overlap = if emergency {
            TimeDelta::zero()
        } else {
            TimeDelta::days(7)
        };
        former.signs_until = Some(at + overlap);
        let next = state(log, former.version + 1, fresh.public, at);
        let rows = &mut self.write::<LogKeys>().0;
        rows.insert_mut((log, home, former.version), former);
        rows.insert_mut((log, home, next.version), next);
        Ok(LogKeyTurn::Turned)
    }
}
