//! Signing keys in `identity.signing_key`, through definer functions only: the service has no right on the table.
use async_trait::async_trait;
use keepgate_store::{PgTx, StoreError};

use crate::{NewSigningKey, SealedSeed, SigningKey, SigningKeys, Turn};

const TABLE: &str = "identity.signing_key";

#[async_trait]
impl SigningKeys for PgTx {
    async fn signing_keys(&mut self) -> Result<Vec<SigningKey>, StoreError> {
        let rows = sqlx::query!(
            r#"select kid as "kid!", public as "public!", kek as "kek?", sealed as "sealed?", created_at as "created_at!",
                      activated_at as "activated_at?", retired_at as "retired_at?", revoked_at as "revoked_at?"
                 from gate.signing_keys()"#
        )
        .fetch_all(self.conn())
        .await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in rows {
            let public = row
                .public
                .try_into()
                .map_err(|_| StoreError::corrupt(TABLE, "public"))?;
            keys.push(SigningKey {
                kid: row.kid,
                public,
                seed: row.kek.zip(row.sealed).map(|(kek, bytes)| SealedSeed { kek, bytes }),
                created_at: row.created_at,
                activated_at: row.activated_at,
                retired_at: row.retired_at,
                revoked_at: row.revoked_at,
            });
        }
        Ok(keys)
    }

    async fn has_had_sessions(&mut self) -> Result<bool, StoreError> {
        let had = sqlx::query_scalar!("select gate.has_had_sessions()")
            .fetch_one(self.conn())
            .await?;
        had.ok_or(StoreError::Forbidden)
    }

    async fn add_signing_key(&mut self, new: &NewSigningKey, active: bool) -> Result<bool, StoreError> {
        let added = sqlx::query_scalar!(
            "select gate.add_signing_key($1, $2, $3, $4, $5)",
            new.kid,
            &new.public[..],
            new.seed.kek,
            new.seed.bytes,
            active,
        )
        .fetch_one(self.conn())
        .await?;
        Ok(added == Some(true))
    }

    async fn turn_signing_keys(&mut self, emergency: bool) -> Result<Turn, StoreError> {
        let turned = sqlx::query_scalar!("select gate.turn_signing_keys($1)", emergency)
            .fetch_one(self.conn())
            .await?;
        match turned.as_deref() {
            Some("none") => Ok(Turn::None),
            Some("young") => Ok(Turn::Young),
            Some(kid) => Ok(Turn::Turned(kid.to_owned())),
            None => Err(StoreError::corrupt(TABLE, "kid")),
        }
    }
}
