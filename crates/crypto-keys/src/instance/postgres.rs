//! Where the installation's key is kept. As `kg_integrator`.
use keepgate_store::StoreError;
use sqlx::PgConnection;

use crate::Wrapped;

/// The key's id and the wrapped key; `None` before there is one.
///
/// # Errors
/// [`StoreError`].
pub async fn instance_key(connection: &mut PgConnection) -> Result<Option<(String, Wrapped)>, StoreError> {
    let row = sqlx::query!("select id, kek, wrapped from keys.instance_key")
        .fetch_optional(connection)
        .await?;
    Ok(row.map(|row| {
        let wrapped = Wrapped {
            kek: row.kek,
            bytes: row.wrapped,
        };
        (row.id, wrapped)
    }))
}

/// Keeps the first key of the installation. Whoever comes second keeps nothing: the one stored first stays.
///
/// # Errors
/// [`StoreError`].
pub async fn keep_instance_key(connection: &mut PgConnection, id: &str, wrapped: &Wrapped) -> Result<(), StoreError> {
    sqlx::query!(
        "insert into keys.instance_key (id, kek, wrapped) values ($1, $2, $3) on conflict do nothing",
        id,
        wrapped.kek,
        wrapped.bytes
    )
    .execute(connection)
    .await?;
    Ok(())
}
