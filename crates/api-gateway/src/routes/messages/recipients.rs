//! Recipients.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_channels::{
    Contact, Page as Part, QuietHours, Recipient,
    commands::{CreateRecipient, DeleteRecipient, GetRecipient, ListRecipients, UpdateRecipient},
};
use keepgate_kernel::{RecipientId, format_time};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use super::contact::ContactView;
use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
}

/// A daily span in the recipient's time zone. Kept and shown; deliveries do not heed it.
#[derive(Debug, Serialize, ToSchema)]
struct QuietHoursView {
    /// `HH:MM`.
    #[schema(example = "22:00")]
    start: String,
    /// `HH:MM`; before `start` it means the next morning.
    #[schema(example = "07:00")]
    end: String,
    /// IANA name.
    #[schema(example = "Europe/Vienna")]
    timezone: String,
}

/// A person or thing that messages go to.
#[derive(Debug, Serialize, ToSchema)]
struct RecipientView {
    /// Its id.
    #[schema(example = "rcp_01jd0000000000000000000000")]
    id: String,
    /// What people call it.
    name: String,
    /// How to reach it.
    contacts: Vec<ContactView>,
    /// When it would rather not be disturbed.
    #[serde(skip_serializing_if = "Option::is_none")]
    quiet_hours: Option<QuietHoursView>,
    /// Language tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<String>,
    /// When it was created.
    created_at: String,
}

impl From<&Recipient> for RecipientView {
    fn from(recipient: &Recipient) -> Self {
        let hours = |hours: &QuietHours| QuietHoursView {
            start: hours.start().to_owned(),
            end: hours.end().to_owned(),
            timezone: hours.timezone().to_owned(),
        };
        Self {
            id: recipient.id.to_string(),
            name: recipient.name.clone(),
            contacts: recipient.contacts.iter().map(ContactView::from).collect(),
            quiet_hours: recipient.quiet_hours.as_ref().map(hours),
            locale: recipient.locale.clone(),
            created_at: format_time(recipient.created_at),
        }
    }
}

/// A new recipient.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewRecipient {
    /// 1 to 200 characters.
    #[schema(example = "Night desk")]
    name: String,
    /// 1 to 20; within a channel, earlier ones are tried first.
    #[schema(value_type = Vec<ContactView>)]
    contacts: Vec<Contact>,
    /// When it would rather not be disturbed.
    #[schema(value_type = Option<QuietHoursView>)]
    quiet_hours: Option<QuietHours>,
    /// Language tag, such as `de-AT`.
    locale: Option<String>,
}

/// A change; what is absent stays, `null` removes.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RecipientChange {
    /// The new name.
    name: Option<String>,
    /// The new contacts, all of them.
    #[schema(value_type = Option<Vec<ContactView>>)]
    contacts: Option<Vec<Contact>>,
    /// The new quiet hours.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<QuietHoursView>)]
    quiet_hours: Option<Option<QuietHours>>,
    /// The new language tag.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>)]
    locale: Option<Option<String>>,
}

/// Tells `null` from absent.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// Creates a recipient.
#[utoipa::path(post, path = "/v1/recipients", tag = "messages", security(("bearer" = [])), request_body = NewRecipient,
    responses((status = 201, body = RecipientView), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewRecipient>,
) -> Result<Response, Problem> {
    let NewRecipient {
        name,
        contacts,
        quiet_hours,
        locale,
    } = body.value;
    let command = CreateRecipient {
        id: RecipientId::new(caller.now()),
        name,
        contacts,
        quiet_hours,
        locale,
    };
    once.perform(
        &api,
        &caller,
        &body.raw,
        &command,
        StatusCode::CREATED,
        |recipient, _| RecipientView::from(recipient),
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

/// Recipients in the order of their ids.
#[utoipa::path(get, path = "/v1/recipients", tag = "messages", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<RecipientView>), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<RecipientView>>, Problem> {
    let page = Part {
        limit: page::limit(query.limit)?,
        after: page::position(query.cursor.as_deref())?,
    };
    let listed = caller.perform(&api, &ListRecipients { page }).await?;
    Ok(Answer(Page::listed(&listed)))
}

/// One recipient.
#[utoipa::path(get, path = "/v1/recipients/{recipient}", tag = "messages", security(("bearer" = [])),
    params(("recipient" = String, Path, description = "its id")),
    responses((status = 200, body = RecipientView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<RecipientId>,
) -> Result<Answer<RecipientView>, Problem> {
    Ok(Answer(RecipientView::from(
        &caller.perform(&api, &GetRecipient { id }).await?,
    )))
}

/// Changes a recipient. Messages under way keep the contacts they were accepted with.
#[utoipa::path(patch, path = "/v1/recipients/{recipient}", tag = "messages", security(("bearer" = [])), request_body = RecipientChange,
    params(("recipient" = String, Path, description = "its id")),
    responses((status = 200, body = RecipientView), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<RecipientId>,
    body: Json<RecipientChange>,
) -> Result<Answer<RecipientView>, Problem> {
    let RecipientChange {
        name,
        contacts,
        quiet_hours,
        locale,
    } = body.value;
    Ok(Answer(RecipientView::from(
        &caller
            .perform(
                &api,
                &UpdateRecipient {
                    id,
                    name,
                    contacts,
                    quiet_hours,
                    locale,
                },
            )
            .await?,
    )))
}

/// Removes a recipient for good.
#[utoipa::path(delete, path = "/v1/recipients/{recipient}", tag = "messages", security(("bearer" = [])),
    params(("recipient" = String, Path, description = "its id")),
    responses((status = 204), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<RecipientId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteRecipient { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}
