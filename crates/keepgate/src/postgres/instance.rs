//! The installation's key: read, or made where there is none. As `kg_integrator`.
use keepgate_crypto_keys::{InstanceKey, KeyServiceError, instance_key, keep_instance_key};
use keepgate_store::StoreError;
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
    secrets::Root,
};

/// The key of the installation. A database that was `born` before installations had one goes on with what its secrets were derived
/// from until then.
///
/// # Errors
/// Exit code 4 when `root` is not the one that sealed what is there, 3 without database or key service.
pub async fn settle_instance_key(integrator: &Link, root: &Root, born: bool) -> Result<InstanceKey, Failure> {
    let mut connection = integrator.connect().await.map_err(|error| failed(&error))?;
    let key = settle(&mut connection, root, born).await?;
    connection.close().await.map_err(|error| failed(&error))?;
    Ok(key)
}

async fn settle(connection: &mut PgConnection, root: &Root, born: bool) -> Result<InstanceKey, Failure> {
    let service = root.service();
    let opened = |error: KeyServiceError| root.failed(&error);
    let stored = |error: StoreError| failed(&error);
    if instance_key(connection).await.map_err(stored)?.is_none() {
        let key = if born {
            let former = root.former_instance_key()?;
            must_be_of(connection, root, former.id()).await?;
            former
        } else {
            let fresh = InstanceKey::generate();
            fresh.map_err(|_| root.failed(&KeyServiceError::Library))?
        };
        let wrapped = key.wrap(&*service).await.map_err(opened)?;
        keep_instance_key(connection, key.id(), &wrapped)
            .await
            .map_err(stored)?;
    }
    let kept = instance_key(connection).await.map_err(stored)?;
    let (id, wrapped) = kept.ok_or_else(|| failed(&StoreError::corrupt("keys.instance_key", "wrapped")))?;
    InstanceKey::unwrap(&*service, &id, &wrapped).await.map_err(opened)
}

/// Refuses a database whose signing keys another key file wrapped.
async fn must_be_of(connection: &mut PgConnection, root: &Root, kek: &str) -> Result<(), Failure> {
    let foreign = sqlx::query_scalar!(
        r#"select kek as "kek!" from keys.signing_key where kek <> $1 limit 1"#,
        kek
    );
    match foreign
        .fetch_optional(connection)
        .await
        .map_err(|error| failed(&error))?
    {
        Some(_) => Err(root.failed(&KeyServiceError::WrongKey)),
        None => Ok(()),
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read the installation's key in the database",
        chain(error),
        "check that the database runs and that its roles may log in",
    )
}
