//! Puts the parts together: stores, doorway, workers, and what the handlers share.
use std::{
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use keepgate_api_gateway::{Api, Limits, Probe, RateLimiter};
use keepgate_audit::{clock::MachineClock, sink::senders::Senders};
use keepgate_channels::{WorkerId, providers::Reach};
use keepgate_gate::{
    Gate, SecondDesk, SinkDesk, Tx, Vault,
    workers::{
        Dispatcher, Forwarder, Hub, Post, Resealing, WitnessHealth, attest_clock, cosign, reseal, settle_erasures,
        stamp_checkpoints, sweep, write_uses,
    },
};
use keepgate_identity::{Authenticator, FrontDesk, Hasher, passkey::RelyingParty};
use keepgate_kernel::{Clock, RequestId, TenantId};
use keepgate_store::{Begin, PgStore};
use tokio::sync::{Notify, watch};

use super::{
    archive,
    certificate::{self, Certificate},
    copies,
    integrity::{self, Walls},
    keys::Keys,
    log_keeping::{self, SharedSigners},
    metrics,
    outward::Outside,
    probes::Database,
    reload,
    revocations::{self, Following, RevocationFeed},
    root_keys::RootKeys,
    sso, tombstones,
    witnesses::{Panel, Unanimous},
    workers::Workers,
};
use crate::{
    config::{self, Config, TlsFiles},
    data_dir,
    exit::Exit,
    failure::{Failure, chain},
    postgres::{Databases, Signers},
    secrets::{Secrets, recovery_key},
};

/// Log-ins and first uses of keys: a flood of them takes no connection away from the rest.
const AUTH_POOL: u32 = 5;

/// A running service without its listeners.
pub struct Service {
    api: Api,
    store: PgStore,
    front: PgStore,
    signers: Arc<Signers>,
    workers: Workers,
}

impl Service {
    /// Connects, and starts the workers.
    ///
    /// # Errors
    /// Exit code 4 for keys that can't be derived, 2 for limits that are none.
    pub async fn assemble(
        config: &Config,
        databases: &Databases,
        keys: &Keys,
        platform: TenantId,
        clock: Arc<dyn Clock>,
        outside: Outside,
    ) -> Result<Self, Failure> {
        let store = PgStore::new(
            databases.doors.app.pool(config.postgres.pool),
            keys.claims()?,
            clock.clone(),
        );
        let front = PgStore::new(databases.doors.auth.pool(AUTH_POOL), keys.claims()?, clock.clone());
        let begin: Arc<dyn Begin<dyn Tx>> = Arc::new(front.clone());
        let recovery = recovery_key(config)?;
        let vault = Vault::new(keys.root().service())
            .holding(config.root_key.cache)
            .recoverable(recovery.clone());
        let gate = Gate::new(Arc::new(store.clone()), clock.clone(), vault).journalling(store.clone());
        let front_gate = gate.over(begin.clone());
        // Before anybody counts.
        let recorder = metrics::install()?;
        let mut workers = Workers::new();
        let signed = Arc::new(Notify::new());
        let (signers, audit_log, cosigned) =
            log_keeping::start(&mut workers, config, databases, keys, platform, &gate, signed.clone()).await?;
        let tombstones = tombstones::keep_erased(config, &gate, platform).await?;
        let keeping = archive::start(
            &mut workers,
            config,
            databases,
            &signers,
            &gate,
            outside.archives.clone(),
        )?;

        if let Some(recovery) = recovery {
            let stores = (store.clone(), front.clone(), databases.doors.integrator.clone());
            copies::keep(&mut workers, stores, keys.root().clone(), platform, recovery);
        }
        let node = data_dir::node(&config.data_dir)?;
        let attesting = attest_clock(gate.clone(), platform, node, Arc::new(MachineClock), workers.stopping());
        workers.start("worker of the clock", attesting);
        let hub = Hub::default();
        let worker = WorkerId::new(&format!("keepgate-{}", std::process::id()));
        let Outside {
            carriers,
            couriers,
            hooks,
            mailer,
            panel,
            authority,
            archives: _,
            health,
        } = outside;
        if let Some(authority) = authority {
            let stamping = authority.stamping(cosigned.clone());
            let work = stamp_checkpoints(gate.clone(), stamping, workers.stopping());
            workers.start("worker of the time stamps", work);
        }
        let witnesses = WitnessHealth::default();
        let evidence_policy = panel.as_ref().map(Panel::evidence).unwrap_or_default();
        if let Some(panel) = panel {
            let cosigning = panel.cosigning(cosigned);
            let work = cosign(
                gate.clone(),
                platform,
                cosigning,
                signed,
                witnesses.clone(),
                workers.stopping(),
            );
            workers.start("worker of the witnesses", work);
        }
        let dispatcher = Dispatcher::new(
            gate.clone(),
            platform,
            hub.clone(),
            carriers,
            Arc::new(couriers),
            worker,
        );
        workers.start("dispatcher", dispatcher.run(workers.stopping()));
        let sinks = SinkDesk::new(gate.clone(), Arc::new(senders(config)));
        let forwarder = Forwarder::new(gate.clone(), platform, sinks.clone());
        workers.start("worker of the sinks", forwarder.run(workers.stopping()));
        let pace = Resealing {
            per_second: config.root_key.reseal_per_second,
            longest_request: config.limits.request_timeout,
        };
        let resealing = reseal(gate.clone(), platform, pace, workers.stopping());
        workers.start("worker that seals values anew", resealing);
        workers.start("sweep", sweep(front_gate.clone(), platform, workers.stopping()));

        let Following { mirror, tokens, hints } =
            revocations::follow(&mut workers, databases, keys, &front_gate, platform, &issuer(config)).await?;
        let keeping_ends = settle_erasures(
            gate.clone(),
            tombstones.clone(),
            platform,
            config.audit_strangers,
            hints.key_ends,
            workers.stopping(),
        );
        workers.start("keeper of the erasures", keeping_ends);
        let mail = mailer.is_some();
        if !mail {
            tracing::warn!(
                "no mail is configured: forgotten passwords can't be replaced by their owners, and nobody is told what happens to an account"
            );
        }
        let post = Post::new(front_gate.clone(), platform, mailer);
        workers.start("mail", post.run(workers.stopping()));

        let api_keys = keys.api_keys()?;
        let hasher = Hasher::new(std::thread::available_parallelism().map_or(1, NonZeroUsize::get));
        let authenticator = Authenticator::new(
            begin.clone(),
            platform,
            tokens.clone(),
            api_keys.clone(),
            hasher.clone(),
        );
        let authenticator = authenticator
            .map_err(|error| Failure::new(Exit::Failed, "can't start", chain(&error), "start again"))?
            .with_view(mirror.clone(), Arc::new(store.clone()));
        let authenticator = Arc::new(authenticator);
        let uses = write_uses(authenticator.clone(), clock.clone(), workers.stopping());
        workers.start("worker of the keys' uses", uses);
        let limiter = RateLimiter::shared(limits(config.limits)?);
        let sweep = limiter.clone();
        workers.every(Duration::from_mins(1), "sweep of the rate limits", move || {
            sweep.sweep()
        });
        let unused = gate.clone();
        workers.every(Duration::from_mins(1), "sweep of the open keys", move || {
            unused.sweep_keys()
        });
        let upkeep = recorder.clone();
        workers.every(Duration::from_secs(5), "upkeep of the metrics", move || {
            upkeep.run_upkeep()
        });
        let sso = sso::desk(config, front_gate.clone(), platform, &issuer(config))?;
        let walls = Walls::default();
        let watch = integrity::Watch {
            door: databases.doors.app.clone(),
            gate: gate.clone(),
            platform,
            guarded: databases.kind == "embedded",
            walls: walls.clone(),
        };
        workers.start("watch over the database's walls", watch.run(workers.stopping()));
        let probes: Vec<Box<dyn Probe>> = vec![
            Box::new(Database(store.clone())),
            Box::new(RootKeys(keys.root().patient())),
            Box::new(audit_log),
            Box::new(Unanimous(witnesses)),
            Box::new(keeping),
            Box::new(walls),
            Box::new(RevocationFeed(mirror.clone())),
            Box::new(health),
        ];
        let throttle = keys.throttle()?;
        let api = Api {
            sso: Arc::new(sso),
            scim_tokens: keys.scim_tokens()?,
            second_desk: SecondDesk::new(front_gate.clone(), platform, throttle.clone())
                .with_passkeys(relying_party(config)),
            gate,
            front_gate,
            authenticator,
            front_desk: Arc::new(FrontDesk::new(begin, platform, hasher.clone(), throttle)),
            tokens,
            revocations: mirror,
            api_keys,
            hasher,
            platform,
            hub,
            limiter,
            probes: Arc::new(probes),
            verifier_keys: Arc::new(SharedSigners(signers.clone())),
            evidence_policy,
            tombstones,
            sinks,
            twilio: Arc::new(hooks),
            metrics: recorder,
            stopping: workers.stopping(),
            body_limit: config.limits.body_bytes,
            mail,
            trusted_proxies: config.limits.trusted_proxies,
            request_timeout: config.limits.request_timeout,
        };
        Ok(Self {
            api,
            store,
            front,
            signers,
            workers,
        })
    }

    /// What the handlers share.
    pub fn api(&self) -> Api {
        self.api.clone()
    }

    /// Looks after the certificate from now on.
    pub fn renew(&mut self, certificate: Certificate) {
        self.workers
            .every(certificate::EVERY, "renewal of the certificate", move || {
                certificate.reload()
            });
    }

    /// Looks after the secrets from now on. What is rung to have them looked at at once.
    pub fn keep_new(
        &mut self,
        secrets: Secrets,
        databases: &Databases,
        certificate: &Certificate,
        tls: Option<&TlsFiles>,
    ) -> watch::Sender<u64> {
        let (look, files) = (secrets.look(), secrets.files());
        let stop = self.workers.stop_signal();
        let doors = reload::follow(databases.doors.changing(), secrets.changed(), secrets.health(), stop);
        self.workers.start("follower of the database's passwords", doors);
        if let Some(tls) = tls {
            let stop = self.workers.stop_signal();
            let following = reload::follow_certificate(certificate.clone(), tls.clone(), files, stop);
            self.workers.start("follower of the certificate", following);
        }
        let keeping = secrets.keep_new(self.workers.stop_signal());
        self.workers.start("keeper of the secrets", keeping);
        look
    }

    /// Waits for a part that ends although nobody told it to.
    pub async fn fallen(&mut self) -> String {
        self.workers.fallen().await
    }

    /// Streams end, `/readyz` says no.
    pub fn tell_to_stop(&self) {
        self.workers.tell_to_stop();
    }

    /// Stops the workers, then closes the connections.
    pub async fn stop(self) {
        self.workers.stopped().await;
        // What the last requests used, which were still under way when the worker stopped.
        let now = self.api.gate.clock().now();
        if let Err(error) = self.api.authenticator.write_uses(RequestId::new(now), now).await {
            tracing::warn!(error = %error, "the last uses of API keys are lost");
        }
        self.signers.close().await;
        self.front.close().await;
        self.store.close().await;
    }
}

/// Whom passkeys are bound to: the host of `public_url`. An address is no host to them.
fn relying_party(config: &Config) -> Option<RelyingParty> {
    let url = config.public_url.as_ref()?;
    Some(RelyingParty::new(url.domain()?, &url.origin().ascii_serialization()))
}

/// What sends logs on, within the operator's reach.
fn senders(config: &Config) -> Senders {
    Senders::new(Reach {
        loopback: config.sinks_allow_loopback,
        internal: config.sinks_internal.clone(),
    })
}

/// The name in tokens. Stable over restarts, whatever port is free.
fn issuer(config: &Config) -> String {
    config
        .public_url
        .as_ref()
        .map_or_else(|| "https://localhost/".to_owned(), ToString::to_string)
}

fn limits(limits: config::Limits) -> Result<Limits, Failure> {
    let none = || Failure::usage("can't use the limits", "one of them is zero", "correct [limits]");
    Ok(Limits {
        per_principal: NonZeroU32::new(limits.requests_per_minute).ok_or_else(none)?,
        per_address: NonZeroU32::new(limits.anonymous_per_minute).ok_or_else(none)?,
    })
}
