//! Reading keys back.
use ipnet::IpNet;
use keepgate_kernel::{Action, Hat, KeyId, PrincipalId, PrincipalKind, Timestamp, UnitId, Uuid};
use keepgate_policy::Scopes;
use keepgate_store::{PgTx, StoreError, Transaction};

use super::super::{level, phc, principal_id};
use crate::{ApiKeyRecord, KeyOnFile, Lookup, OldSecret, Retiring};

const TABLE: &str = "identity.api_key";

struct Row {
    id: Uuid,
    name: String,
    service: Uuid,
    owner: Uuid,
    owner_kind: String,
    level: Option<i16>,
    scopes: Option<Vec<String>>,
    cidrs: Option<Vec<String>>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    last_used_at: Option<Timestamp>,
    last_used_from: Option<String>,
    retiring_until: Option<Timestamp>,
    old_last_used_at: Option<Timestamp>,
    lookup: Option<String>,
}

impl TryFrom<Row> for ApiKeyRecord {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        Ok(Self {
            id: KeyId::from_uuid(row.id),
            name: row.name,
            service: PrincipalId::from_parts(PrincipalKind::Service, row.service),
            owner: principal_id(&row.owner_kind, row.owner)?,
            level: row
                .level
                .map(|number| level(number, "rbac.role_assignment"))
                .transpose()?,
            scopes: scopes(row.scopes)?,
            allowed_cidrs: cidrs(row.cidrs)?,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            last_used_from: row.last_used_from.map(|text| address(&text)).transpose()?,
            retiring: row.retiring_until.map(|until| Retiring {
                until,
                last_used_at: row.old_last_used_at,
            }),
            imported: row.lookup.map(|text| lookup(&text)).transpose()?,
        })
    }
}

fn hat(word: &str) -> Result<Hat, StoreError> {
    word.parse()
        .map_err(|_| StoreError::corrupt("rbac.role_assignment", "hat"))
}

fn scopes(words: Option<Vec<String>>) -> Result<Option<Vec<Action>>, StoreError> {
    let parse = |word: String| word.parse().map_err(|_| StoreError::corrupt(TABLE, "scopes"));
    words.map(|words| words.into_iter().map(parse).collect()).transpose()
}

/// PostgreSQL writes a single address without its length.
fn cidrs(words: Option<Vec<String>>) -> Result<Option<Vec<IpNet>>, StoreError> {
    let parse = |word: String| {
        let net = word
            .parse::<IpNet>()
            .or_else(|_| word.parse().map(|address: std::net::IpAddr| IpNet::from(address)));
        net.map_err(|_| StoreError::corrupt(TABLE, "allowed_cidrs"))
    };
    words.map(|words| words.into_iter().map(parse).collect()).transpose()
}

fn address(text: &str) -> Result<std::net::IpAddr, StoreError> {
    text.parse().map_err(|_| StoreError::corrupt(TABLE, "last_used_from"))
}

fn lookup(text: &str) -> Result<Lookup, StoreError> {
    Lookup::parse(text).map_err(|_| StoreError::corrupt("identity.imported_key", "lookup"))
}

pub(super) async fn record(tx: &mut PgTx, id: KeyId) -> Result<Option<ApiKeyRecord>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.principal_id as service, k.owner_id as owner, o.kind as owner_kind, r.level as "level?", k.scopes,
                  k.allowed_cidrs::text[] as cidrs, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
                  host(k.last_used_from) as last_used_from, k.old_last_used_at, i.lookup as "lookup?",
                  case when k.old_until > now() then k.old_until end as retiring_until
             from identity.api_key k
             left join identity.imported_key i on i.tenant_id = k.tenant_id and i.key_id = k.id and (i.until is null or i.until > now())
             join rbac.principal o on o.tenant_id = k.tenant_id and o.id = k.owner_id
             left join rbac.role_assignment r on r.tenant_id = k.tenant_id and r.principal_id = k.principal_id and r.revoked_at is null
            where k.tenant_id = $1 and k.id = $2"#,
        tenant,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?
    .map(ApiKeyRecord::try_from)
    .transpose()
}

pub(super) async fn records(tx: &mut PgTx, after: Option<KeyId>, limit: u32) -> Result<Vec<ApiKeyRecord>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    sqlx::query_as!(
        Row,
        r#"select k.id, k.name, k.principal_id as service, k.owner_id as owner, o.kind as owner_kind, r.level as "level?", k.scopes,
                  k.allowed_cidrs::text[] as cidrs, k.created_at, k.expires_at, k.revoked_at, k.last_used_at,
                  host(k.last_used_from) as last_used_from, k.old_last_used_at, i.lookup as "lookup?",
                  case when k.old_until > now() then k.old_until end as retiring_until
             from identity.api_key k
             left join identity.imported_key i on i.tenant_id = k.tenant_id and i.key_id = k.id and (i.until is null or i.until > now())
             join rbac.principal o on o.tenant_id = k.tenant_id and o.id = k.owner_id
             left join rbac.role_assignment r on r.tenant_id = k.tenant_id and r.principal_id = k.principal_id and r.revoked_at is null
            where k.tenant_id = $1 and ($2::uuid is null or k.id > $2)
            order by k.id limit $3"#,
        tenant,
        after.map(KeyId::uuid),
        i64::from(limit),
    )
    .fetch_all(tx.conn())
    .await?
    .into_iter()
    .map(ApiKeyRecord::try_from)
    .collect()
}

pub(super) async fn on_file(tx: &mut PgTx, id: KeyId) -> Result<Option<KeyOnFile>, StoreError> {
    let tenant = tx.context().tenant();
    let row = sqlx::query!(
        r#"select k.principal_id, k.scopes, k.allowed_cidrs::text[] as cidrs, k.phc, k.old_phc, k.old_until, k.expires_at,
                  k.revoked_at is not null as "revoked!", k.owner_id, o.kind as owner_kind,
                  live.level as "level?", live.unit_id as "unit_id?", live.hat as "hat?"
             from identity.api_key k
             join rbac.principal o on o.tenant_id = k.tenant_id and o.id = k.owner_id
             left join lateral (
               select least(r.level, ro.level - 1)::smallint as level, r.unit_id, coalesce(r.hat, ro.hat) as hat
                 from rbac.principal p
                 join rbac.role_assignment r on r.tenant_id = p.tenant_id and r.principal_id = p.id and r.revoked_at is null
                 join rbac.principal po on po.tenant_id = p.tenant_id and po.id = k.owner_id and po.status = 'active'
                 join rbac.role_assignment ro on ro.tenant_id = p.tenant_id and ro.principal_id = po.id and ro.revoked_at is null
                where p.tenant_id = k.tenant_id and p.id = k.principal_id and p.status = 'active' and ro.level > 1) live on true
            where k.tenant_id = (select gate.worker()) and k.id = $1"#,
        id.uuid(),
    )
    .fetch_optional(tx.conn())
    .await?;
    let Some(row) = row else { return Ok(None) };
    let old = match row.old_phc.zip(row.old_until) {
        Some((text, until)) => Some(OldSecret {
            phc: phc(text, TABLE)?,
            until,
        }),
        None => None,
    };
    Ok(Some(KeyOnFile {
        tenant,
        service: PrincipalId::from_parts(PrincipalKind::Service, row.principal_id),
        owner: principal_id(&row.owner_kind, row.owner_id)?,
        hat: row.hat.as_deref().map(hat).transpose()?,
        level: row
            .level
            .map(|number| level(number, "rbac.role_assignment"))
            .transpose()?,
        unit: row.unit_id.map(UnitId::from_uuid),
        scopes: scopes(row.scopes)?.map_or(Scopes::All, Scopes::Only),
        allowed_cidrs: cidrs(row.cidrs)?,
        phc: phc(row.phc, TABLE)?,
        old,
        expires_at: row.expires_at,
        revoked: row.revoked,
    }))
}
