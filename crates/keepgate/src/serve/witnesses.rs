//! The witnesses of the policy and the time-stamping authority, and what `/readyz` says about them.
use std::sync::Arc;

use futures_util::future::BoxFuture;
use keepgate_api_gateway::{EvidencePolicy, Probe};
use keepgate_audit::{
    postgres::PgCosignedLogs,
    timestamp::{HttpAuthority, Trust},
    witness::{Cosigning, Endpoint, HttpWitness},
};
use keepgate_gate::workers::{Stamping, WitnessHealth};
use keepgate_merkle::policy::{Policy, excerpt};

use crate::{
    config::{Tsa, Witnesses},
    failure::{Failure, chain},
};

/// A policy and a way to its witnesses.
pub struct Panel {
    policy: Policy,
    evidence: EvidencePolicy,
    witness: HttpWitness,
}

impl Panel {
    /// Reads the policy; asks nobody yet.
    ///
    /// # Errors
    /// Exit code 2 for a policy that can't be read or that names a witness that may not be called.
    pub fn load(config: &Witnesses) -> Result<Self, Failure> {
        let what = format!("can't use the witness policy {}", config.policy.display());
        let help = "correct the file, or audit.witness_policy; see docs/security/witnesses.md";
        let wrong = |why: String| Failure::usage(what.clone(), why, help);
        let bytes = std::fs::read(&config.policy).map_err(|error| wrong(error.to_string()))?;
        let policy = Policy::parse(&bytes).map_err(|error| wrong(chain(&error)))?;
        for endpoint in Endpoint::of(&policy) {
            HttpWitness::check(&endpoint.url).map_err(|error| wrong(error.to_string()))?;
        }
        let ca = config.ca_file.as_ref().map(std::fs::read).transpose();
        let ca = ca.map_err(|error| Failure::io("can't read audit.witness_ca_file", &error))?;
        let witness = HttpWitness::new(config.timeout, ca.as_deref())
            .map_err(|error| Failure::usage("can't use audit.witness_ca_file", chain(&error), "name a PEM file"))?;
        let evidence = EvidencePolicy::of(&policy, excerpt(&bytes).map_err(|error| wrong(chain(&error)))?);
        Ok(Self {
            policy,
            evidence,
            witness,
        })
    }

    /// What evidence bundles tell about it.
    pub fn evidence(&self) -> EvidencePolicy {
        self.evidence.clone()
    }

    /// The questions about `logs`.
    pub fn cosigning(self, logs: PgCosignedLogs) -> Cosigning {
        Cosigning::new(self.policy, Arc::new(logs), Arc::new(self.witness))
    }
}

/// A time-stamping authority, and whom its certificate must lead to.
pub struct Authority {
    client: HttpAuthority,
    trust: Trust,
}

impl Authority {
    /// Reads the roots; asks nothing yet.
    ///
    /// # Errors
    /// Exit code 2 for roots or a policy that can't be used.
    pub fn load(config: &Tsa) -> Result<Self, Failure> {
        let help = "name a PEM file with the authority's root in audit.tsa_ca_file, and see docs/security/time.md";
        let wrong = |why: String| Failure::usage("can't use the time-stamping authority", why, help);
        let at_fault = |why: &dyn std::fmt::Display| wrong(format!("{}: {why}", config.ca_file.display()));
        let pem = std::fs::read(&config.ca_file).map_err(|error| at_fault(&error))?;
        let trust = Trust::from_pem(&pem).map_err(|error| at_fault(&error))?;
        let trust = match &config.policy {
            Some(policy) => trust
                .under(policy)
                .map_err(|error| wrong(format!("audit.tsa_policy: {error}")))?,
            None => trust,
        };
        let client = HttpAuthority::new(config.url.clone(), &pem).map_err(|error| wrong(chain(&error)))?;
        Ok(Self { client, trust })
    }

    /// The stamping of `logs`.
    pub fn stamping(self, logs: PgCosignedLogs) -> Stamping {
        Stamping {
            logs: Arc::new(logs),
            authority: Arc::new(self.client),
            trust: self.trust,
        }
    }
}

/// Not ready while a witness contradicts a log.
pub struct Unanimous(pub WitnessHealth);

impl Probe for Unanimous {
    fn name(&self) -> &'static str {
        "witnesses"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        Box::pin(std::future::ready(self.0.problem().map_or(Ok(()), Err)))
    }
}
