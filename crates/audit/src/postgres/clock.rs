//! The database's own clock.
use async_trait::async_trait;
use keepgate_kernel::Timestamp;
use keepgate_store::{PgTx, StoreError};

use crate::clock::{Attestation, ClockLedger};

#[async_trait]
impl ClockLedger for PgTx {
    async fn clock_probe(&mut self) -> Result<(Timestamp, Option<Timestamp>), StoreError> {
        let row = sqlx::query!(r#"select p.now as "now!", p.latest from gate.clock_probe() p"#)
            .fetch_one(self.conn())
            .await?;
        Ok((row.now, row.latest))
    }

    async fn attest(&mut self, attestation: &Attestation) -> Result<(), StoreError> {
        sqlx::query!(
            "select gate.attest_clock($1, $2, $3, $4, $5, $6)",
            attestation.node,
            attestation.quality.as_str(),
            attestation.source,
            attestation.offset_us,
            i64::try_from(attestation.bound_us).unwrap_or(i64::MAX),
            attestation.step_us
        )
        .execute(self.conn())
        .await?;
        Ok(())
    }
}
