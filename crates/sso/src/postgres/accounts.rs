//! Accounts of directories in `sso.account`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{Account, Issuer, NewAccount, ports::Accounts};

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
}
