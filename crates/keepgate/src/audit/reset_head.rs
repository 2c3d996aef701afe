//! `keepgate audit reset-head`: the way out after a database was restored on purpose.
use keepgate_audit::HeadFile;

use crate::{
    cli::ResetHeadArgs,
    config::Config,
    data_dir,
    environment::Environment,
    exit::Exit,
    failure::{Failure, chain},
    terminal,
};

/// Gives up what this instance signed of a log, so that the log may go on otherwise.
///
/// # Errors
/// Exit code 9 while a service runs on the data directory, 2 without the word that it is meant, 1 when nothing was signed.
pub fn reset_head(args: &ResetHeadArgs, environment: &Environment) -> Result<Exit, Failure> {
    let config: Config = args.data.load(environment)?;
    let _alone = data_dir::take(&config.data_dir)?;
    let failed = |error: &(dyn std::error::Error + 'static)| {
        Failure::new(
            Exit::Failed,
            "can't change what was signed of the audit logs",
            chain(error),
            "look at log-heads/heads in the data directory",
        )
    };
    let file = HeadFile::open(&config.data_dir.join(data_dir::LOG_HEADS)).map_err(|error| failed(&error))?;
    let (remembered, _) = file.read().map_err(|error| failed(&error))?;
    let suffix = match args.tenant {
        Some(tenant) => format!("/audit/{}", tenant.uuid()),
        None => "/audit/meta".to_owned(),
    };
    let known = remembered.heads.iter().find(|(origin, _)| origin.ends_with(&suffix));
    let (origin, head) = known.ok_or_else(|| {
        Failure::new(
            Exit::Failed,
            "there is nothing to give up",
            "this instance has signed nothing of that log",
            "name the log that `keepgate doctor` names",
        )
    })?;
    let signed = format!("{origin}: {} entries were signed, root {}", head.size, head.root);
    if !args.accept_fork {
        return Err(Failure::usage(
            "nothing was changed",
            format!("{signed}. Whoever kept that checkpoint will see that the log was taken back"),
            "restore the newer database; only if it is lost for ever, run this again with --accept-fork",
        ));
    }
    file.abandon(origin).map_err(|error| failed(&error))?;
    terminal::say(&format!(
        "{signed}. Given up: the log may go on otherwise, and the next start writes that into it."
    ));
    Ok(Exit::Ok)
}
