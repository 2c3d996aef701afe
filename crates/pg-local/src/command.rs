//! How the server's tools are called.

use std::{
    os::unix::process::CommandExt,
    path::PathBuf,
    process::{Command, Stdio},
};

use crate::user::ServerUser;

/// The server's binaries, and the user that runs them.
#[derive(Clone, Debug)]
pub(crate) struct Tools {
    pub bin_dir: PathBuf,
    pub user: Option<ServerUser>,
}

impl Tools {
    /// A command with an empty environment, as the server's user.
    pub fn command(&self, tool: &str) -> Command {
        self.plain(self.bin_dir.join(tool))
    }

    /// The same for a program that is not the server's.
    pub fn plain(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir("/")
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .stdin(Stdio::null());
        if let Some(user) = &self.user {
            // std also drops the supplementary groups.
            command.uid(user.uid).gid(user.gid);
        }
        command
    }
}
