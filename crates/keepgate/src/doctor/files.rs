//! What can be seen without a database.
use std::{fs, io, os::unix::fs::MetadataExt, path::Path};

use keepgate_kernel::{Clock, SystemClock};

use super::Finding;
use crate::{
    config::Config,
    data_dir,
    secrets::{check, kek},
    serve::runtime,
    tls::Identity,
};

const MIB: u64 = 1024 * 1024;

/// Files, disk, clock, providers.
pub fn look(config: &Config) -> Vec<Finding> {
    let mut findings = vec![
        configuration(config),
        directory(&config.data_dir),
        disk(&config.data_dir),
        key_file(config),
    ];
    findings.push(certificate(config));
    findings.push(clock());
    findings.extend(secrets(config));
    findings.push(providers(config));
    findings
}

fn configuration(config: &Config) -> Finding {
    let from = config
        .file
        .as_ref()
        .map_or_else(|| "the defaults".to_owned(), |file| file.display().to_string());
    Finding::ok("configuration", from)
}

fn directory(dir: &Path) -> Finding {
    let name = "data directory";
    let meta = match fs::metadata(dir) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::warn(
                name,
                format!("{} is not there yet", dir.display()),
                "the first `keepgate serve` makes it",
            );
        }
        Err(error) => {
            return Finding::fail(
                name,
                format!("{}: {error}", dir.display()),
                "check the path and who owns it",
            );
        }
    };
    let (mode, us) = (meta.mode() & 0o777, rustix::process::geteuid().as_raw());
    let shown = dir.display();
    match () {
        () if meta.uid() != us => Finding::fail(
            name,
            format!("{shown} belongs to uid {}", meta.uid()),
            "run keepgate as its owner",
        ),
        () if mode & 0o022 != 0 => Finding::fail(
            name,
            format!("{shown} has mode {mode:04o}: others may write"),
            format!("chmod go-w {shown}"),
        ),
        () if mode & 0o044 != 0 => Finding::warn(
            name,
            format!("{shown} has mode {mode:04o}: others may list it; what is secret in it is closed by itself"),
            format!("chmod 710 {shown}"),
        ),
        () => Finding::ok(name, format!("{shown}, mode {mode:04o}")),
    }
}

fn disk(dir: &Path) -> Finding {
    let name = "disk space";
    let existing = dir.ancestors().find(|dir| dir.exists()).unwrap_or(Path::new("/"));
    let Some(free) = data_dir::free_bytes(existing) else {
        return Finding::warn(name, "unknown", "look at it yourself");
    };
    let told = format!("{} MiB free", free / MIB);
    match free {
        free if free < 256 * MIB => {
            Finding::fail(name, told, "free some space: the service refuses to start below 64 MiB")
        }
        free if free < 2048 * MIB => Finding::warn(name, told, "free some space; the audit log only grows"),
        _ => Finding::ok(name, told),
    }
}

fn key_file(config: &Config) -> Finding {
    let name = "key file";
    let shown = config.kek_file.display();
    match kek::load(&config.kek_file) {
        Ok(Some(file)) => Finding::ok(name, format!("{shown}, key {}", file.current())),
        Ok(None) if config.data_dir.join("pgdata/PG_VERSION").exists() => Finding::fail(
            name,
            format!("{shown} is missing, and there is a database sealed under it"),
            "restore it from your backup",
        ),
        Ok(None) => Finding::warn(
            name,
            format!("{shown} is not there yet"),
            "the first `keepgate serve` makes it",
        ),
        Err(failure) => Finding::fail(name, failure.why(), failure.help()),
    }
}

fn certificate(config: &Config) -> Finding {
    let name = "certificate";
    let identity = Identity::of(config.tls.as_ref(), &config.data_dir);
    match (&identity, identity.look(SystemClock.now())) {
        (_, Err(failure)) => Finding::fail(name, failure.why(), failure.help()),
        (Identity::Own(files), Ok(_)) => Finding::ok(name, files.cert.display().to_string()),
        (Identity::Development(_), Ok(true)) if config.listen.ip().is_loopback() => {
            Finding::ok(name, "a development certificate, on loopback")
        }
        (Identity::Development(_), Ok(true)) => Finding::warn(
            name,
            format!("a development certificate on {}", config.listen),
            "configure [tls] with a certificate that your clients trust",
        ),
        (Identity::Development(_), Ok(false)) => Finding::warn(
            name,
            "no development certificate, or one that is about to be renewed",
            "`keepgate serve` makes one",
        ),
    }
}

/// The clock of this machine; entries are stamped by the database's, which the running service compares with it.
fn clock() -> Finding {
    match keepgate_machine_clock::read() {
        Ok(clock) if clock.disciplined => {
            let bound = clock.max_error_us.saturating_add(clock.offset_us.unsigned_abs());
            Finding::ok(
                "clock",
                format!("synchronised, off by at most {bound} µs as the kernel knows"),
            )
        }
        Ok(_) => Finding::warn(
            "clock",
            "nobody synchronises it, as the kernel knows: entries of the audit log are marked `unsynchronised`",
            "run chrony or systemd-timesyncd on this machine and on the database's",
        ),
        Err(error) => Finding::warn(
            "clock",
            format!("whether it is synchronised is unknown ({error})"),
            "run chrony on this machine and on the database's",
        ),
    }
}

fn secrets(config: &Config) -> Vec<Finding> {
    crate::tls::install_provider();
    let looks = runtime().and_then(|runtime| runtime.block_on(check::look(config)));
    let looks = match looks {
        Ok(looks) => looks,
        Err(failure) => return vec![Finding::fail("secrets", failure.why(), failure.help())],
    };
    let finding = |look: check::Look| match look.why {
        None => Finding::ok("secret", format!("{} at {}", look.key, look.reference)),
        Some(why) => Finding::fail("secret", format!("{}: {why}", look.key), look.help.unwrap_or_default()),
    };
    looks.into_iter().map(finding).collect()
}

fn providers(config: &Config) -> Finding {
    let told: Vec<String> = config
        .providers
        .iter()
        .map(|provider| format!("{} ({})", provider.name, provider.channels.join(", ")))
        .collect();
    if told.is_empty() {
        return Finding::warn(
            "providers",
            "none: messages go over the internet only",
            "add [[providers]] for SMS and voice",
        );
    }
    Finding::ok("providers", told.join("; "))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::doctor::State;

    fn mode(dir: &Path, mode: u32) -> State {
        fs::set_permissions(dir, fs::Permissions::from_mode(mode)).unwrap();
        directory(dir).state
    }

    #[test]
    fn a_data_directory_that_others_may_write_fails_and_one_they_may_list_warns() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(
            [0o700, 0o710, 0o755, 0o777].map(|m| mode(dir.path(), m)),
            [State::Ok, State::Ok, State::Warn, State::Fail]
        );
        assert_eq!(directory(&dir.path().join("none")).state, State::Warn);
    }
}
