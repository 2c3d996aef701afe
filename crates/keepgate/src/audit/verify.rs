//! `keepgate audit verify`.
use keepgate_audit::EntryCheck;
use keepgate_kernel::{Clock, SystemClock};
use keepgate_merkle::verify::{self, Outcome, Request};
use serde_json::json;

use super::{
    archive::Archive,
    directory::Directory,
    fresh,
    laid::Laid,
    observe::{Observer, RowFaults},
    openings::{self, Openings},
    outcome::{self, Told},
    remote::Remote,
    source::{Source, Unreadable},
    stamp::{self, Covered, Fault},
    stored::Stored,
    trust::{Trust, file_of},
};
use crate::{cli::VerifyArgs, environment::Environment, exit::Exit, failure::Failure, terminal};

/// Checks a whole log and tells how it ended.
///
/// # Errors
/// Exit code 2 for arguments that can't be used, 3 when there is nothing to read.
pub fn verify(args: &VerifyArgs, environment: &Environment) -> Result<Exit, Failure> {
    let mut trust = Trust::of(args)?;
    let check = EntryCheck::for_origin(&trust.origin).map_err(|error| {
        Failure::usage(
            "can't use --key",
            format!("it is not the key of a Keepgate log: {error}"),
            "give the key of the log itself",
        )
    })?;
    let rows = RowFaults::default();
    let mut source = Laid::over(source(args, environment, &rows)?, &args.archive, &trust.origin)?;
    let checkpoint = source
        .log()
        .checkpoint()
        .map_err(|error| unreadable(&error, args.json))?;
    let openings = openings(args, source.log())?;
    let stamp = match stamp::trust(args)? {
        None => None,
        Some(believed) => match Covered::read(source.log(), &trust.origin, &believed) {
            Ok(covered) => Some(covered),
            Err(Fault::Unreadable(error)) => return Err(unreadable(&error, args.json)),
            Err(Fault::Wrong(why)) => return Ok(outcome::tell(&Told::tampered(None, why), args.json)),
        },
    };
    if let Source::Stored(stored) = source.log() {
        trust
            .since
            .extend(stored.older().map_err(|error| unreadable(&error, args.json))?);
    }
    let request = Request {
        checkpoint: &checkpoint,
        origin: &trust.origin,
        keys: &trust.keys,
        since: &trust.since,
        policy: trust.policy.as_ref(),
    };
    let bar = terminal::progress("checking");
    let mut observer = Observer::new(bar.clone(), check, openings, rows).stamped(stamp);
    let outcome = verify::verify(&request, &mut source, &mut observer);
    bar.finish_and_clear();
    let told = judge(args, outcome, &observer, source.log());
    Ok(outcome::tell(&told, args.json))
}

/// What is left to ask once the tree holds.
fn judge(args: &VerifyArgs, outcome: Outcome<Unreadable>, observer: &Observer, source: &mut Source) -> Told {
    let Outcome::Verified(verified) = outcome else {
        return Told::of(outcome);
    };
    if let Some(index) = observer.openings().left(&verified.unseen) {
        return Told::tampered(
            Some(index),
            "there is an opening for an entry that the log does not have".into(),
        );
    }
    if let Source::Stored(stored) = source {
        match stored.strays() {
            Ok(None) => {}
            Ok(Some((index, why))) => return Told::tampered(index, why),
            Err(error) => return Told::incomplete(verified.size, error),
        }
    }
    let newest = fresh::newest(&verified.cosigned, observer.latest());
    if let Some(why) = fresh::stale(args.max_age, newest, SystemClock.now()) {
        return Told::stale(why, newest);
    }
    if verified.unseen.is_empty() {
        if let Some(stamp) = observer.stamp().filter(|stamp| !stamp.holds()) {
            let size = stamp.size;
            return Told::tampered(
                Some(verified.size),
                format!("{size} entries were time-stamped: the last ones were removed"),
            );
        }
        let stamped = observer.stamp().map(|stamp| (stamp.size, stamp.at));
        Told::verified(verified, newest, observer.openings().checked()).stamped(stamped)
    } else {
        Told::unseen(&verified)
    }
}

fn source(args: &VerifyArgs, environment: &Environment, rows: &RowFaults) -> Result<Source, Failure> {
    match (&args.dir, &args.bundle, &args.access.url, args.stored) {
        (Some(dir), ..) => Ok(Source::Directory(Directory::new(dir))),
        (_, Some(file), ..) => Archive::open(file)
            .map(Source::Archive)
            .map_err(|error| unreadable(&error, args.json)),
        (_, _, Some(url), _) => Remote::new(url, &args.access).map(Source::Remote),
        (.., true) => Stored::open(args, environment, rows.clone()).map(|stored| Source::Stored(Box::new(stored))),
        (None, None, None, false) => Err(Failure::usage(
            "nothing to verify",
            "no log is named",
            "use --url, --dir, --bundle or --stored",
        )),
    }
}

/// Those the caller names, and those that came with the log.
fn openings(args: &VerifyArgs, source: &mut Source) -> Result<Openings, Failure> {
    let text = match &args.openings {
        Some(file) => file_of(file, openings::MOST)
            .map_err(|why| Failure::usage("can't read the openings", why, "name the file with --openings"))?,
        None => source.openings().map_err(|error| unreadable(&error, args.json))?,
    };
    Openings::read(&text)
        .map_err(|why| Failure::usage("can't read the openings", why, "name another file with --openings"))
}

/// Before the first tile: nothing was checked.
fn unreadable(error: &Unreadable, as_json: bool) -> Failure {
    if as_json {
        let told = json!({ "result": "incomplete", "checked": 0, "tile": null, "reason": error.why });
        terminal::say(&told.to_string());
    }
    Failure::new(
        Exit::Incomplete,
        "can't read the log",
        error.why.clone(),
        "check the address, path and token; nothing is proved",
    )
}
