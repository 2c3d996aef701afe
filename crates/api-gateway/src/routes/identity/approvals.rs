//! What two people have to want.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{RequestApproval, Wanted};
use keepgate_identity::Email;
use keepgate_kernel::{ApprovalId, PrincipalId, TenantId, Timestamp, format_time};
use keepgate_policy::{Approval, Candidate, Matter, TwoPersonAction};
use keepgate_rbac::{Approve, GetApproval, ListApprovals};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(request, list))
        .routes(routes!(get))
        .routes(routes!(approve))
}

/// An approval.
#[derive(Debug, Serialize, ToSchema)]
struct ApprovalView {
    /// Its id.
    #[schema(example = "apr_01jd0000000000000000000000")]
    id: String,
    /// `role.grant_global`, `tenant.break-glass`, `key.destroy`, `erasure.create` or `hold.release`.
    action: &'static str,
    /// A user or the address of one to be, a tenant, the number of a data key, or a hold.
    target: String,
    /// The owner to be let in again, for `tenant.break-glass`.
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<String>,
    /// Why.
    reason: String,
    /// `pending`, `approved`, `consumed` or `expired`.
    state: &'static str,
    /// Who asked.
    requested_by: String,
    /// When.
    requested_at: String,
    /// Until when it can be approved and used: four hours later.
    expires_at: String,
    /// Who approved.
    approved_by: Option<String>,
    /// When.
    approved_at: Option<String>,
    /// When it was used.
    consumed_at: Option<String>,
}

impl ApprovalView {
    fn at(approval: &Approval, now: Timestamp) -> Self {
        let (target, owner) = match &approval.matter {
            Matter::GrantGlobal(Candidate::User(user)) => (user.to_string(), None),
            Matter::GrantGlobal(Candidate::Address(address)) => (address.clone(), None),
            Matter::BreakGlass { tenant, owner } => (tenant.to_string(), Some(owner.to_string())),
            Matter::DestroyKey { version } => (version.to_string(), None),
            Matter::EraseSubject { subject } => (subject.to_string(), None),
            Matter::ReleaseHold { hold } => (hold.to_string(), None),
        };
        Self {
            id: approval.id.to_string(),
            action: approval.matter.action().as_str(),
            target,
            owner,
            reason: approval.reason.clone(),
            state: approval.state(now).as_str(),
            requested_by: approval.requested_by.to_string(),
            requested_at: format_time(approval.requested_at),
            expires_at: format_time(approval.expires_at),
            approved_by: approval.approved.map(|(who, _)| who.to_string()),
            approved_at: approval.approved.map(|(_, at)| format_time(at)),
            consumed_at: approval.consumed_at.map(format_time),
        }
    }
}

/// What is asked for.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewApproval {
    /// `role.grant_global`, `tenant.break-glass`, `key.destroy`, `erasure.create` or `hold.release`.
    #[schema(example = "role.grant_global")]
    action: String,
    /// For `role.grant_global` the user (`usr_…`) to be promoted or the address of one to be created; for `tenant.break-glass` the
    /// tenant (`ten_…`); for `key.destroy` the number of the data key; for `erasure.create` a deleted user; for `hold.release`
    /// the hold (`hld_…`).
    #[schema(example = "ann@example.org")]
    target: String,
    /// For `tenant.break-glass`: whom to let in again; may be absent where the tenant has one owner.
    #[schema(value_type = Option<String>)]
    owner: Option<PrincipalId>,
    /// Why: 10 to 500 characters.
    #[schema(example = "second administrator for the night shift")]
    reason: String,
}

/// What `target` names for `action`.
fn wanted(body: &NewApproval) -> Result<Wanted, Problem> {
    let action = TwoPersonAction::parse(&body.action).ok_or_else(|| {
        Problem::invalid(
            "/action",
            "`role.grant_global`, `tenant.break-glass`, `key.destroy`, `erasure.create` or `hold.release`",
        )
    })?;
    if body.owner.is_some() && action != TwoPersonAction::BreakGlass {
        return Err(Problem::invalid("/owner", "goes with `tenant.break-glass` only"));
    }
    let target = body.target.trim();
    match action {
        TwoPersonAction::GrantGlobal => {
            let user = target.parse().map(Candidate::User).ok();
            let address = || {
                target
                    .parse::<Email>()
                    .ok()
                    .map(|email| Candidate::Address(email.as_str().to_owned()))
            };
            let candidate = user.or_else(address);
            candidate
                .map(Wanted::Global)
                .ok_or_else(|| Problem::invalid("/target", "a user's id, or an e-mail address"))
        }
        TwoPersonAction::BreakGlass => target
            .parse::<TenantId>()
            .map(|tenant| Wanted::Owner(tenant, body.owner))
            .map_err(|_| Problem::invalid("/target", "a tenant's id")),
        TwoPersonAction::EraseSubject => target
            .parse()
            .map(Wanted::Erasure)
            .map_err(|_| Problem::invalid("/target", "a user's id")),
        TwoPersonAction::ReleaseHold => target
            .parse()
            .map(Wanted::Release)
            .map_err(|_| Problem::invalid("/target", "a hold's id")),
        TwoPersonAction::DestroyKey => target
            .parse()
            .ok()
            .filter(|version| *version >= 1)
            .map(Wanted::Key)
            .ok_or_else(|| Problem::invalid("/target", "the number of a data key")),
    }
}

/// Asks for an approval. Another person has four hours to approve, and one of the two to act on it, once.
#[utoipa::path(post, path = "/v1/approvals", tag = "identity", security(("bearer" = [])), request_body = NewApproval,
    responses((status = 201, body = ApprovalView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn request(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewApproval>,
) -> Result<Response, Problem> {
    let wanted = wanted(&body.value)?;
    let now = caller.now();
    let command = RequestApproval {
        id: ApprovalId::new(now),
        wanted,
        reason: body.value.reason,
    };
    once.perform(
        &api,
        &caller,
        &body.raw,
        &command,
        StatusCode::CREATED,
        |approval, _| ApprovalView::at(approval, now),
    )
    .await
}

/// Where in the list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct ListQuery {
    /// 1 to 500, 50 if absent.
    limit: Option<u16>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Approvals of the caller's tenant in the order they were asked for, used and expired ones too.
#[utoipa::path(get, path = "/v1/approvals", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<ApprovalView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<ApprovalView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListApprovals {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let approvals = caller.perform(&api, &command).await?;
    let page = Page::of(&approvals, limit, |approval: &Approval| approval.id.to_string());
    let Page { items, next_cursor } = page;
    let items = items
        .into_iter()
        .map(|Listed(approval)| ApprovalView::at(&approval, caller.now()));
    Ok(Answer(Page {
        items: items.collect(),
        next_cursor,
    }))
}

/// What a page is made of before the present instant tells its state.
struct Listed(Approval);

impl From<&Approval> for Listed {
    fn from(approval: &Approval) -> Self {
        Self(approval.clone())
    }
}

/// One approval.
#[utoipa::path(get, path = "/v1/approvals/{approval}", tag = "identity", security(("bearer" = [])),
    params(("approval" = String, Path, description = "its id")),
    responses((status = 200, body = ApprovalView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<ApprovalId>,
) -> Result<Answer<ApprovalView>, Problem> {
    let approval = caller.perform(&api, &GetApproval { id }).await?;
    Ok(Answer(ApprovalView::at(&approval, caller.now())))
}

/// Approves what another asked for.
#[utoipa::path(post, path = "/v1/approvals/{approval}/approve", tag = "identity", security(("bearer" = [])),
    params(("approval" = String, Path, description = "its id")),
    responses((status = 200, body = ApprovalView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 409, body = ProblemBody)))]
async fn approve(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<ApprovalId>,
) -> Result<Answer<ApprovalView>, Problem> {
    let approval = caller.perform(&api, &Approve { id }).await?;
    Ok(Answer(ApprovalView::at(&approval, caller.now())))
}
