//! Creates a cluster, whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{OpenOptionsExt, chown},
    path::{Path, PathBuf},
};

use crate::{
    Mode, Password, StartError,
    command::Tools,
    error::Doing,
    layout::{Layout, private_dir},
};

/// Does nothing if there is a cluster. `initdb` works beside the final place and its result is renamed, so a killed
/// start leaves no half of one.
pub(crate) fn create(
    layout: &Layout,
    tools: &Tools,
    mode: Mode,
    superuser: &str,
    password: Option<&Password>,
) -> Result<(), StartError> {
    if layout.has_cluster() {
        return Ok(());
    }
    if fs::read_dir(&layout.pgdata).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(StartError::NotACluster {
            pgdata: layout.pgdata.clone(),
        });
    }
    remove(&layout.unfinished)?;
    private_dir(&layout.unfinished, tools.user.as_ref())?;
    let password_file = password
        .map(|password| hand_over(layout, tools, password))
        .transpose()?;
    let made = run(layout, tools, mode, superuser, password_file.as_deref());
    if let Some(file) = password_file {
        fs::remove_file(&file).doing("remove", &file)?;
    }
    made?;
    fs::rename(&layout.unfinished, &layout.pgdata).doing("rename to", &layout.pgdata)?;
    File::open(&layout.dir)
        .and_then(|dir| dir.sync_all())
        .doing("sync", &layout.dir)
}

fn run(
    layout: &Layout,
    tools: &Tools,
    mode: Mode,
    superuser: &str,
    password_file: Option<&Path>,
) -> Result<(), StartError> {
    let mut initdb = tools.command("initdb");
    initdb
        .arg("-D")
        .arg(&layout.unfinished)
        .args(["-U", superuser, "-E", "UTF8", "--locale=C", "--data-checksums"]);
    initdb.arg("--auth-host=reject");
    match password_file {
        Some(file) => initdb.arg("--auth-local=scram-sha-256").arg("--pwfile").arg(file),
        None => initdb.arg("--auth-local=trust"),
    };
    if mode == Mode::Throwaway {
        initdb.arg("--no-sync");
    }
    // Killed, not asked: asked, it would tidy up the directory that our successor is about to use.
    #[cfg(target_os = "linux")]
    crate::pdeathsig::die_with_us(&mut initdb, rustix::process::Signal::KILL);
    let out = initdb.output().doing("run", &tools.bin_dir.join("initdb"))?;
    if out.status.success() {
        return Ok(());
    }
    Err(StartError::Initdb {
        output: String::from_utf8_lossy(&out.stderr).trim().to_string(),
    })
}

/// A password can't go through the command line, and a pipe can't be opened again by another user: a file in the
/// server's own directory, for as long as `initdb` runs.
fn hand_over(layout: &Layout, tools: &Tools, password: &Password) -> Result<PathBuf, StartError> {
    let path = layout.run.join("initdb.pw");
    remove_file(&path)?;
    let mut file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .doing("create", &path)?;
    writeln!(file, "{}", password.expose()).doing("write", &path)?;
    if let Some(user) = &tools.user {
        chown(&path, Some(user.uid), Some(user.gid)).doing("change the owner of", &path)?;
    }
    Ok(path)
}

fn remove_file(path: &Path) -> Result<(), StartError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e).doing("remove", path),
        _ => Ok(()),
    }
}

/// Processes of a killed `initdb` may add a last file while we remove theirs.
fn remove(dir: &Path) -> Result<(), StartError> {
    for _ in 0..3 {
        match fs::remove_dir_all(dir) {
            Err(e) if e.kind() == io::ErrorKind::DirectoryNotEmpty => {}
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            done => return done.doing("remove", dir),
        }
    }
    fs::remove_dir_all(dir).doing("remove", dir)
}
