//! The cookie of a browser that has logged in before. It gives no access, only a counter of failures of its own.
use axum::http::{HeaderMap, HeaderValue, header};
use keepgate_identity::{DeviceCookie, throttle::numbers::DEVICE_LIFE};
use secrecy::ExposeSecret;

const NAME: &str = "__Host-kg_device";

/// Its value, if the browser has sent one.
pub(crate) fn sent(headers: &HeaderMap) -> Option<&str> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'));
    let mut named = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(name, _)| *name == NAME);
    named.next().map(|(_, value)| value)
}

/// The header that makes the browser keep it: for this host alone, over TLS alone, out of reach of scripts and of other sites.
pub(crate) fn header(cookie: &DeviceCookie) -> Option<HeaderValue> {
    let (value, life) = (cookie.0.expose_secret(), DEVICE_LIFE.as_secs());
    let text = format!("{NAME}={value}; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age={life}");
    let mut header = HeaderValue::from_str(&text).ok()?;
    header.set_sensitive(true);
    Some(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (header::COOKIE, HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        for (values, found) in [
            (&["__Host-kg_device=abc"][..], Some("abc")),
            (&["a=b; __Host-kg_device=abc; c=d"][..], Some("abc")),
            (&["a=b", "__Host-kg_device=abc"][..], Some("abc")),
            (&["kg_device=abc"][..], None),
            (&["x__Host-kg_device=abc"][..], None),
            (&[][..], None),
        ] {
            assert_eq!(sent(&headers(values)), found, "{values:?}");
        }
    }

    #[test]
    fn it_is_set_for_this_host_tls_and_no_script() {
        let header = header(&DeviceCookie("abc".to_owned().into())).unwrap();
        assert!(header.is_sensitive());
        assert_eq!(
            header.to_str().unwrap(),
            "__Host-kg_device=abc; Path=/; Secure; HttpOnly; SameSite=Strict; Max-Age=7776000"
        );
    }
}
