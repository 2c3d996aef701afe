//! Accounts of directories in `sso.account`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{
    Account, Issuer, NewAccount,
    ports::Accounts,
    scim::{Filter, FilterOn},
};

pub(super) struct Row {
    pub(super) principal_id: Uuid,
    pub(super) issuer: String,
    pub(super) subject: Option<String>,
    pub(super) user_name: String,
    pub(super) external_id: Option<String>,
    pub(super) provisioned: bool,
    pub(super) updated_at: Timestamp,
}

impl TryFrom<Row> for Account {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let issuer = row.issuer.parse();
        Ok(Self {
            of: NewAccount {
                principal: PrincipalId::from_parts(PrincipalKind::User, row.principal_id),
                issuer: issuer.map_err(|_| StoreError::corrupt("sso.account", "issuer"))?,
                subject: row.subject,
                user_name: row.user_name,
                external_id: row.external_id,
                provisioned: row.provisioned,
            },
            updated_at: row.updated_at,
        })
    }
}

#[async_trait]
impl Accounts for PgTx {
    async fn add_account(&mut self, new: &NewAccount) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "insert into sso.account (tenant_id, principal_id, issuer, subject, user_name, external_id, provisioned)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
            tenant,
            new.principal.uuid(),
            new.issuer.as_str(),
            new.subject.as_deref(),
            new.user_name,
            new.external_id.as_deref(),
            new.provisioned,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn account_of_subject(&mut self, issuer: &Issuer, subject: &str) -> Result<Option<Account>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            "select principal_id, issuer, subject, user_name, external_id, provisioned, updated_at
               from sso.account where tenant_id = $1 and issuer = $2 and subject = $3",
            tenant,
            issuer.as_str(),
            subject,
        )
        .fetch_optional(self.conn())
        .await?
        .map(Account::try_from)
        .transpose()
    }

    async fn account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<Option<Account>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            "select principal_id, issuer, subject, user_name, external_id, provisioned, updated_at
               from sso.account where tenant_id = $1 and issuer = $2 and principal_id = $3",
            tenant,
            issuer.as_str(),
            principal.uuid(),
        )
        .fetch_optional(self.conn())
        .await?
        .map(Account::try_from)
        .transpose()
    }

    async fn change_account(&mut self, new: &NewAccount) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let twin = sqlx::query_scalar!(
            r#"select exists (select from sso.account where tenant_id = $1 and issuer = $2 and principal_id <> $3
                 and (subject = $4 or external_id = $5 or lower(user_name) = lower($6))) as "twin!""#,
            tenant,
            new.issuer.as_str(),
            new.principal.uuid(),
            new.subject.as_deref(),
            new.external_id.as_deref(),
            new.user_name,
        )
        .fetch_one(self.conn())
        .await?;
        if twin {
            return Ok(false);
        }
        let done = sqlx::query!(
            "update sso.account set subject = $4, user_name = $5, external_id = $6, provisioned = $7, updated_at = now()
              where tenant_id = $1 and issuer = $2 and principal_id = $3",
            tenant,
            new.issuer.as_str(),
            new.principal.uuid(),
            new.subject.as_deref(),
            new.user_name,
            new.external_id.as_deref(),
            new.provisioned,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn remove_account(&mut self, issuer: &Issuer, principal: PrincipalId) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "delete from sso.account where tenant_id = $1 and issuer = $2 and principal_id = $3",
            tenant,
            issuer.as_str(),
            principal.uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn people_of(&mut self, issuer: &Issuer) -> Result<Vec<PrincipalId>, StoreError> {
        let people = sqlx::query_scalar!(r#"select gate.people_of_issuer($1) as "id!""#, issuer.as_str())
            .fetch_all(self.conn())
            .await?;
        let user = |id| PrincipalId::from_parts(PrincipalKind::User, id);
        Ok(people.into_iter().map(user).collect())
    }

    async fn accounts(
        &mut self,
        issuer: &Issuer,
        filter: Option<&Filter>,
        skip: u32,
        limit: u32,
    ) -> Result<(u64, Vec<Account>), StoreError> {
        let tenant = self.context().tenant().uuid();
        let (mut id, mut external, mut name) = (None, None, None);
        match filter.map(|filter| (filter.on, filter.value.as_str())) {
            None => {}
            // Something that is no id, or a display name, is nobody's.
            Some((FilterOn::Id, text)) => id = Some(text.parse::<PrincipalId>().map_or(Uuid::nil(), PrincipalId::uuid)),
            Some((FilterOn::DisplayName, _)) => id = Some(Uuid::nil()),
            Some((FilterOn::ExternalId, text)) => external = Some(text),
            Some((FilterOn::UserName, text)) => name = Some(text),
        }
        let total = sqlx::query_scalar!(
            r#"select count(*) as "total!" from sso.account where tenant_id = $1 and issuer = $2
                 and ($3::uuid is null or principal_id = $3) and ($4::text is null or external_id = $4)
                 and ($5::text is null or lower(user_name) = lower($5))"#,
            tenant,
            issuer.as_str(),
            id,
            external,
            name,
        )
        .fetch_one(self.conn())
        .await?;
        let rows = sqlx::query_as!(
            Row,
            "select principal_id, issuer, subject, user_name, external_id, provisioned, updated_at
               from sso.account where tenant_id = $1 and issuer = $2
                and ($3::uuid is null or principal_id = $3) and ($4::text is null or external_id = $4)
                and ($5::text is null or lower(user_name) = lower($5))
              order by principal_id offset $6 limit $7",
            tenant,
            issuer.as_str(),
            id,
            external,
            name,
            i64::from(skip),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?;
        let page = rows.into_iter().map(Account::try_from).collect::<Result<_, _>>()?;
        Ok((u64::try_from(total).unwrap_or(0), page))
    }
}
