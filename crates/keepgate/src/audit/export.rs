//! `keepgate audit export`.
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use keepgate_merkle::tile::{TileKind, tiles_for};

use super::{
    remote::{Remote, StreamError},
    source::{MAX_CHECKPOINT, Unreadable},
    tiles::{Grower, TileDirectory, size_of},
};
use crate::{
    cli::{ExportArgs, Format},
    embedded::{Attached, DATABASE},
    environment::Environment,
    exit::Exit,
    failure::Failure,
    postgres, terminal,
    unfinished::Unfinished,
};

/// Writes a log to a file or directory.
///
/// # Errors
/// Exit code 2 for arguments that can't be used, 3 when the log can't be read, 8 when the disk is full.
pub fn export(args: &ExportArgs, environment: &Environment) -> Result<Exit, Failure> {
    if fs::symlink_metadata(&args.out).is_ok() {
        let why = format!("{} exists", args.out.display());
        return Err(Failure::usage(
            "can't write the export",
            why,
            "name a path that does not exist with --out",
        ));
    }
    if args.format == Format::Tiles && (args.from.is_some() || args.to.is_some()) {
        let why = "a log is verifiable as a whole only";
        return Err(Failure::usage(
            "can't cut tiles by time",
            why,
            "leave --from and --to out, or choose another format",
        ));
    }
    let written = match (&args.access.url, args.format) {
        (Some(url), Format::Tiles) => tiles_from(&Remote::new(url, &args.access)?, &args.out)?,
        (Some(url), format) => stream_from(&Remote::new(url, &args.access)?, format, args)?,
        (None, Format::Tiles) => tiles_from_directory(args, environment)?,
        (None, _) => {
            return Err(Failure::usage(
                "can't make that form from a data directory",
                "only a running gateway may open the addresses in it, and it logs who did",
                "use --format tiles, or name the gateway with --url",
            ));
        }
    };
    terminal::say(&format!("{written}: {}", args.out.display()));
    Ok(Exit::Ok)
}

fn tiles_from(remote: &Remote, out: &Path) -> Result<String, Failure> {
    let checkpoint = remote
        .log_file("checkpoint", MAX_CHECKPOINT)
        .map_err(|error| unreadable(&error))?;
    let size = size_of(&checkpoint)
        .ok_or_else(|| unreadable(&Unreadable::new("what the gateway calls a checkpoint is none")))?;
    let directory = TileDirectory::begin(out).map_err(|error| cannot_write(out, &error))?;
    let bar = terminal::progress("fetching tiles");
    bar.set_length(tiles_for(size).count().try_into().unwrap_or(u64::MAX));
    let mut archived = 0;
    for path in tiles_for(size) {
        bar.inc(1);
        let content = match remote.log_file(&path.to_string(), path.max_bytes()) {
            Err(gone) if gone.elsewhere && path.kind() == TileKind::Entries => {
                archived += u64::from(path.width());
                continue;
            }
            content => content.map_err(|error| unreadable(&error))?,
        };
        directory
            .tile(&path, &content)
            .map_err(|error| cannot_write(out, &error))?;
    }
    if let Ok(vkey) = remote.log_file("vkey", MAX_CHECKPOINT) {
        directory
            .file("vkey", &vkey)
            .map_err(|error| cannot_write(out, &error))?;
    }
    bar.finish_and_clear();
    directory
        .finish(&checkpoint)
        .map_err(|error| cannot_write(out, &error))?;
    Ok(wrote(size, archived))
}

fn wrote(size: u64, archived: u64) -> String {
    match archived {
        0 => format!("wrote {size} entries"),
        _ => format!(
            "wrote {} of {size} entries; the first {archived} were archived, and only their hashes are here",
            size.saturating_sub(archived)
        ),
    }
}

fn stream_from(remote: &Remote, format: Format, args: &ExportArgs) -> Result<String, Failure> {
    let name = match format {
        Format::Jsonl => "jsonl",
        Format::Csv => "csv",
        Format::Ocsf => "ocsf",
        Format::Bundle | Format::Tiles => "bundle",
    };
    let mut query = vec![("format", name)];
    query.extend(args.from.as_deref().map(|from| ("from", from)));
    query.extend(args.to.as_deref().map(|to| ("to", to)));
    let mut file = Unfinished::begin(&args.out).map_err(|error| cannot_write(&args.out, &error))?;
    let bar = terminal::progress("fetching bytes");
    let mut bytes = 0_u64;
    let streamed = remote.stream("v1/audit/export", &query, &mut |piece| {
        bytes = bytes.saturating_add(piece.len().try_into().unwrap_or(u64::MAX));
        bar.set_position(bytes);
        file.write_all(piece)
    });
    bar.finish_and_clear();
    match streamed {
        Ok(()) => {}
        Err(StreamError::Remote(error)) => return Err(unreadable(&error)),
        Err(StreamError::Sink(error)) => return Err(cannot_write(&args.out, &error)),
    }
    file.finish(&args.out)
        .map_err(|error| cannot_write(&args.out, &error))?;
    Ok(format!("wrote {bytes} bytes"))
}

fn tiles_from_directory(args: &ExportArgs, environment: &Environment) -> Result<String, Failure> {
    let attached = Attached::to(&args.data.load(environment)?, environment)?;
    let link = postgres::link(&attached.url(DATABASE, "keepgate")?)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
    runtime.block_on(async {
        let mut log = postgres::StoredLog::open(&link, args.tenant).await?;
        let directory = TileDirectory::begin(&args.out).map_err(|error| cannot_write(&args.out, &error))?;
        let (mut grower, bar) = (Grower::default(), terminal::progress("reading entries"));
        bar.set_length(log.size());
        let (mut at, mut archived, first) = (0, 0, log.min_index().await?);
        while let Some((entries, hashes)) = log.next_bundle().await? {
            let width: u64 = hashes.len().try_into().unwrap_or_default();
            if entries.is_empty() && at < first {
                grower.archived(&directory, &hashes)
            } else {
                grower.bundle(&directory, &entries, &hashes)
            }
            .map_err(|error| cannot_write(&args.out, &error))?;
            archived += if entries.is_empty() && at < first { width } else { 0 };
            at += width;
            bar.inc(width);
        }
        bar.finish_and_clear();
        grower
            .finish(&directory)
            .map_err(|error| cannot_write(&args.out, &error))?;
        let size = log.size();
        directory
            .finish(log.checkpoint())
            .map_err(|error| cannot_write(&args.out, &error))?;
        Ok(wrote(size, archived))
    })
}

fn unreadable(error: &Unreadable) -> Failure {
    Failure::new(
        Exit::Incomplete,
        "can't read the log",
        error.why.clone(),
        "check the address and the token; nothing was written",
    )
}

fn cannot_write(out: &Path, error: &io::Error) -> Failure {
    Failure::io(format!("can't write {}", out.display()), error)
}
