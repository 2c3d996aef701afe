//! Key services and secret stores that nobody here wrote: OpenBao itself, moto for AWS, drongo and Google's own clients for Google Cloud.
//! Each adapter keeps to the contract of `keepgate_crypto_keys::testing` there.
#![cfg(test)]

mod aws;
mod bao;
mod gcp;
#[expect(dead_code, reason = "no judge of these comes from npm")]
#[path = "../e2e/judges/install.rs"]
mod install;
#[path = "../e2e/judges/moto.rs"]
mod moto;
#[expect(dead_code, reason = "the end-to-end tests use the rest")]
#[path = "../e2e/judges/openbao.rs"]
mod openbao;
#[path = "../e2e/judges/processes.rs"]
mod processes;

use std::time::Duration;

use keepgate_key_services::Limits;

const LIMITS: Limits = Limits {
    timeout: Duration::from_secs(10),
    poll: Duration::from_millis(300),
};
