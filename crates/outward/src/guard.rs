//! Where a tenant's address may lead. The check is part of resolving, so the address that was checked is the one that is called.
use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

/// IPv4 that is not public, by the IANA special-purpose registry (RFC 6890 and its updates).
const NOT_PUBLIC_4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    (Ipv4Addr::new(224, 0, 0, 0), 3), // multicast, reserved, broadcast
];
/// The only public IPv6, RFC 4291 section 2.4 …
const GLOBAL_6: (Ipv6Addr, u8) = (Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);
/// … less protocol assignments with Teredo, documentation, and 6to4, which hides an IPv4 address.
const NOT_PUBLIC_6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
];

fn in_4(ip: Ipv4Addr, (net, prefix): (Ipv4Addr, u8)) -> bool {
    Ipv4Net::new(net, prefix).is_ok_and(|net| net.contains(&ip))
}

fn in_6(ip: Ipv6Addr, (net, prefix): (Ipv6Addr, u8)) -> bool {
    Ipv6Net::new(net, prefix).is_ok_and(|net| net.contains(&ip))
}

/// What is within reach besides the public addresses: by the operator's word, never a tenant's.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// This machine.
    pub loopback: bool,
    /// Networks of the operator's own.
    pub internal: Vec<IpNet>,
}

impl From<bool> for Reach {
    fn from(loopback: bool) -> Self {
        let internal = Vec::new();
        Self { loopback, internal }
    }
}

/// Whether a request may lead to `ip`.
#[must_use]
pub fn allowed(ip: IpAddr, reach: &Reach) -> bool {
    if ip.is_loopback() {
        return reach.loopback;
    }
    if reach.internal.iter().any(|net| net.contains(&ip)) {
        return true;
    }
    match ip {
        IpAddr::V4(ip) => !NOT_PUBLIC_4.iter().any(|net| in_4(ip, *net)),
        IpAddr::V6(ip) => in_6(ip, GLOBAL_6) && !NOT_PUBLIC_6.iter().any(|net| in_6(ip, *net)),
    }
}

/// A name led to an address that is not public.
#[derive(Debug, thiserror::Error)]
#[error("the name leads to an address that is not public")]
pub struct NotPublic;

/// Resolves names, and gives nothing if any of their addresses is not allowed.
#[derive(Debug)]
pub struct Guard {
    reach: Reach,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.reach.clone();
        Box::pin(async move {
            let found: Vec<SocketAddr> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            if found.iter().all(|address| allowed(address.ip(), &reach)) {
                Ok(Box::new(found.into_iter()) as Addrs)
            } else {
                Err(NotPublic.into())
            }
        })
    }
}

impl Guard {
    /// A resolver that does not look beyond `reach`.
    #[must_use]
    pub fn resolver(reach: Reach) -> Arc<dyn Resolve> {
        Arc::new(Self { reach })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_allowed() {
        for good in [
            "93.184.215.14",
            "8.8.8.8",
            "172.32.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
        ] {
            assert!(allowed(good.parse().unwrap(), &Reach::default()), "{good}");
        }
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "198.19.0.1",
            "192.0.0.1",
            "203.0.113.9",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:8.8.8.8",
            "64:ff9b::7f00:1",
            "fe80::1",
            "fc00::1",
            "ff02::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "::7f00:1",
        ] {
            assert!(!allowed(bad.parse().unwrap(), &Reach::default()), "{bad}");
        }
        assert!(
            allowed("127.0.0.1".parse().unwrap(), &Reach::from(true))
                && allowed("::1".parse().unwrap(), &Reach::from(true))
        );
        assert!(
            !allowed("10.0.0.1".parse().unwrap(), &Reach::from(true)),
            "loopback is all the switch opens"
        );
    }

    #[test]
    fn networks_of_the_operator_s_own_are_within_reach_and_nothing_beside_them() {
        let reach = Reach {
            loopback: false,
            internal: ["10.20.0.0/16", "fd00:1::/32"].map(|net| net.parse().unwrap()).into(),
        };
        for (ip, within) in [
            ("10.20.3.4", true),
            ("10.21.0.1", false),
            ("fd00:1::7", true),
            ("fd00:2::7", false),
            ("::ffff:10.20.3.4", false),
            ("127.0.0.1", false),
            ("169.254.169.254", false),
            ("8.8.8.8", true),
        ] {
            assert_eq!(allowed(ip.parse().unwrap(), &reach), within, "{ip}");
        }
    }

    #[tokio::test]
    async fn a_name_with_a_forbidden_address_leads_nowhere() {
        let name = || "localhost".parse::<Name>().unwrap();
        let refused = Guard { reach: false.into() }.resolve(name()).await;
        assert!(refused.is_err_and(|error| error.is::<NotPublic>()));
        assert!(Guard { reach: true.into() }.resolve(name()).await.is_ok());
    }
}
