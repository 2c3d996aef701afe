//! The server's settings. They go onto its command line, so that `ALTER SYSTEM` can't undo them.

use std::path::Path;

use crate::Mode;

/// Statements, parameters and row values carry payloads and password hashes, and must not reach the log: no
/// statement is logged, and `terse` drops the detail of an error, in which the server quotes the row.
const QUIET_LOG: [(&str, &str); 12] = [
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_min_messages", "warning"),
    ("log_min_error_statement", "panic"),
    ("log_error_verbosity", "terse"),
    ("log_statement", "none"),
    ("log_min_duration_statement", "-1"),
    ("log_parameter_max_length", "0"),
    ("log_parameter_max_length_on_error", "0"),
    ("log_lock_waits", "off"),
    ("log_temp_files", "-1"),
    ("log_checkpoints", "off"),
];

const COMMON: [(&str, &str); 7] = [
    ("listen_addresses", ""),
    ("port", "5432"),
    ("unix_socket_permissions", "0700"),
    ("timezone", "UTC"),
    ("log_timezone", "UTC"),
    ("jit", "off"),
    ("shared_buffers", "128MB"),
];

const DURABLE: [(&str, &str); 4] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("password_encryption", "scram-sha-256"),
];

const THROWAWAY: [(&str, &str); 9] = [
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("wal_level", "minimal"),
    ("max_wal_senders", "0"),
    ("autovacuum", "off"),
    ("max_wal_size", "4GB"),
    ("checkpoint_timeout", "1d"),
    ("max_prepared_transactions", "8"), // off elsewhere
];

/// All settings in the order in which they are given; a later one wins.
pub(crate) fn settings(
    mode: Mode,
    socket_dir: &Path,
    max_connections: u16,
    further: &[(String, String)],
) -> Vec<(String, String)> {
    let of_mode: &[(&str, &str)] = if mode == Mode::Durable { &DURABLE } else { &THROWAWAY };
    let fixed = QUIET_LOG
        .iter()
        .chain(&COMMON)
        .chain(of_mode)
        .map(|(key, value)| (key.to_string(), value.to_string()));
    let ours = [
        ("unix_socket_directories".to_string(), quoted(socket_dir)),
        ("max_connections".to_string(), max_connections.to_string()),
    ];
    fixed.chain(ours).chain(further.iter().cloned()).collect()
}

/// The setting is a list: without quotes a comma or a space in the path would end it.
fn quoted(dir: &Path) -> String {
    format!("\"{}\"", dir.display().to_string().replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_setting_comes_last_so_that_it_wins() {
        let own = [("shared_buffers".to_string(), "1GB".to_string())];
        let all = settings(Mode::Durable, Path::new("/d/run"), 100, &own);
        let last = all.iter().rfind(|(key, _)| key == "shared_buffers").unwrap();
        assert_eq!(last.1, "1GB");
    }

    #[test]
    fn a_socket_directory_is_one_quoted_entry() {
        assert_eq!(quoted(Path::new("/a, b/\"c\"")), "\"/a, b/\"\"c\"\"\"");
    }
}
