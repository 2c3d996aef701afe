//! How to reach the running server.

use std::{
    fmt::Write,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

use crate::Password;

/// The server's socket is named after a port even though no port is open.
pub(crate) const SOCKET: &str = ".s.PGSQL.5432";
const PORT: u16 = 5432;

/// The socket of a local server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// The directory that holds the socket.
    pub socket_dir: PathBuf,
    /// The number in the socket's name.
    pub port: u16,
}

impl Endpoint {
    pub(crate) fn new(socket_dir: &Path) -> Self {
        Self {
            socket_dir: socket_dir.into(),
            port: PORT,
        }
    }

    /// A `postgres://` URL, with the socket's directory percent-encoded as its host as libpq and sqlx take it.
    /// With a password it is a secret.
    pub fn url(&self, database: &str, role: &str, password: Option<&Password>) -> String {
        let login = match password {
            Some(password) => format!("{}:{}", encoded(role.as_bytes()), password.expose()),
            None => encoded(role.as_bytes()),
        };
        let host = encoded(self.socket_dir.as_os_str().as_bytes());
        format!("postgres://{login}@{host}/{}", encoded(database.as_bytes()))
    }
}

/// Percent-encodes all but the unreserved characters (RFC 3986, 2.3).
fn encoded(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(byte.into());
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_directory_is_the_encoded_host() {
        let at = Endpoint::new(Path::new("/tmp/a b/run"));
        assert_eq!(
            at.url("postgres", "kg_app", None),
            "postgres://kg_app@%2Ftmp%2Fa%20b%2Frun/postgres"
        );
        assert_eq!(
            at.url("a/b", "x@y", None),
            "postgres://x%40y@%2Ftmp%2Fa%20b%2Frun/a%2Fb"
        );
    }
}
