//! Signing keys in memory.
use async_trait::async_trait;
use keepgate_policy::Plane;
use keepgate_store::{MemTx, StoreError};

use super::{
    caller::{Caller, active_tenant},
    revocations::record_for_a_token_s_life,
    rows::{SessionRows, SigningKeyRows},
};
use crate::{KeyState, NewSigningKey, Revoked, SigningKey, SigningKeys, Turn};

fn is_platform_worker(tx: &MemTx, caller: &Caller) -> bool {
    let home = caller.within(0, 0).and_then(|tenant| active_tenant(tx, tenant));
    home.is_some_and(|tenant| tenant.plane == Plane::Platform)
}

fn in_state(tx: &MemTx, caller: &Caller, state: KeyState) -> Option<SigningKey> {
    let mut keys = tx.read::<SigningKeyRows>()?.values();
    keys.find(|key| key.state(caller.at) == state).cloned()
}

fn put(tx: &mut MemTx, key: SigningKey) {
    tx.write::<SigningKeyRows>().insert_mut(key.kid.clone(), key);
}

#[async_trait]
impl SigningKeys for MemTx {
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let caller = Caller::of(self);
        let worker = is_platform_worker(self, &caller);
        if !worker && !caller.is_at_least(6) {
            return Ok(Vec::new());
        }
        let rows = self.read::<SigningKeyRows>().cloned().unwrap_or_default();
        let mut keys: Vec<SigningKey> = rows.values().cloned().collect();
        keys.sort_by(|a, b| b.created_at.cmp(&a.created_at).then_with(|| a.kid.cmp(&b.kid)));
        keys.truncate(100);
        if !worker {
            keys.iter_mut().for_each(|key| key.seed = None);
        }
        Ok(keys)
    }

    async fn has_had_sessions(&mut self) -> Result<bool, StoreError> {
        if !is_platform_worker(self, &Caller::of(self)) {
            return Err(StoreError::Forbidden);
        }
        Ok(self.read::<SessionRows>().is_some_and(|rows| !rows.is_empty()))
    }

    async fn add_signing_key(&mut self, new: &NewSigningKey, active: bool) -> Result<bool, StoreError> {
        let caller = Caller::of(self);
        let entitled = if active {
            is_platform_worker(self, &caller)
        } else {
            caller.level == Some(7)
        };
        if !entitled {
            return Err(StoreError::Forbidden);
        }
        let state = if active { KeyState::Active } else { KeyState::Pending };
        let known = self
            .read::<SigningKeyRows>()
            .is_some_and(|rows| rows.contains_key(&new.kid));
        if known || in_state(self, &caller, state).is_some() {
            return Ok(false);
        }
        let key = SigningKey {
            kid: new.kid.clone(),
            public: new.public,
            seed: Some(new.seed.clone()),
            created_at: caller.at,
            activated_at: active.then_some(caller.at),
            retired_at: None,
            revoked_at: None,
        };
        put(self, key);
        record_for_a_token_s_life(self, Revoked::Ring);
        Ok(true)
    }

    async fn turn_signing_keys(&mut self, emergency: bool) -> Result<Turn, StoreError> {
        let caller = Caller::of(self);
        caller.within(7, 7).ok_or(StoreError::Forbidden)?;
        let Some(pending) = in_state(self, &caller, KeyState::Pending) else {
            return Ok(Turn::None);
        };
        if !emergency && caller.at < pending.ripe_at() {
            return Ok(Turn::Young);
        }
        if let Some(active) = in_state(self, &caller, KeyState::Active) {
            put(
                self,
                SigningKey {
                    retired_at: Some(caller.at),
                    seed: None,
                    ..active
                },
            );
        }
        let kid = pending.kid.clone();
        put(
            self,
            SigningKey {
                activated_at: Some(caller.at),
                ..pending
            },
        );
        record_for_a_token_s_life(self, Revoked::Ring);
        Ok(Turn::Turned(kid))
    }
}
