//! How long the logs are, for the doctor.
use std::collections::BTreeMap;

use sqlx::{ConnectOptions, Connection};

use super::Link;

/// The sizes of the tenants' logs and of the log of logs, by name. As the integrator's role or as the superuser: others see none.
///
/// # Errors
/// Those of the connection.
pub async fn log_sizes(link: &Link) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let mut connection = link.connect().await?;
    let rows = sqlx::query!(
        r#"select l.origin as "origin!", h.size as "size!" from audit.log l join audit.head h on h.tenant_id = l.tenant_id
           union all select m.origin, h.size from audit.meta_log m cross join audit.meta_head h"#
    )
    .fetch_all(&mut connection)
    .await?;
    connection.close().await?;
    Ok(rows.into_iter().map(|row| (row.origin, row.size)).collect())
}
