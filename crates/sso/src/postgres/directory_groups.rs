//! Groups of directories in `sso.directory_group` and `sso.directory_member`.
use async_trait::async_trait;
use keepgate_kernel::{PrincipalId, PrincipalKind, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::{
    Issuer,
    ports::DirectoryGroups,
    scim::{DirectoryGroup, GroupDraft},
};

struct Row {
    id: Uuid,
    display_name: String,
    external_id: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    members: Vec<Uuid>,
}

impl Row {
    fn group(self, issuer: &Issuer) -> DirectoryGroup {
        let members = self.members.into_iter();
        DirectoryGroup {
            id: self.id,
            issuer: issuer.clone(),
            draft: GroupDraft {
                display_name: self.display_name,
                external_id: self.external_id,
                members: members
                    .map(|id| PrincipalId::from_parts(PrincipalKind::User, id))
                    .collect(),
            },
            created_at: self.created_at,
            updated_at: self.updated_at,
        }
    }
}

async fn read(tx: &mut PgTx, issuer: &Issuer, id: Option<Uuid>) -> Result<Vec<DirectoryGroup>, StoreError> {
    let tenant = tx.context().tenant().uuid();
    let rows = sqlx::query_as!(
        Row,
        r#"select g.id, g.display_name, g.external_id, g.created_at, g.updated_at,
                  array(select m.principal_id from sso.directory_member m where m.tenant_id = g.tenant_id and m.group_id = g.id) as "members!"
             from sso.directory_group g
            where g.tenant_id = $1 and g.issuer = $2 and ($3::uuid is null or g.id = $3) order by g.id"#,
        tenant,
        issuer.as_str(),
        id,
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows.into_iter().map(|row| row.group(issuer)).collect())
}

#[async_trait]
impl DirectoryGroups for PgTx {
    async fn put_group(&mut self, group: &DirectoryGroup) -> Result<bool, StoreError> {
        let (tenant, issuer, draft) = (self.context().tenant().uuid(), group.issuer.as_str(), &group.draft);
        let members: Vec<Uuid> = draft.members.iter().map(|member| member.uuid()).collect();
        let known = sqlx::query_scalar!(
            r#"select count(*) as "known!" from sso.account where tenant_id = $1 and issuer = $2 and principal_id = any($3)"#,
            tenant,
            issuer,
            &members,
        )
        .fetch_one(self.conn())
        .await?;
        if usize::try_from(known) != Ok(members.len()) {
            return Err(StoreError::Forbidden);
        }
        let twin = sqlx::query_scalar!(
            r#"select exists (select from sso.directory_group
                 where tenant_id = $1 and issuer = $2 and display_name = $3 and id <> $4) as "twin!""#,
            tenant,
            issuer,
            draft.display_name,
            group.id,
        )
        .fetch_one(self.conn())
        .await?;
        if twin {
            return Ok(false);
        }
        sqlx::query!(
            "insert into sso.directory_group (tenant_id, id, issuer, display_name, external_id) values ($1, $2, $3, $4, $5)
             on conflict (tenant_id, id) do update
               set display_name = excluded.display_name, external_id = excluded.external_id, updated_at = now()",
            tenant,
            group.id,
            issuer,
            draft.display_name,
            draft.external_id,
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "delete from sso.directory_member where tenant_id = $1 and group_id = $2 and principal_id <> all($3)",
            tenant,
            group.id,
            &members,
        )
        .execute(self.conn())
        .await?;
        sqlx::query!(
            "insert into sso.directory_member (tenant_id, group_id, principal_id) select $1, $2, unnest($3::uuid[]) on conflict do nothing",
            tenant,
            group.id,
            &members,
        )
        .execute(self.conn())
        .await?;
        Ok(true)
    }

    async fn group(&mut self, issuer: &Issuer, id: Uuid) -> Result<Option<DirectoryGroup>, StoreError> {
        Ok(read(self, issuer, Some(id)).await?.pop())
    }

    async fn groups(&mut self, issuer: &Issuer) -> Result<Vec<DirectoryGroup>, StoreError> {
        read(self, issuer, None).await
    }

    async fn delete_group(&mut self, issuer: &Issuer, id: Uuid) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let done = sqlx::query!(
            "delete from sso.directory_group where tenant_id = $1 and issuer = $2 and id = $3",
            tenant,
            issuer.as_str(),
            id,
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }

    async fn groups_of(&mut self, principal: PrincipalId) -> Result<Vec<(Uuid, String)>, StoreError> {
        let tenant = self.context().tenant().uuid();
        let rows = sqlx::query!(
            "select g.id, g.display_name from sso.directory_member m
               join sso.directory_group g on g.tenant_id = m.tenant_id and g.id = m.group_id
              where m.tenant_id = $1 and m.principal_id = $2 order by g.display_name",
            tenant,
            principal.uuid(),
        )
        .fetch_all(self.conn())
        .await?;
        Ok(rows.into_iter().map(|row| (row.id, row.display_name)).collect())
    }
}
