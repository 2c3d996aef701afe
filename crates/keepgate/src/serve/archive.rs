//! Archives old months of the audit logs and has them removed here. Works alone, whatever the number of instances.
use std::{future::Future, sync::Arc, time::Duration};

use keepgate_api_gateway::VerifierKeys;
use keepgate_audit::{
    archive::{self, Archive, ArchiveStore, NewArchive, S3Store},
    operations::RecordArchive,
    postgres::{Archivist, Due, RollOff},
};
use keepgate_gate::{Gate, Tx};
use keepgate_kernel::{RequestId, TenantId, Timestamp};
use keepgate_merkle::note::VerifierKey;
use keepgate_policy::OpContext;
use keepgate_store::StoreError;

mod directory;
mod state;

pub use state::Keeping;

use self::directory::Directory;
use super::{log_keeping::SharedSigners, workers::Workers};
use crate::{
    config::{ArchiveBucket, ArchivePlace, Config},
    failure::{Failure, chain},
    postgres::{Databases, Signers},
    secrets::Secrets,
};

/// One connection for the right to be alone, one for the work.
const POOL: u32 = 2;

/// Starts looking after old months; what it tells about itself.
pub fn start(
    workers: &mut Workers,
    config: &Config,
    databases: &Databases,
    signers: &Arc<Signers>,
    gate: &Gate<dyn Tx>,
    store: Option<Arc<dyn ArchiveStore>>,
) -> Result<Keeping, Failure> {
    let state = Keeping::default();
    let keeper = Keeper {
        archivist: Archivist::new(databases.doors.integrator.pool(POOL)),
        gate: gate.clone(),
        store,
        keys: Arc::new(SharedSigners(signers.clone())),
        months: config.audit_retention,
        state: state.clone(),
    };
    workers.start("archivist", keeper.run(workers.stop_signal()));
    Ok(state)
}

/// Where archives go.
///
/// # Errors
/// Exit code 2 for a store that can't be used.
pub fn store(place: &ArchivePlace, secrets: &Secrets) -> Result<Arc<dyn ArchiveStore>, Failure> {
    Ok(match place {
        ArchivePlace::Directory(directory) => Arc::new(Directory::new(directory)),
        ArchivePlace::Bucket(bucket) => Arc::new(s3(bucket, secrets)?),
    })
}

fn s3(bucket: &ArchiveBucket, secrets: &Secrets) -> Result<S3Store, Failure> {
    let secret = secrets.live(&bucket.secret_key)?;
    let pem = bucket.ca_file.as_ref().map(std::fs::read_to_string).transpose();
    let pem = pem.map_err(|error| Failure::io("can't read audit.archive_ca_file", &error))?;
    let store = S3Store::new(&bucket.url, &bucket.region, &bucket.access_key, secret, pem.as_deref());
    store.map_err(|error| {
        let help = "correct audit.archive_url or audit.archive_ca_file";
        Failure::usage(format!("can't archive to {}", bucket.url), error.to_string(), help)
    })
}

const EVERY: Duration = Duration::from_hours(1);
/// A leaf has to get under a checkpoint first, another instance to end. Each wait is twice the one before.
const SOON: Duration = Duration::from_secs(2);

/// What the worker needs.
struct Keeper {
    /// Reads and removes.
    archivist: Archivist,
    /// Tells in the log.
    gate: Gate<dyn Tx>,
    /// Where archives go; without it nothing is ever removed.
    store: Option<Arc<dyn ArchiveStore>>,
    /// The logs' public keys.
    keys: Arc<dyn VerifierKeys>,
    /// How many whole months are kept.
    months: u32,
    /// Told how it went.
    state: Keeping,
}

type Fault = Box<dyn std::error::Error + Send + Sync>;

impl Keeper {
    /// Looks at the start and every hour until `stop` is ready. What is left half done goes on the next time.
    async fn run(self, stop: impl Future<Output = ()> + Send) {
        tokio::pin!(stop);
        let mut soon = SOON;
        loop {
            let waits = tokio::select! {
                () = &mut stop => return,
                waits = self.look() => waits,
            };
            let rest = if waits { soon } else { EVERY };
            soon = if waits { EVERY.min(soon * 2) } else { SOON };
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Whether something waits that may come soon.
    async fn look(&self) -> bool {
        let now = self.gate.clock().now();
        let looked = self.turn(now).await;
        if let Err(error) = &looked {
            tracing::error!(error = %chain(error.as_ref()), "old months of the audit logs can't be looked after; the next try is in an hour");
        }
        let waits = matches!(looked, Ok(true));
        self.state.looked(&looked.map(|_| ()));
        waits
    }

    /// Whether something waits.
    async fn turn(&self, now: Timestamp) -> Result<bool, Fault> {
        self.state.months_ahead(self.archivist.months_ahead(now).await?);
        let Some(store) = &self.store else { return Ok(false) };
        let Some(_alone) = self.archivist.alone().await? else {
            return Ok(true);
        };
        let months = self.archivist.months(now, self.months).await?;
        for month in &months {
            for due in self.archivist.due(*month).await? {
                self.archive(due, *month, store.as_ref()).await?;
            }
        }
        for (tenant, origin, archive) in self.archivist.unchecked().await? {
            self.check(tenant, &origin, &archive, store.as_ref()).await?;
        }
        let mut waits = false;
        for month in months {
            match self.archivist.roll_off(month).await? {
                RollOff::Removed(0) => {}
                RollOff::Removed(entries) => {
                    tracing::info!(%month, entries, "a month of the audit logs was removed; it is archived")
                }
                RollOff::Waits(why) => {
                    tracing::info!(%month, why, "a month of the audit logs stays for now");
                    waits = true;
                }
            }
        }
        Ok(waits)
    }

    async fn archive(&self, due: Due, month: chrono::NaiveDate, store: &dyn ArchiveStore) -> Result<(), Fault> {
        let tenant = due.tenant;
        let new = NewArchive {
            vkeys: self.vkeys(tenant).await?,
            origin: due.origin,
            folder: tenant.to_string(),
            month,
            from: due.from,
            to: due.to,
            checkpoint: due.checkpoint,
            extras: Vec::new(),
        };
        let archive = archive::write(&new, &mut self.archivist.files(tenant).await?, store).await?;
        let now = self.gate.clock().now();
        let context = OpContext::system(tenant, RequestId::new(now), now);
        tracing::info!(%tenant, archive = archive.name(), "a part of an audit log was archived");
        self.gate.perform(&context, &RecordArchive { archive }).await?;
        Ok(())
    }

    async fn check(
        &self,
        tenant: TenantId,
        origin: &str,
        archive: &Archive,
        store: &dyn ArchiveStore,
    ) -> Result<(), Fault> {
        let vkeys = self.vkeys(tenant).await?;
        let keys = vkeys.lines().map(str::parse).collect::<Result<Vec<VerifierKey>, _>>()?;
        archive::check(archive, &tenant.to_string(), origin, &keys, store)
            .await
            .map_err(|fault| format!("archive {} of {tenant} is not whole: {}", archive.name(), chain(&fault)))?;
        Ok(self.archivist.checked(tenant, archive).await?)
    }

    async fn vkeys(&self, tenant: TenantId) -> Result<String, StoreError> {
        let keys = self.keys.verifier_key(tenant).await?;
        let keys = keys.ok_or(StoreError::corrupt("keys.log_signer", "vkey"))?;
        Ok(format!("{}\n", keys.trim_end()))
    }
}
