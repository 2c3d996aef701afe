//! Who has which access: what the caller sees by row-level security, and `gate.last_seen` for what it may not read itself.
use async_trait::async_trait;
use keepgate_kernel::{KeyId, PrincipalId, PrincipalKind, Timestamp, UnitId, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use super::{hat, is_person, level, principal_id};
use crate::{Access, AccessReview, AccessStatus, HeldFactors, Holder, PrincipalStatus};

const KEY: i32 = 3;

struct Row {
    rank: i32,
    kind: String,
    id: Uuid,
    email: Option<String>,
    name: Option<String>,
    status: String,
    level: Option<i16>,
    unit_id: Option<Uuid>,
    hat: Option<String>,
    owner: Option<Uuid>,
    owner_kind: Option<String>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    totp: bool,
    passkeys: i64,
    recovery_codes: i64,
}

impl Row {
    fn read(self, at: Timestamp) -> Result<Access, StoreError> {
        let level = self
            .level
            .map(|number| level(number, "rbac.role_assignment"))
            .transpose()?;
        let (holder, status, factors) = if self.rank == KEY {
            let status = AccessStatus::of_key(level.is_some(), self.expires_at, at);
            (Holder::Key(KeyId::from_uuid(self.id)), status, None)
        } else {
            let id = principal_id(&self.kind, self.id)?;
            let factors = (id.kind() == PrincipalKind::User).then(|| self.factors());
            (Holder::Principal(id), status(&self.status)?, factors)
        };
        let owner = self.owner.zip(self.owner_kind);
        let email = self.email.map(|text| text.parse()).transpose();
        Ok(Access {
            holder,
            name: self.name,
            email: email.map_err(|_| StoreError::corrupt("rbac.principal", "email"))?,
            status,
            level,
            unit: self.unit_id.map(UnitId::from_uuid),
            hat: hat(self.hat.as_deref())?,
            owner: owner.map(|(id, kind)| principal_id(&kind, id)).transpose()?,
            created_at: self.created_at,
            expires_at: self.expires_at,
            last_used_at: self.last_used_at,
            factors,
        })
    }

    fn factors(&self) -> HeldFactors {
        let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
        HeldFactors {
            totp: self.totp,
            passkeys: count(self.passkeys),
            recovery_codes: count(self.recovery_codes),
        }
    }
}

fn status(word: &str) -> Result<AccessStatus, StoreError> {
    match PrincipalStatus::parse(word) {
        Some(PrincipalStatus::Active) => Ok(AccessStatus::Active),
        Some(PrincipalStatus::Disabled) => Ok(AccessStatus::Disabled),
        Some(PrincipalStatus::Deleted) | None => Err(StoreError::corrupt("rbac.principal", "status")),
    }
}

/// Where a holder stands in the order, as the query counts.
fn position(holder: Holder) -> (i32, Uuid) {
    match holder {
        Holder::Principal(id) => (rank(id), id.uuid()),
        Holder::Key(id) => (KEY, id.uuid()),
    }
}

const fn rank(id: PrincipalId) -> i32 {
    match id.kind() {
        PrincipalKind::User => 0,
        PrincipalKind::Device => 1,
        PrincipalKind::Service | PrincipalKind::System => 2,
    }
}

#[async_trait]
impl AccessReview for PgTx {
    async fn access(&mut self, after: Option<Holder>, limit: u32) -> Result<Vec<Access>, StoreError> {
        if !is_person(self) {
            return Ok(Vec::new());
        }
        let (tenant, at) = (self.context().tenant().uuid(), self.context().at());
        let (rank, id) = after.map(position).unzip();
        let rows = sqlx::query_as!(
            Row,
            r#"with page as materialized (
                 select * from (
                   select case p.kind when 'user' then 0 when 'device' then 1 else 2 end as rank, p.kind, p.id, p.email, p.display_name as name,
                          p.status, case when r.revoked_at is null then r.level end as level, case when r.revoked_at is null then r.unit_id end as unit_id,
                          case when r.revoked_at is null then r.hat end as hat, case when p.kind <> 'user' then coalesce(p.owner_id, r.granted_by) end as owner,
                          p.created_at, null::timestamptz as expires_at,
                          (select max(k.last_used_at) from identity.api_key k where k.tenant_id = p.tenant_id and k.principal_id = p.id) as used_at
                     from rbac.principal p
                     left join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id
                    where p.tenant_id = $1 and p.status <> 'deleted'
                   union all
                   select 3, 'api_key', k.id, null, k.name, 'active', live.level, live.unit_id, live.hat, k.owner_id, k.created_at, k.expires_at, k.last_used_at
                     from identity.api_key k
                     left join lateral (
                       select least(r.level, ro.level - 1)::smallint as level, r.unit_id, coalesce(r.hat, ro.hat) as hat
                         from rbac.principal p
                         join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                         join rbac.principal po on po.tenant_id = p.tenant_id and po.id = k.owner_id and po.status = 'active'
                         join rbac.role_assignment ro on ro.tenant_id = p.tenant_id and ro.principal_id = po.id and ro.revoked_at is null
                        where p.tenant_id = k.tenant_id and p.id = k.principal_id and p.status = 'active' and ro.level > 1) live on true
                    where k.tenant_id = $1 and k.revoked_at is null) holder
                  where $2::int is null or (holder.rank, holder.id) > ($2, $3::uuid)
                  order by holder.rank, holder.id limit $4)
               select page.rank as "rank!", page.kind as "kind!", page.id as "id!", page.email as "email?", page.name as "name?", page.status as "status!",
                      page.level as "level?", page.unit_id as "unit_id?", page.hat as "hat?", page.owner as "owner?", o.kind as "owner_kind?",
                      page.created_at as "created_at!", page.expires_at as "expires_at?", greatest(page.used_at, s.at) as "last_used_at?",
                      coalesce(s.totp, false) as "totp!", coalesce(s.passkeys, 0) as "passkeys!", coalesce(s.recovery_codes, 0) as "recovery_codes!"
                 from page
                 left join rbac.principal o on o.tenant_id = $1 and o.id = page.owner
                 left join gate.last_seen(array(select q.id from page q where q.rank < 3)) s on s.principal = page.id and page.rank < 3
                order by page.rank, page.id"#,
            tenant,
            rank,
            id,
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(|row| row.read(at)).collect()
    }
}
