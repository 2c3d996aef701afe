//! Second factors in `identity.factor`, `identity.recovery_code` and `identity.mfa_challenge`.
mod challenges;
mod factors;

use async_trait::async_trait;
use keepgate_kernel::{FactorId, PrincipalId};
use keepgate_policy::ReachProof;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{demand_worker, level};
use crate::{
    ChallengeHash, ChallengeRecord, FactorKind, FactorOnFile, FactorRecord, MfaLevel, MfaStanding, NewChallenge,
    NewFactor, RecoveryHash, SecondFactors,
};

fn kind(word: &str) -> Result<FactorKind, StoreError> {
    FactorKind::parse(word).ok_or_else(|| StoreError::corrupt("identity.factor", "kind"))
}

#[async_trait]
impl SecondFactors for PgTx {
    async fn mfa_standing(&mut self, principal: PrincipalId) -> Result<Option<MfaStanding>, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query!(
            r#"select p.email, r.level, coalesce(min(e.used_at), p.created_at) as "enrolled_at!",
                      (select t.mfa_level from identity.tenant_policy t where t.tenant_id = p.tenant_id) as mfa_level,
                      array(select f.kind from identity.factor f where f.tenant_id = p.tenant_id and f.principal_id = p.id
                              and f.confirmed_at is not null order by f.id) as "factors!: Vec<String>",
                      (select count(*) from identity.recovery_code c where c.tenant_id = p.tenant_id and c.principal_id = p.id
                          and c.used_at is null) as "codes!"
                 from rbac.principal p
                 join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                 left join identity.enrolment e on e.tenant_id = p.tenant_id and e.principal_id = p.id and e.used_at is not null
                where p.tenant_id = $1 and p.id = $2 and p.status = 'active'
                group by p.tenant_id, p.id, r.level, p.email, p.created_at"#,
            tenant,
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let required_from = match row.mfa_level {
            Some(number) => MfaLevel::from(level(number, "identity.tenant_policy")?),
            None => MfaLevel::default(),
        };
        let email = row.email.map(|text| text.parse()).transpose();
        Ok(Some(MfaStanding {
            email: email.map_err(|_| StoreError::corrupt("rbac.principal", "email"))?,
            level: level(row.level, "rbac.role_assignment")?,
            enrolled_at: row.enrolled_at,
            required_from,
            factors: row.factors.iter().map(|word| kind(word)).collect::<Result<_, _>>()?,
            recovery_codes: u32::try_from(row.codes).unwrap_or(u32::MAX),
        }))
    }

    async fn factors(&mut self, principal: PrincipalId) -> Result<Vec<FactorRecord>, StoreError> {
        demand_worker(self)?;
        factors::list(self, principal).await
    }

    async fn factors_on_file(
        &mut self,
        principal: PrincipalId,
        kind: FactorKind,
    ) -> Result<Vec<FactorOnFile>, StoreError> {
        demand_worker(self)?;
        factors::on_file(self, principal, kind, true).await
    }

    async fn pending_totp(&mut self, principal: PrincipalId) -> Result<Option<FactorOnFile>, StoreError> {
        demand_worker(self)?;
        Ok(factors::on_file(self, principal, FactorKind::Totp, false).await?.pop())
    }

    async fn put_factor(&mut self, new: &NewFactor) -> Result<bool, StoreError> {
        demand_worker(self)?;
        factors::put(self, new).await
    }

    async fn confirm_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError> {
        demand_worker(self)?;
        factors::confirm(self, principal, factor, step).await
    }

    async fn use_totp(&mut self, principal: PrincipalId, factor: FactorId, step: i64) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.factor set counter = $4, last_used_at = now()
              where tenant_id = $1 and principal_id = $2 and id = $3 and kind = 'totp' and confirmed_at is not null and counter < $4",
            tenant,
            principal.uuid(),
            factor.uuid(),
            step,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn use_passkey(
        &mut self,
        principal: PrincipalId,
        factor: FactorId,
        counter: i64,
    ) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.factor set counter = $4, last_used_at = now()
              where tenant_id = $1 and principal_id = $2 and id = $3 and kind = 'passkey' and (counter < $4 or (counter = 0 and $4 = 0))",
            tenant,
            principal.uuid(),
            factor.uuid(),
            counter,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_factor(&mut self, principal: PrincipalId, factor: FactorId) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "delete from identity.factor where tenant_id = $1 and principal_id = $2 and id = $3",
            tenant,
            principal.uuid(),
            factor.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn put_recovery_codes(&mut self, principal: PrincipalId, codes: &[RecoveryHash]) -> Result<(), StoreError> {
        demand_worker(self)?;
        factors::put_codes(self, principal, codes).await
    }

    async fn use_recovery_code(&mut self, principal: PrincipalId, code: &RecoveryHash) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.recovery_code set used_at = now()
              where tenant_id = $1 and principal_id = $2 and code_hash = $3 and used_at is null",
            tenant,
            principal.uuid(),
            code.as_bytes(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn reset_factors(&mut self, proof: &ReachProof) -> Result<u64, StoreError> {
        let cleared = sqlx::query_scalar!(
            r#"select gate.reset_factors($1) as "cleared!""#,
            proof.target().principal.uuid()
        )
        .fetch_one(self.conn())
        .await?;
        Ok(u64::try_from(cleared).unwrap_or(0))
    }

    async fn add_challenge(&mut self, new: &NewChallenge) -> Result<(), StoreError> {
        demand_worker(self)?;
        challenges::add(self, new).await
    }

    async fn try_challenge(&mut self, hash: &ChallengeHash) -> Result<Option<ChallengeRecord>, StoreError> {
        demand_worker(self)?;
        challenges::attempt(self, hash).await
    }

    async fn end_challenges(&mut self, principal: PrincipalId) -> Result<(), StoreError> {
        demand_worker(self)?;
        challenges::end(self, principal).await
    }

    async fn use_challenge(&mut self, hash: &ChallengeHash) -> Result<bool, StoreError> {
        demand_worker(self)?;
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "update identity.mfa_challenge c set used_at = now() from rbac.principal p
              where c.tenant_id = $1 and c.hash = $2 and c.used_at is null and c.expires_at > now()
                and p.tenant_id = c.tenant_id and p.id = c.principal_id and p.status = 'active' and p.epoch = c.epoch",
            tenant,
            hash.as_bytes(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
