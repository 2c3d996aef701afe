//! `keepgate audit verify`.
use keepgate_audit::EntryCheck;
use keepgate_merkle::{
    note::VerifierKey,
    verify::{self, Request},
};
use serde_json::json;

use super::{
    archive::Archive,
    directory::Directory,
    observe::Observer,
    outcome,
    remote::Remote,
    source::{MAX_CHECKPOINT, Source, Unreadable},
};
use crate::{cli::VerifyArgs, exit::Exit, failure::Failure, terminal};

/// Checks a whole log and tells how it ended.
///
/// # Errors
/// Exit code 2 for arguments that can't be used, 3 when there is nothing to read.
pub fn verify(args: &VerifyArgs) -> Result<Exit, Failure> {
    let key: VerifierKey = args.key.trim().parse().map_err(|error| {
        Failure::usage(
            "can't use --key",
            format!("{error}"),
            "give the line that GET /v1/audit/log/vkey answers, in quotes",
        )
    })?;
    let check = EntryCheck::for_origin(key.name().as_str()).map_err(|error| {
        Failure::usage(
            "can't use --key",
            format!("it is not the key of a Keepgate log: {error}"),
            "give the key of the log itself",
        )
    })?;
    let since = args.since.as_deref().map(|file| {
        let (dir, name) = (
            file.parent().unwrap_or(file),
            file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        );
        Directory::new(dir)
            .read(&name, MAX_CHECKPOINT)
            .map_err(|error| Failure::usage("can't read the older checkpoint", error.0, "name the file with --since"))
    });
    let since = since.transpose()?;
    let read = source(args).and_then(|mut source| {
        let checkpoint = source.checkpoint().map_err(|error| unreadable(&error, args.json))?;
        Ok((source, checkpoint))
    });
    let (mut source, checkpoint) = read?;
    let request = Request {
        checkpoint: &checkpoint,
        origin: key.name().as_str(),
        keys: std::slice::from_ref(&key),
        since: since.as_deref(),
    };
    let bar = terminal::progress("checking");
    let outcome = verify::verify(&request, &mut source, &mut Observer::new(bar.clone(), check));
    bar.finish_and_clear();
    Ok(outcome::tell(&outcome, args.json))
}

fn source(args: &VerifyArgs) -> Result<Source, Failure> {
    match (&args.dir, &args.bundle, &args.access.url) {
        (Some(dir), _, _) => Ok(Source::Directory(Directory::new(dir))),
        (_, Some(file), _) => Archive::open(file)
            .map(Source::Archive)
            .map_err(|error| unreadable(&error, args.json)),
        (_, _, Some(url)) => Remote::new(url, &args.access).map(Source::Remote),
        (None, None, None) => Err(Failure::usage(
            "nothing to verify",
            "no log is named",
            "use --url, --dir or --bundle",
        )),
    }
}

/// Before the first tile: nothing was checked.
fn unreadable(error: &Unreadable, as_json: bool) -> Failure {
    if as_json {
        let told = json!({ "result": "incomplete", "checked": 0, "tile": null, "reason": error.0 });
        terminal::say(&told.to_string());
    }
    Failure::new(
        Exit::Incomplete,
        "can't read the log",
        error.0.clone(),
        "check the address, path and token; nothing is proved",
    )
}
