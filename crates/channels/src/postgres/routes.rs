//! Routes.
use async_trait::async_trait;
use keepgate_kernel::{RouteId, Timestamp, Uuid};
use keepgate_store::{PgTx, StoreError};
use serde_json::Value;

use super::{json, parsed, tenant};
use crate::{
    ports::Routes,
    types::{Route, RouteVersion},
};

const TABLE: &str = "channels.route";

struct Row {
    name: String,
    id: Uuid,
    steps: Value,
    require_ack: bool,
    deadline_seconds: i32,
    updated_at: Timestamp,
}

impl TryFrom<Row> for RouteVersion {
    type Error = StoreError;
    fn try_from(row: Row) -> Result<Self, StoreError> {
        let seconds =
            u32::try_from(row.deadline_seconds).map_err(|_| StoreError::corrupt(TABLE, "deadline_seconds"))?;
        let route = Route::new(&row.name, parsed(row.steps, TABLE, "steps")?, row.require_ack, seconds)
            .map_err(|_| StoreError::corrupt(TABLE, "steps"))?;
        Ok(Self {
            id: RouteId::from_uuid(row.id),
            route,
            updated_at: Some(row.updated_at),
        })
    }
}

#[async_trait]
impl Routes for PgTx {
    async fn put_route(&mut self, version: &RouteVersion) -> Result<(), StoreError> {
        let route = &version.route;
        sqlx::query!(
            "insert into channels.route (tenant_id, name, id, steps, require_ack, deadline_seconds, updated_at)
             values ($1, $2, $3, $4, $5, $6, coalesce($7, now()))
             on conflict (tenant_id, name) do update set id = excluded.id, steps = excluded.steps,
               require_ack = excluded.require_ack, deadline_seconds = excluded.deadline_seconds, updated_at = excluded.updated_at",
            tenant(self),
            route.name(),
            version.id.uuid(),
            json(&route.steps(), TABLE, "steps")?,
            route.require_ack(),
            i32::try_from(route.deadline_seconds()).unwrap_or(i32::MAX),
            version.updated_at,
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }

    async fn route(&mut self, name: &str) -> Result<Option<RouteVersion>, StoreError> {
        let row = sqlx::query_as!(
            Row,
            "select name, id, steps, require_ack, deadline_seconds, updated_at from channels.route where tenant_id = $1 and name = $2",
            tenant(self),
            name,
        )
        .fetch_optional(self.conn())
        .await?;
        row.map(RouteVersion::try_from).transpose()
    }

    async fn routes(&mut self) -> Result<Vec<RouteVersion>, StoreError> {
        let rows = sqlx::query_as!(
            Row,
            r#"select name, id, steps, require_ack, deadline_seconds, updated_at from channels.route
               where tenant_id = $1 order by name collate "C""#,
            tenant(self),
        )
        .fetch_all(self.conn())
        .await?;
        rows.into_iter().map(RouteVersion::try_from).collect()
    }

    async fn remove_route(&mut self, name: &str) -> Result<bool, StoreError> {
        let done = sqlx::query!(
            "delete from channels.route where tenant_id = $1 and name = $2",
            tenant(self),
            name
        )
        .execute(self.conn())
        .await?;
        Ok(done.rows_affected() == 1)
    }
}
