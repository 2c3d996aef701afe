//! Where a request comes from: the peer, or what the operator's own proxies say of it.
use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address of the client. `proxies` is how many trusted proxies stand in front, each of which appends the address of its own
/// peer to `X-Forwarded-For`: the last so many entries are theirs, and whatever stands before them is the client's invention.
/// Without proxies the header is not looked at.
///
/// A request that carries fewer entries came in behind the first proxies: its oldest entry was still written by a trusted one. An
/// entry that is no address is believed by nobody: the peer stands for it.
pub(crate) fn source(peer: Option<IpAddr>, headers: &HeaderMap, proxies: u8) -> Option<IpAddr> {
    if proxies == 0 {
        return peer;
    }
    let entries: Vec<&str> = headers
        .get_all(FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("?").split(','))
        .map(str::trim)
        .collect();
    let written = entries.len().saturating_sub(usize::from(proxies));
    entries
        .get(written)
        .and_then(|entry| address(entry))
        .or(peer)
        .map(|address| address.to_canonical())
}

/// `192.0.2.1`, `192.0.2.1:4711`, `2001:db8::1`, `[2001:db8::1]:4711`.
fn address(entry: &str) -> Option<IpAddr> {
    let bare = entry
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .map(|(ip, _)| ip);
    let parsed = bare.unwrap_or(entry).parse::<IpAddr>().ok();
    parsed.or_else(|| entry.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn only_what_trusted_proxies_wrote_is_believed() {
        // proxies, headers, source; the peer is 198.51.100.9
        for (proxies, values, wanted) in [
            (0, &[][..], "198.51.100.9"),
            (0, &["203.0.113.1"][..], "198.51.100.9"),
            (1, &["203.0.113.1"][..], "203.0.113.1"),
            (1, &[][..], "198.51.100.9"),
            (1, &["10.0.0.1, 203.0.113.1"][..], "203.0.113.1"),
            (1, &["10.0.0.1", "203.0.113.1"][..], "203.0.113.1"),
            (1, &["203.0.113.1:4711"][..], "203.0.113.1"),
            (1, &["[2001:db8::1]:4711"][..], "2001:db8::1"),
            (1, &["2001:db8::1"][..], "2001:db8::1"),
            (1, &["::ffff:203.0.113.1"][..], "203.0.113.1"),
            (1, &["203.0.113.1, unknown"][..], "198.51.100.9"),
            (1, &["203.0.113.1, "][..], "198.51.100.9"),
            (1, &["203.0.113.1, \u{fc}"][..], "198.51.100.9"),
            (2, &["10.0.0.1, 203.0.113.1, 192.0.2.7"][..], "203.0.113.1"),
            (2, &["203.0.113.1, 192.0.2.7"][..], "203.0.113.1"),
            (2, &["192.0.2.7"][..], "192.0.2.7"),
        ] {
            let headers: HeaderMap = values
                .iter()
                .map(|value| (FORWARDED_FOR, HeaderValue::from_bytes(value.as_bytes()).unwrap()))
                .collect();
            let peer = "198.51.100.9".parse().unwrap();
            assert_eq!(
                source(Some(peer), &headers, proxies),
                Some(wanted.parse().unwrap()),
                "{proxies} {values:?}"
            );
        }
    }
}
