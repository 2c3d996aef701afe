//! The two sockets. They are taken before anything is made, so that a busy port costs nothing.
use std::{
    io,
    net::{SocketAddr, TcpListener},
};

use crate::{config::Config, exit::Exit, failure::Failure};

/// Bound and not yet served.
#[derive(Debug)]
pub struct Listeners {
    /// HTTPS.
    pub public: TcpListener,
    /// Metrics and health.
    pub admin: TcpListener,
}

/// Takes both addresses; port 0 takes a free one.
///
/// # Errors
/// Exit code 5 when one is in use, 2 when it is not ours to take.
pub fn bind(config: &Config) -> Result<Listeners, Failure> {
    Ok(Listeners {
        public: take(config.listen, "--listen")?,
        admin: take(config.admin_listen, "--admin-listen")?,
    })
}

/// Takes one address; `flag` is what chooses another.
///
/// # Errors
/// As [`bind`].
pub fn take(address: SocketAddr, flag: &str) -> Result<TcpListener, Failure> {
    let taken = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    taken.map_err(|error| {
        let what = format!("can't listen on {address}");
        let help = format!("stop what uses it, or choose another address with {flag} (port 0 picks a free one)");
        match error.kind() {
            io::ErrorKind::AddrInUse => {
                Failure::new(Exit::PortInUse, what, "the port is in use by another process", help)
            }
            _ => Failure::usage(what, error.to_string(), format!("choose another address with {flag}")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_ends_with_code_5_and_names_address_and_flag() {
        let held = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = held.local_addr().unwrap();
        let said = take(address, "--listen").unwrap_err();
        assert_eq!(said.exit, Exit::PortInUse);
        let said = said.to_string();
        assert!(
            said.contains(&address.to_string()) && said.contains("--listen"),
            "{said}"
        );
    }

    #[test]
    fn port_0_takes_a_free_one() {
        let listener = take("127.0.0.1:0".parse().unwrap(), "--listen").unwrap();
        assert_ne!(listener.local_addr().unwrap().port(), 0);
    }

    #[test]
    fn an_address_of_another_machine_is_a_usage_error() {
        assert_eq!(
            take("192.0.2.1:0".parse().unwrap(), "--listen").unwrap_err().exit,
            Exit::Usage
        );
    }
}
