//! What people and scripts see on the terminal, as opposed to the log.
use std::{
    io::{self, IsTerminal, Write},
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::failure::Failure;

/// Writes a line to standard output. A reader that went away is no failure of ours.
pub fn say(line: &str) {
    let _ = writeln!(io::stdout().lock(), "{line}");
}

/// Writes a failure's three lines to standard error.
pub fn say_error(failure: &Failure) {
    let _ = writeln!(io::stderr().lock(), "{failure}");
}

/// Writes a line to standard error, for progress that is neither a result nor a log line.
pub fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "keepgate: {line}");
}

/// A progress bar on standard error, which shows nothing unless that is a terminal.
pub fn progress(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0);
    if !io::stderr().is_terminal() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        return bar;
    }
    let style = "{msg} {wide_bar} {human_pos} of {human_len}, {eta} left";
    if let Ok(style) = ProgressStyle::with_template(style) {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(200));
    bar.with_message(what)
}
