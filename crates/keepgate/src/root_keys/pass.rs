//! One walk over everything that the root key wraps. It may be ended at any row and begun again: what is done is not due any more.
use std::sync::Arc;

use keepgate_crypto_keys::{
    KeyServiceError,
    rewrap::{
        DueTenant, LogSeed, RewrapError, RewrapTenantKeys, RewrapTokenSeeds, Rewrapper, RootWrapped, TellRewrapped,
        TenantKey, TokenSeed, due_tenants, tenant_keys, token_seeds,
    },
};
use keepgate_gate::{Gate, Vault};
use keepgate_kernel::{SystemClock, TenantId};
use keepgate_policy::{Command, OpContext};
use keepgate_store::{PgStore, PgTx, StoreError};

use super::{
    installation::{unread, worker},
    outcome::Outcome,
};
use crate::{
    exit::Exit,
    failure::{Failure, chain},
    postgres::{Link, SeedRows},
    secrets::Root,
};

/// The doors to the rows.
pub struct Workbench {
    /// As `kg_app`: tenants' keys, and the entries.
    pub gate: Gate<PgTx>,
    /// As `kg_auth`: the seeds of access tokens.
    pub front: Gate<PgTx>,
    /// Seeds of logs, and the installation's key.
    pub integrator: Link,
    /// The platform's tenant.
    pub platform: TenantId,
}

impl Workbench {
    /// Over stores of `kg_app` and `kg_auth`.
    pub fn new(app: PgStore, auth: PgStore, integrator: Link, root: &Root, platform: TenantId) -> Self {
        let vault = Vault::new(root.service());
        let gate: Gate<PgTx> = Gate::new(Arc::new(app), Arc::new(SystemClock), vault);
        Self {
            front: gate.over(Arc::new(auth)),
            gate,
            integrator,
            platform,
        }
    }
}

/// A walk, and what it came to so far.
pub struct Pass<'a> {
    bench: &'a Workbench,
    rewrapper: &'a Rewrapper,
    ahead: &'a mut (dyn FnMut(u64) + Send),
    /// What it came to.
    pub outcome: Outcome,
}

impl<'a> Pass<'a> {
    /// `ahead` hears of each row that was looked at.
    pub fn new(bench: &'a Workbench, rewrapper: &'a Rewrapper, ahead: &'a mut (dyn FnMut(u64) + Send)) -> Self {
        Self {
            bench,
            rewrapper,
            ahead,
            outcome: Outcome::default(),
        }
    }

    /// How many tenants' keys are due.
    ///
    /// # Errors
    /// Exit code 3.
    pub async fn tenants(&mut self) -> Result<Vec<DueTenant>, Failure> {
        let to = self.rewrapper.recovery_to();
        let read = async {
            let mut tx = self.bench.gate.store().begin(&worker(self.bench.platform)).await?;
            due_tenants(&mut tx, self.rewrapper.wanted(), to.as_deref()).await
        };
        read.await.map_err(|error| unread(&error))
    }

    /// Everything.
    ///
    /// # Errors
    /// Exit code 3 when the database or the key service is away, 4 when the service does not allow it. What was done stays done.
    pub async fn walk(&mut self) -> Result<(), Failure> {
        self.seeds().await?;
        self.token_seeds().await?;
        for due in self.tenants().await? {
            self.tenant(due).await?;
        }
        Ok(())
    }

    /// Seeds of logs, and the installation's key.
    async fn seeds(&mut self) -> Result<(), Failure> {
        let mut rows = SeedRows::open(&self.bench.integrator).await?;
        if let Some(was) = rows.instance().await?
            && self.rewrapper.is_due(&was.row)
            && let Some(anew) = self.anew("installation", &was.row, || was.id.clone()).await?
        {
            let told = self.tell("installation-key");
            self.outcome.done.installation += u64::from(rows.put_instance(&was, &anew, told).await?);
        }
        let to = self.rewrapper.recovery_to();
        let mut last: Option<LogSeed> = None;
        loop {
            let found = rows.logs(self.rewrapper.wanted(), to.as_deref(), last.as_ref()).await?;
            let Some(end) = found.last().cloned() else { break };
            last = Some(end);
            let mut done = Vec::new();
            for seed in found {
                let whose = || format!("{}:{} {}", seed.at.1, seed.at.0, seed.at.2);
                if let Some(anew) = self.anew("log-seed", &seed.row, whose).await? {
                    done.push((seed, anew));
                }
            }
            if !done.is_empty() {
                let told = self.tell("log-keys");
                self.outcome.done.log_seeds += rows.put_logs(&done, told).await?;
            }
        }
        rows.close().await
    }

    /// The entry is committed just before what it tells of, which is in another role's transaction: it may tell of a change that a crash
    /// undid, never leave one out.
    fn tell(&self, what: &'static str) -> impl Future<Output = Result<(), Failure>> + use<> {
        let (gate, context) = (self.bench.gate.clone(), worker(self.bench.platform));
        async move { perform(&gate, &context, &TellRewrapped { what }).await }
    }

    async fn token_seeds(&mut self) -> Result<(), Failure> {
        let context = worker(self.bench.platform);
        let front = self.bench.front.clone();
        let read = async {
            let mut tx = front.store().begin(&context).await?;
            token_seeds(&mut tx).await
        };
        let found: Vec<TokenSeed> = read.await.map_err(|error| unread(&error))?;
        let mut seeds = Vec::new();
        for seed in found.into_iter().filter(|seed| self.rewrapper.is_due(&seed.row)) {
            if let Some(anew) = self.anew("token-seed", &seed.row, || seed.kid.clone()).await? {
                seeds.push((seed, anew));
            }
        }
        if !seeds.is_empty() {
            self.outcome.done.token_seeds += perform(&front, &context, &RewrapTokenSeeds { seeds }).await?;
        }
        Ok(())
    }

    async fn tenant(&mut self, due: DueTenant) -> Result<(), Failure> {
        let tenant = due.tenant;
        let context = worker(if due.active { tenant } else { self.bench.platform });
        let gate = self.bench.gate.clone();
        let read = async {
            let mut tx = gate.store().begin(&context).await?;
            tenant_keys(&mut tx, tenant).await
        };
        let found: Vec<TenantKey> = match read.await {
            // It was suspended a moment ago.
            Err(StoreError::Revoked) => {
                let why = "the tenant changed meanwhile; run this again".to_owned();
                self.outcome.leave("tenant-key", tenant.to_string(), why);
                return Ok(());
            }
            found => found.map_err(|error| unread(&error))?,
        };
        let newest = found.last().map(|key| key.version);
        let mut keys = Vec::new();
        for key in found.into_iter().filter(|key| self.rewrapper.is_due(&key.row)) {
            let whose = || format!("{tenant} {}", key.version);
            match self.anew("tenant-key", &key.row, whose).await? {
                Some(anew) => keys.push((key, anew)),
                None if due.active && newest == Some(key.version) => self.outcome.shut.push(tenant),
                None => {}
            }
        }
        if !keys.is_empty() {
            self.outcome.done.tenant_keys += perform(&gate, &context, &RewrapTenantKeys { tenant, keys }).await?;
        }
        Ok(())
    }

    /// What the row is to hold; `None` when it stays as it is, which is noted.
    async fn anew(
        &mut self,
        kind: &'static str,
        row: &RootWrapped,
        whose: impl FnOnce() -> String,
    ) -> Result<Option<keepgate_crypto_keys::rewrap::Anew>, Failure> {
        (self.ahead)(1);
        match self.rewrapper.anew(row).await {
            Ok(anew) => Ok(Some(anew)),
            Err(error) if stays(&error) => {
                self.outcome.leave(kind, whose(), chain(&error));
                Ok(None)
            }
            Err(error) => Err(away(&error)),
        }
    }
}

/// Whether it is about this row alone.
const fn stays(error: &RewrapError) -> bool {
    !matches!(
        error,
        RewrapError::Service(
            KeyServiceError::Slow
                | KeyServiceError::Down(_)
                | KeyServiceError::Throttled
                | KeyServiceError::Denied(_)
                | KeyServiceError::Library
        ) | RewrapError::Crypto(_)
    )
}

fn away(error: &RewrapError) -> Failure {
    let (exit, help) = if error.passes() {
        (
            Exit::Incomplete,
            "run this again when it is back: it goes on where it was",
        )
    } else {
        (
            Exit::KeyFile,
            "allow this service to wrap and unwrap with it, then run this again: it goes on where it was",
        )
    };
    Failure::new(exit, "not everything is wrapped anew", chain(error), help)
}

async fn perform<C: Command<PgTx>>(gate: &Gate<PgTx>, context: &OpContext, command: &C) -> Result<C::Output, Failure> {
    let done = gate.perform(context, command).await;
    done.map(|done| done.output).map_err(|error| {
        Failure::new(
            Exit::Incomplete,
            "can't write the wrapped keys into the database",
            chain(&error),
            "check that the database runs, then run this again: it goes on where it was",
        )
    })
}
