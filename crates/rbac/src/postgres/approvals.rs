//! Approvals in `rbac.approval`.
use async_trait::async_trait;
use keepgate_kernel::{ApprovalId, HoldId, PrincipalId, PrincipalKind, TenantId, Timestamp, Uuid};
use keepgate_policy::{Approval, AskProof, Candidate, Matter, SecondProof, TwoPersonAction};
use keepgate_store::{PgTx, StoreError, Transaction};

use crate::Approvals;

struct Row {
    tenant_id: Uuid,
    id: Uuid,
    action: String,
    target_tenant: Option<Uuid>,
    target_principal: Option<Uuid>,
    target_email: Option<String>,
    target_key: Option<i32>,
    target_hold: Option<Uuid>,
    reason: String,
    requested_by: Uuid,
    requested_at: Timestamp,
    expires_at: Timestamp,
    approved_by: Option<Uuid>,
    approved_at: Option<Timestamp>,
    consumed_at: Option<Timestamp>,
}

/// Only people ask and agree, and only people are appointed.
const fn user(id: Uuid) -> PrincipalId {
    PrincipalId::from_parts(PrincipalKind::User, id)
}

fn matter(row: &Row) -> Option<Matter> {
    match TwoPersonAction::parse(&row.action)? {
        TwoPersonAction::GrantGlobal => {
            let candidate = match (row.target_principal, &row.target_email) {
                (Some(id), _) => Candidate::User(user(id)),
                (None, email) => Candidate::Address(email.clone()?),
            };
            Some(Matter::GrantGlobal(candidate))
        }
        TwoPersonAction::BreakGlass => Some(Matter::BreakGlass {
            tenant: TenantId::from_uuid(row.target_tenant?),
            owner: user(row.target_principal?),
        }),
        TwoPersonAction::DestroyKey => Some(Matter::DestroyKey {
            version: row.target_key?,
        }),
        TwoPersonAction::EraseSubject => Some(Matter::EraseSubject {
            subject: user(row.target_principal?),
        }),
        TwoPersonAction::ReleaseHold => Some(Matter::ReleaseHold {
            hold: HoldId::from_uuid(row.target_hold?),
        }),
    }
}

impl TryFrom<Row> for Approval {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let matter = matter(&row).ok_or_else(|| StoreError::corrupt("rbac.approval", "action"))?;
        Ok(Self {
            id: ApprovalId::from_uuid(row.id),
            tenant: TenantId::from_uuid(row.tenant_id),
            matter,
            reason: row.reason,
            requested_by: user(row.requested_by),
            requested_at: row.requested_at,
            expires_at: row.expires_at,
            approved: row.approved_by.map(user).zip(row.approved_at),
            consumed_at: row.consumed_at,
        })
    }
}

/// The five columns that say what it is about; the rest are null.
#[derive(Default)]
struct Targets<'a> {
    tenant: Option<Uuid>,
    principal: Option<Uuid>,
    email: Option<&'a str>,
    key: Option<i32>,
    hold: Option<Uuid>,
}

fn targets(matter: &Matter) -> Targets<'_> {
    let mut targets = Targets::default();
    match matter {
        Matter::GrantGlobal(Candidate::User(id)) | Matter::EraseSubject { subject: id } => {
            targets.principal = Some(id.uuid());
        }
        Matter::GrantGlobal(Candidate::Address(email)) => targets.email = Some(email),
        Matter::BreakGlass { tenant, owner } => {
            targets.tenant = Some(tenant.uuid());
            targets.principal = Some(owner.uuid());
        }
        Matter::DestroyKey { version } => targets.key = Some(*version),
        Matter::ReleaseHold { hold } => targets.hold = Some(hold.uuid()),
    }
    targets
}

#[async_trait]
impl Approvals for PgTx {
    async fn add_approval(&mut self, proof: &AskProof, id: ApprovalId, reason: &str) -> Result<(), StoreError> {
        let targets = targets(proof.matter());
        sqlx::query!(
            "insert into rbac.approval (tenant_id, id, action, target_tenant, target_principal, target_email, target_key, target_hold, reason, requested_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            proof.tenant().uuid(),
            id.uuid(),
            proof.matter().action().as_str(),
            targets.tenant,
            targets.principal,
            targets.email,
            targets.key,
            targets.hold,
            reason,
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn approval(&mut self, id: ApprovalId) -> Result<Option<Approval>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            "select tenant_id, id, action, target_tenant, target_principal, target_email, target_key, target_hold, reason, requested_by, requested_at,
                    expires_at, approved_by, approved_at, consumed_at
               from rbac.approval where tenant_id = $1 and id = $2",
            tenant,
            id.uuid(),
        )
        .fetch_optional(self.conn())
        .await?
        .map(Approval::try_from)
        .transpose()
    }

    async fn approvals(&mut self, after: Option<ApprovalId>, limit: u32) -> Result<Vec<Approval>, StoreError> {
        let tenant = self.context().tenant().uuid();
        sqlx::query_as!(
            Row,
            "select tenant_id, id, action, target_tenant, target_principal, target_email, target_key, target_hold, reason, requested_by, requested_at,
                    expires_at, approved_by, approved_at, consumed_at
               from rbac.approval where tenant_id = $1 and ($2::uuid is null or id > $2) order by id limit $3",
            tenant,
            after.map(ApprovalId::uuid),
            i64::from(limit),
        )
        .fetch_all(self.conn())
        .await?
        .into_iter()
        .map(Approval::try_from)
        .collect()
    }

    async fn approve(&mut self, proof: &SecondProof) -> Result<bool, StoreError> {
        let tenant = self.context().tenant().uuid();
        let state = sqlx::query_scalar!(
            r#"select (approved_by is null and consumed_at is null and expires_at > now()) as "pending!" from rbac.approval
                where tenant_id = $1 and id = $2"#,
            tenant,
            proof.approval().uuid(),
        )
        .fetch_optional(self.conn())
        .await?;
        if state != Some(true) {
            return Ok(false);
        }
        let done = sqlx::query!(
            "update rbac.approval set approved_by = $3, approved_at = now() where tenant_id = $1 and id = $2",
            tenant,
            proof.approval().uuid(),
            proof.by().uuid(),
        )
        .execute(self.conn())
        .await?;
        // Pending a moment ago, and yet not the caller's to agree to.
        if done.rows_affected() == 1 {
            Ok(true)
        } else {
            Err(StoreError::Forbidden)
        }
    }

    async fn agreed(&mut self, matter: &Matter) -> Result<Option<Approval>, StoreError> {
        let (home, subject) = (self.context().tenant().uuid(), self.context().principal().id.uuid());
        let targets = targets(matter);
        sqlx::query_as!(
            Row,
            "select tenant_id, id, action, target_tenant, target_principal, target_email, target_key, target_hold, reason, requested_by, requested_at,
                    expires_at, approved_by, approved_at, consumed_at
               from rbac.approval
              where tenant_id = $1 and $2 in (requested_by, approved_by) and action = $3 and approved_by is not null and consumed_at is null
                and expires_at > now() and target_tenant is not distinct from $4 and target_principal is not distinct from $5
                and target_email is not distinct from $6 and target_key is not distinct from $7
                and target_hold is not distinct from $8
              order by id limit 1",
            home,
            subject,
            matter.action().as_str(),
            targets.tenant,
            targets.principal,
            targets.email,
            targets.key,
            targets.hold,
        )
        .fetch_optional(self.conn())
        .await?
        .map(Approval::try_from)
        .transpose()
    }
}
