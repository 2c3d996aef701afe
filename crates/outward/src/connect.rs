//! A plain connection to a name that a tenant chose, for what does not speak HTTP.
use std::time::Duration;

use tokio::net::{TcpStream, lookup_host};

use crate::{Reach, allowed};

/// How long resolving and opening may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// Why there is no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// The name leads, also, to an address out of reach.
    #[error("the name leads to an address that is not public")]
    NotPublic,
    /// Nobody is there.
    #[error("the address can't be reached")]
    Unreachable,
    /// It took longer than 10 seconds.
    #[error("the address did not answer in time")]
    Timeout,
}

/// Connects to `host`, a name or an address without brackets. Every address it leads to has to be within `reach`.
///
/// # Errors
/// [`ConnectError`].
pub async fn connect(host: &str, port: u16, reach: &Reach) -> Result<TcpStream, ConnectError> {
    tokio::time::timeout(PATIENCE, open(host, port, reach))
        .await
        .unwrap_or(Err(ConnectError::Timeout))
}

async fn open(host: &str, port: u16, reach: &Reach) -> Result<TcpStream, ConnectError> {
    let found = lookup_host((host, port)).await.map_err(|_| ConnectError::Unreachable)?;
    let found: Vec<_> = found.collect();
    if !found.iter().all(|address| allowed(address.ip(), reach)) {
        return Err(ConnectError::NotPublic);
    }
    TcpStream::connect(&*found).await.map_err(|_| ConnectError::Unreachable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_out_of_reach_is_not_connected_to() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        for host in ["127.0.0.1", "localhost"] {
            let refused = connect(host, port, &Reach::default()).await;
            assert_eq!(refused.err(), Some(ConnectError::NotPublic), "{host}");
        }
        assert!(connect("127.0.0.1", port, &true.into()).await.is_ok());
        drop(listener);
        let gone = connect("127.0.0.1", port, &true.into()).await;
        assert_eq!(gone.err(), Some(ConnectError::Unreachable));
    }
}
