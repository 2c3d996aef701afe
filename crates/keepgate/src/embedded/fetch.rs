//! Fetching the server's binaries when the machine has none.
use std::path::PathBuf;

use keepgate_pg_local::provision;

use super::start::cache_dir;
use crate::{
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    terminal,
};

/// The directory of the binaries, fetched into the user's cache with a line for each step.
pub fn binaries(environment: &Environment) -> Result<PathBuf, Failure> {
    let help = "install it (`apt-get install postgresql` or `brew install postgresql`), or set database_url";
    let refused = |why: String| Failure::new(Exit::NoPostgres, "there is no PostgreSQL on this machine", why, help);
    let cache = cache_dir(environment).ok_or_else(|| refused("and no cache directory to fetch it into".into()))?;
    terminal::note(&format!("no PostgreSQL found; to use your own, {help}"));
    provision::provision(&cache, &mut |step| terminal::note(step)).map_err(|error| {
        let told = chain(&error);
        refused(told.split("; ").next().unwrap_or(&told).to_owned())
    })
}
