//! Devices of the caller's tenant.
use axum::{Json as Answer, extract::State, http::StatusCode, response::Response};
use keepgate_gate::operations::{CreateDevice, DeleteDevice, DeviceCode, DeviceCreated, EnrolDevice, UpdateDevice};
use keepgate_identity::{DeviceRecord, GetDevice, ListDevices};
use keepgate_kernel::{PrincipalId, UnitId, format_time};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::{router::OpenApiRouter, routes};

use crate::{
    Api, Caller, Problem, ProblemBody,
    extract::{Json, Path, Query, nullable},
    once::Idempotency,
    page::{self, Page},
};

pub(super) fn router() -> OpenApiRouter<Api> {
    OpenApiRouter::new()
        .routes(routes!(create, list))
        .routes(routes!(get, update, delete))
        .routes(routes!(enrol))
}

/// A device. Its level is 1.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceView {
    /// Its id.
    #[schema(example = "dev_01jd0000000000000000000000")]
    id: String,
    /// What people call it.
    name: Option<String>,
    /// `active` or `disabled`.
    status: &'static str,
    /// Where it lives; `null` for level 1, which sees no units of others.
    unit: Option<String>,
    /// The user who carries it.
    owner: Option<String>,
    /// When it was made.
    created_at: String,
    /// When it brought the key it has; `null`: it has not enrolled.
    enrolled_at: Option<String>,
}

impl From<&DeviceRecord> for DeviceView {
    fn from(device: &DeviceRecord) -> Self {
        Self {
            id: device.id.to_string(),
            name: device.name.clone(),
            status: device.status.as_str(),
            unit: device.unit.map(|unit| unit.to_string()),
            owner: device.owner.map(|owner| owner.to_string()),
            created_at: format_time(device.created_at),
            enrolled_at: device.enrolled_at.map(format_time),
        }
    }
}

/// A new device.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewDeviceBody {
    /// 1 to 200 characters.
    #[schema(example = "scanner 7")]
    name: String,
    /// Where it lives; the first unit the caller sees if absent.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// The user who carries it.
    #[schema(value_type = Option<String>)]
    owner: Option<PrincipalId>,
}

/// A change; what is absent stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct DeviceChangeBody {
    /// The new name.
    name: Option<String>,
    /// The unit it moves to.
    #[schema(value_type = Option<String>)]
    unit: Option<UnitId>,
    /// The user who carries it from now on; `null`: nobody.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<String>)]
    owner: Option<Option<PrincipalId>>,
    /// `active` or `disabled`.
    status: Option<String>,
}

/// A device's one-time code.
#[derive(Debug, Serialize, ToSchema)]
struct DeviceCodeView {
    /// For `POST /v1/devices/enrol`; shown this once.
    code: String,
    /// Until when it is good: 24 hours.
    expires_at: String,
}

impl From<&DeviceCode> for DeviceCodeView {
    fn from(made: &DeviceCode) -> Self {
        Self {
            code: made.code.expose().to_owned(),
            expires_at: format_time(made.expires_at),
        }
    }
}

/// A new device, and the code it enters with.
#[derive(Debug, Serialize, ToSchema)]
struct CreatedDeviceView {
    /// The device.
    #[schema(example = "dev_01jd0000000000000000000000")]
    id: String,
    /// The code.
    enrolment: DeviceCodeView,
}

impl From<&DeviceCreated> for CreatedDeviceView {
    fn from(created: &DeviceCreated) -> Self {
        Self {
            id: created.id.to_string(),
            enrolment: DeviceCodeView::from(&created.code),
        }
    }
}

/// Registers a device, which enters with a one-time code within 24 hours. Supervisors do so in their own unit.
#[utoipa::path(post, path = "/v1/devices", tag = "identity", security(("bearer" = [])), request_body = NewDeviceBody,
    responses((status = 201, body = CreatedDeviceView), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn create(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    body: Json<NewDeviceBody>,
) -> Result<Response, Problem> {
    let NewDeviceBody { name, unit, owner } = body.value;
    let made = CreateDevice::new(name, caller.now()).map_err(super::no_randomness)?;
    let command = CreateDevice { unit, owner, ..made };
    once.perform(&api, &caller, &body.raw, &command, StatusCode::CREATED, |created, _| {
        CreatedDeviceView::from(created)
    })
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

/// Devices in the order they were made: levels 4 and 5 see the tenant's, 2 and 3 their unit's, everybody what they carry, a device itself.
#[utoipa::path(get, path = "/v1/devices", tag = "identity", security(("bearer" = [])), params(ListQuery),
    responses((status = 200, body = Page<DeviceView>), (status = 403, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn list(
    caller: Caller,
    State(api): State<Api>,
    Query(query): Query<ListQuery>,
) -> Result<Answer<Page<DeviceView>>, Problem> {
    let limit = page::limit(query.limit)?;
    let command = ListDevices {
        after: page::position(query.cursor.as_deref())?,
        limit: u32::from(limit),
    };
    let devices = caller.perform(&api, &command).await?;
    Ok(Answer(Page::of(&devices, limit, |device| device.id.to_string())))
}

/// One device.
#[utoipa::path(get, path = "/v1/devices/{device}", tag = "identity", security(("bearer" = [])),
    params(("device" = String, Path, description = "its id")),
    responses((status = 200, body = DeviceView), (status = 404, body = ProblemBody)))]
async fn get(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<PrincipalId>,
) -> Result<Answer<DeviceView>, Problem> {
    Ok(Answer(DeviceView::from(
        &caller.perform(&api, &GetDevice { id }).await?,
    )))
}

/// Renames, moves, reassigns, disables or enables a device. Disabling ends its sessions.
#[utoipa::path(patch, path = "/v1/devices/{device}", tag = "identity", security(("bearer" = [])), request_body = DeviceChangeBody,
    params(("device" = String, Path, description = "its id")),
    responses((status = 200, body = DeviceView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody), (status = 422, body = ProblemBody)))]
async fn update(
    caller: Caller,
    State(api): State<Api>,
    Path(id): Path<PrincipalId>,
    body: Json<DeviceChangeBody>,
) -> Result<Answer<DeviceView>, Problem> {
    let DeviceChangeBody {
        name,
        unit,
        owner,
        status,
    } = body.value;
    let command = UpdateDevice {
        id,
        name,
        unit,
        owner,
        active: super::active(status.as_deref())?,
    };
    Ok(Answer(DeviceView::from(&caller.perform(&api, &command).await?)))
}

/// Removes a device for good: its sessions end, its key and its code are gone.
#[utoipa::path(delete, path = "/v1/devices/{device}", tag = "identity", security(("bearer" = [])),
    params(("device" = String, Path, description = "its id")),
    responses((status = 204), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody)))]
async fn delete(caller: Caller, State(api): State<Api>, Path(id): Path<PrincipalId>) -> Result<StatusCode, Problem> {
    caller.perform(&api, &DeleteDevice { id }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Makes a new one-time code for a device, in place of any before: for the first time, or for a new key.
#[utoipa::path(post, path = "/v1/devices/{device}/enrol", tag = "identity", security(("bearer" = [])),
    params(("device" = String, Path, description = "its id")),
    responses((status = 201, body = DeviceCodeView), (status = 403, body = ProblemBody), (status = 404, body = ProblemBody),
        (status = 409, body = ProblemBody, description = "`device-disabled`")))]
async fn enrol(
    caller: Caller,
    State(api): State<Api>,
    once: Idempotency,
    Path(id): Path<PrincipalId>,
) -> Result<Response, Problem> {
    let command = EnrolDevice::new(id, caller.now()).map_err(super::no_randomness)?;
    let none = axum::body::Bytes::new();
    once.perform(&api, &caller, &none, &command, StatusCode::CREATED, |made, _| {
        DeviceCodeView::from(made)
    })
    .await
}
