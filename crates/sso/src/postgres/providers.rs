//! Identity providers in `sso.provider`, their mappings in `sso.group_level`.
use std::collections::BTreeMap;

use async_trait::async_trait;
use keepgate_kernel::{Level, PrincipalId, PrincipalKind, Timestamp, UnitId, Uuid};
use keepgate_policy::MappedLevel;
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{Mapped, Mapping, Provider, ProviderName, SecretChange, ports::Providers};

struct Row {
    name: String,
    issuer: String,
    client_id: String,
    groups_claim: Option<String>,
    default_level: Option<i16>,
    jit: bool,
    trust_mfa: bool,
    configured_by: Uuid,
    updated_at: Timestamp,
}

struct GroupRow {
    provider: String,
    group_name: String,
    level: i16,
    unit_id: Option<Uuid>,
}

const PROVIDER: &str = "sso.provider";

fn mapped(number: i16) -> Result<MappedLevel, StoreError> {
    let level = u8::try_from(number)
        .ok()
        .and_then(|number| Level::try_from(number).ok());
    level
        .and_then(|level| MappedLevel::try_from(level).ok())
        .ok_or_else(|| StoreError::corrupt("sso.group_level", "level"))
}

fn number(level: MappedLevel) -> i16 {
    i16::from(level.level().number())
}

impl Row {
    fn provider(self, groups: &[GroupRow]) -> Result<Provider, StoreError> {
        let corrupt = |column| StoreError::corrupt(PROVIDER, column);
        let of_group = |row: &GroupRow| {
            let unit = row.unit_id.map(UnitId::from_uuid);
            let level = mapped(row.level)?;
            Ok((row.group_name.clone(), Mapped { level, unit }))
        };
        let mine = groups.iter().filter(|row| row.provider == self.name);
        let groups: BTreeMap<_, _> = mine.map(of_group).collect::<Result<_, StoreError>>()?;
        let default = self.default_level.map(mapped).transpose()?;
        Ok(Provider {
            name: self.name.parse().map_err(|_| corrupt("name"))?,
            issuer: self.issuer.parse().map_err(|_| corrupt("issuer"))?,
            client_id: self.client_id,
            groups_claim: self.groups_claim,
            mapping: Mapping::new(groups, default).map_err(|_| StoreError::corrupt("sso.group_level", "group_name"))?,
            jit: self.jit,
            trust_mfa: self.trust_mfa,
            configured_by: PrincipalId::from_parts(PrincipalKind::User, self.configured_by),
            updated_at: self.updated_at,
        })
    }
}

async fn read(tx: &mut PgTx, name: Option<&str>) -> Result<Vec<Provider>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query_as!(
        Row,
        "select name, issuer, client_id, groups_claim, default_level, jit, trust_mfa, configured_by, updated_at
           from sso.provider where tenant_id = $1 and ($2::text is null or name = $2) order by name",
        tenant,
        name,
    )
    .fetch_all(tx.conn())
    .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let groups = sqlx::query_as!(
        GroupRow,
        "select provider, group_name, level, unit_id from sso.group_level
          where tenant_id = $1 and ($2::text is null or provider = $2)",
        tenant,
        name,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter().map(|row| row.provider(&groups)).collect()
}

/// Writes the row: `false` if the issuer is taken.
async fn write(tx: &mut PgTx, provider: &Provider, secret: &SecretChange) -> Result<bool, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let twin = sqlx::query_scalar!(
        r#"select exists (select from sso.provider where tenant_id = $1 and issuer = $2 and name <> $3) as "twin!""#,
        tenant,
        provider.issuer.as_str(),
        provider.name.as_str(),
    )
    .fetch_one(tx.conn())
    .await?;
    if twin {
        return Ok(false);
    }
    let (sealed, keep) = match secret {
        SecretChange::Keep => (None, true),
        SecretChange::Sealed(sealed) => (Some(sealed.as_slice()), false),
    };
    let (by, default) = (
        provider.configured_by.uuid(),
        provider.mapping.default_level().map(number),
    );
    let before = sqlx::query!(
        "select issuer, client_id from sso.provider where tenant_id = $1 and name = $2",
        tenant,
        provider.name.as_str()
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(before) = before else {
        sqlx::query!(
            "insert into sso.provider (tenant_id, name, issuer, client_id, secret, groups_claim, default_level, jit, trust_mfa, configured_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            tenant,
            provider.name.as_str(),
            provider.issuer.as_str(),
            provider.client_id,
            sealed,
            provider.groups_claim,
            default,
            provider.jit,
            provider.trust_mfa,
            by,
        )
        .execute(tx.conn())
        .await?;
        return Ok(true);
    };
    sqlx::query!(
        "update sso.provider set issuer = $3, client_id = $4, groups_claim = $5, default_level = $6, jit = $7, trust_mfa = $8,
           configured_by = $9, updated_at = now() where tenant_id = $1 and name = $2",
        tenant,
        provider.name.as_str(),
        provider.issuer.as_str(),
        provider.client_id,
        provider.groups_claim,
        default,
        provider.jit,
        provider.trust_mfa,
        by,
    )
    .execute(tx.conn())
    .await?;
    let same = before.issuer == provider.issuer.as_str() && before.client_id == provider.client_id;
    if !(keep && same) {
        sqlx::query!(
            "update sso.provider set secret = $3 where tenant_id = $1 and name = $2",
            tenant,
            provider.name.as_str(),
            sealed,
        )
        .execute(tx.conn())
        .await?;
    }
    Ok(true)
}

#[async_trait]
impl Providers for PgTx {
    async fn put_provider(&mut self, provider: &Provider, secret: &SecretChange) -> Result<bool, StoreError> {
        if !write(self, provider, secret).await? {
            return Ok(false);
        }
        let tenant = self.context().tenant().uuid();
        sqlx::query!(
            "delete from sso.group_level where tenant_id = $1 and provider = $2",
            tenant,
            provider.name.as_str()
        )
        .execute(self.conn())
        .await?;
        let (mut names, mut levels, mut units) = (Vec::new(), Vec::new(), Vec::new());
        for (name, mapped) in provider.mapping.groups() {
            names.push(name.clone());
            levels.push(number(mapped.level));
            units.push(mapped.unit.map(UnitId::uuid));
        }
        sqlx::query!(
            "insert into sso.group_level (tenant_id, provider, group_name, level, unit_id)
             select $1, $2, n, l, u from unnest($3::text[], $4::smallint[], $5::uuid[]) as g (n, l, u)",
            tenant,
            provider.name.as_str(),
            &names,
            &levels,
            &units as &[Option<Uuid>],
        )
        .execute(self.conn())
        .await?;
        Ok(true)
    }

    async fn provider(&mut self, name: &ProviderName) -> Result<Option<Provider>, StoreError> {
        Ok(read(self, Some(name.as_str())).await?.pop())
    }

    async fn providers(&mut self) -> Result<Vec<Provider>, StoreError> {
        read(self, None).await
    }

    async fn delete_provider(&mut self, name: &ProviderName) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "delete from sso.provider where tenant_id = $1 and name = $2",
            tenant,
            name.as_str()
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn provider_secret(&mut self, name: &ProviderName) -> Result<Option<Vec<u8>>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let row = sqlx::query_scalar!(
            "select secret from sso.provider where tenant_id = $1 and name = $2",
            tenant,
            name.as_str()
        )
        .fetch_optional(self.conn())
        .await?;
        Ok(row.flatten())
    }
}
