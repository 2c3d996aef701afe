//! The seeds of logs and the installation's key, put back under another root key. As `kg_integrator`.
use keepgate_crypto_keys::rewrap::{Anew, InstanceRow, LogSeed, instance_row, log_seeds, put_instance, put_log_seeds};
use sqlx::{ConnectOptions, Connection, PgConnection};

use super::Link;
use crate::{
    exit::Exit,
    failure::{Failure, chain},
};

/// A connection to them.
pub struct SeedRows(PgConnection);

impl SeedRows {
    /// Connects.
    ///
    /// # Errors
    /// Exit code 3, as of everything here.
    pub async fn open(integrator: &Link) -> Result<Self, Failure> {
        integrator.connect().await.map(Self).map_err(|error| failed(&error))
    }

    /// The installation's key.
    pub async fn instance(&mut self) -> Result<Option<InstanceRow>, Failure> {
        instance_row(&mut self.0).await.map_err(|error| failed(&error))
    }

    /// The next seeds of logs that are due.
    pub async fn logs(
        &mut self,
        kek: Option<&str>,
        recovery_to: Option<&str>,
        after: Option<&LogSeed>,
    ) -> Result<Vec<LogSeed>, Failure> {
        let found = log_seeds(&mut self.0, kek, recovery_to, after).await;
        found.map_err(|error| failed(&error))
    }

    /// Puts the installation's key back once `told` is done.
    pub async fn put_instance(
        &mut self,
        was: &InstanceRow,
        anew: &Anew,
        told: impl Future<Output = Result<(), Failure>>,
    ) -> Result<bool, Failure> {
        let mut tx = self.0.begin().await.map_err(|error| failed(&error))?;
        let put = put_instance(&mut tx, was, anew).await;
        if !put.map_err(|error| failed(&error))? {
            return Ok(false);
        }
        told.await?;
        tx.commit().await.map_err(|error| failed(&error))?;
        Ok(true)
    }

    /// Puts seeds of logs back once `told` is done. Returns how many.
    pub async fn put_logs(
        &mut self,
        seeds: &[(LogSeed, Anew)],
        told: impl Future<Output = Result<(), Failure>>,
    ) -> Result<u64, Failure> {
        let mut tx = self.0.begin().await.map_err(|error| failed(&error))?;
        let put = put_log_seeds(&mut tx, seeds).await.map_err(|error| failed(&error))?;
        if put > 0 {
            told.await?;
        }
        tx.commit().await.map_err(|error| failed(&error))?;
        Ok(put)
    }

    /// Says goodbye.
    pub async fn close(self) -> Result<(), Failure> {
        self.0.close().await.map_err(|error| failed(&error))
    }
}

fn failed(error: &(dyn std::error::Error + 'static)) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read or write the seeds in the database",
        chain(error),
        "check that the database runs and that kg_integrator may log in, then run this again",
    )
}
