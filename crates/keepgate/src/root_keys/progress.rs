//! How far it is: a bar on a terminal, a line now and then elsewhere.
use std::{
    io::{self, IsTerminal},
    time::{Duration, Instant},
};

use indicatif::ProgressBar;

use crate::terminal;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Of one command.
pub struct Progress {
    bar: ProgressBar,
    lines: bool,
    told: Instant,
}

impl Progress {
    /// `what` is being done; with `quiet` nothing is told.
    pub fn new(what: &'static str, quiet: bool) -> Self {
        let bar = if quiet {
            ProgressBar::hidden()
        } else {
            terminal::progress(what)
        };
        Self {
            bar,
            lines: !quiet && !io::stderr().is_terminal(),
            told: Instant::now(),
        }
    }

    /// So many in all.
    pub fn expect(&self, total: u64) {
        self.bar.set_length(total);
    }

    /// So many more.
    pub fn add(&mut self, more: u64) {
        self.bar.inc(more);
        if self.lines && self.told.elapsed() >= EVERY {
            self.told = Instant::now();
            let (done, total) = (self.bar.position(), self.bar.length().unwrap_or_default());
            terminal::note(&format!("{done} of {total} keys"));
        }
    }

    /// It has ended.
    pub fn end(&self) {
        self.bar.finish_and_clear();
    }
}
