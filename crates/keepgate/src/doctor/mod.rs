//! `keepgate doctor`: everything that can be wrong with an installation, with what to do about it. Changes nothing.
mod database;
mod files;
mod finding;
mod heads;
mod report;

pub use finding::{Finding, State};

use crate::{config::Config, environment::Environment, exit::Exit};

/// Looks and reports. Ends with 1 when a check failed, 3 when the database could not be looked at.
pub fn run(config: &Config, environment: &Environment, json: bool) -> Exit {
    let mut findings = files::look(config);
    let (more, reached) = database::look(config, environment);
    findings.extend(more);
    report::tell(&findings, json);
    let failed = findings.iter().any(|finding| finding.state == State::Fail);
    match (reached, failed) {
        (false, _) => Exit::Incomplete,
        (true, true) => Exit::Failed,
        (true, false) => Exit::Ok,
    }
}
