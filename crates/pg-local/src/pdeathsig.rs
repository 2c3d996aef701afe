//! A child that dies with us: an unsafe call (docs/adr/0002-embedded-postgres-and-unsafe.md).

use std::{io, os::unix::process::CommandExt, process::Command};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// The kernel will send `signal` to the command when the THREAD that spawns it ends.
pub(crate) fn die_with_us(command: &mut Command, signal: Signal) {
    let us = getpid();
    let ask_kernel = move || {
        set_parent_process_death_signal(Some(signal))?;
        // We may have died before the line above: then no signal would ever come.
        if getppid() == Some(us) {
            Ok(())
        } else {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    };
    #[expect(
        unsafe_code,
        reason = "only a hook between fork and exec can ask for a parent-death signal"
    )]
    // SAFETY: the hook makes two direct system calls, allocates nothing and takes no lock, so it may run in the child
    // of a process with many threads. std changes uid and gid, which would clear the signal, before it calls the hook.
    unsafe {
        command.pre_exec(ask_kernel);
    }
}
