//! The service's own log: structured lines on standard error. Never a secret, a payload, or a panic's text.
use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, Layer, Registry, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{Log, LogFormat};

/// Starts logging. A second call changes nothing.
pub fn start(log: &Log) {
    let json = match log.format {
        LogFormat::Json => true,
        LogFormat::Text => false,
        LogFormat::Auto => !io::stderr().is_terminal(),
    };
    let lines: Box<dyn Layer<Registry> + Send + Sync> = if json {
        fmt::layer()
            .json()
            .flatten_event(true)
            .with_current_span(false)
            .with_writer(io::stderr)
            .boxed()
    } else {
        fmt::layer()
            .with_ansi(io::stderr().is_terminal())
            .with_target(false)
            .with_writer(io::stderr)
            .boxed()
    };
    // The filter is the registry's, not the layer's: where a library asks whether it may log and then does not (sqlx does, at
    // every query), a layer's own filter takes the next line of that thread for the one that was asked about, and drops it.
    let _ = tracing_subscriber::registry()
        .with(lines)
        .with(filter(&log.level))
        .try_init();
}

/// Our own lines at `level`; libraries no lower than warnings, because what they log at lower levels may quote data.
fn filter(level: &str) -> EnvFilter {
    let libraries = if level == "error" { "error" } else { "warn" };
    // With a dash and without: crates are `keepgate_gate`, the filter matches by prefix.
    EnvFilter::try_new(format!("{libraries},keepgate={level}")).unwrap_or_else(|_| EnvFilter::new("warn"))
}

/// A panic is logged with its place and without its text, which may hold anything. Ours are bugs.
pub fn hide_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic
            .location()
            .map_or_else(|| "an unknown place".to_owned(), ToString::to_string);
        if tracing::dispatcher::has_been_set() {
            tracing::error!(place, "a bug: panicked");
        } else {
            eprintln!(
                "keepgate: a bug: panicked at {place}\nwhy: not shown, because it may hold data\nwhat to do: report this line"
            );
        }
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_level_of_the_configuration_is_a_filter() {
        for level in ["error", "warn", "info", "debug", "trace"] {
            assert!(
                filter(level).to_string().contains(&format!("keepgate={level}")),
                "{level}"
            );
        }
    }

    #[test]
    fn libraries_never_log_below_warnings() {
        let said = filter("trace").to_string();
        assert!(
            !said.contains("sqlx") && said.split(',').any(|part| part == "warn"),
            "{said}"
        );
    }
}
