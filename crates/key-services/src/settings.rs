//! Settings that no service can be reached with.
use keepgate_outward::is_loopback;
use url::Url;

/// Settings that no service can be reached with.
#[derive(Debug, thiserror::Error)]
pub enum BadSettings {
    /// Neither https nor, on the loopback interface, http; or with a name, a password, a query or a fragment in it.
    #[error("the address is not https://HOST[:PORT][/PATH]; http is for the loopback interface alone")]
    Address,
    /// A name, mount, region or the like with characters it can't have.
    #[error("{0} is empty or has characters it can't have")]
    Name(&'static str),
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[source] reqwest::Error),
}

/// `url`, if a service may be asked there.
pub fn address(url: Url) -> Result<Url, BadSettings> {
    let secure = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    if secure && is_plain(&url) {
        Ok(url)
    } else {
        Err(BadSettings::Address)
    }
}

/// As [`address`], or http to one of the addresses where platforms serve their machines.
pub fn platform_address(url: Url, platforms: &[&str]) -> Result<Url, BadSettings> {
    let known = url.scheme() == "http" && url.host_str().is_some_and(|host| platforms.contains(&host));
    if known && is_plain(&url) {
        return Ok(url);
    }
    address(url)
}

fn is_plain(url: &Url) -> bool {
    let bare = url.username().is_empty() && url.password().is_none();
    bare && url.has_host() && url.query().is_none() && url.fragment().is_none()
}

/// The segments of a path such as `transit/sub`: none is empty, and none leads upwards.
pub fn segments(path: &str) -> Option<Vec<&str>> {
    let segments: Vec<_> = path.split('/').collect();
    let good = |segment: &&str| {
        !segment.is_empty() && *segment != "." && *segment != ".." && !segment.chars().any(char::is_control)
    };
    segments.iter().all(good).then_some(segments)
}

/// `base` and then `segments`, encoded.
pub fn join<'a>(base: &Url, segments: impl IntoIterator<Item = &'a str>) -> Url {
    let mut url = base.clone();
    if let Ok(mut path) = url.path_segments_mut() {
        path.pop_if_empty().extend(segments);
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_are_asked_by_https_or_on_loopback() {
        for (url, good) in [
            ("https://bao.example", true),
            ("https://bao.example:8200/base", true),
            ("http://127.0.0.1:8200", true),
            ("http://[::1]:8200", true),
            ("http://bao.example", false),
            ("http://localhost:8200", false),
            ("http://169.254.169.254", false),
            ("https://name:word@bao.example", false),
            ("https://bao.example/?a=b", false),
            ("https://bao.example/#f", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(address(url.parse().unwrap()).is_ok(), good, "{url}");
        }
        let metadata: Url = "http://169.254.169.254/".parse().unwrap();
        assert!(platform_address(metadata.clone(), &["169.254.169.254"]).is_ok());
        assert!(platform_address(metadata, &["169.254.170.2"]).is_err());
    }

    #[test]
    fn a_path_stays_below_where_it_begins() {
        let base: Url = "https://bao.example/base/".parse().unwrap();
        let joined = join(&base, segments("kv/a b/c?d#e%2F").unwrap());
        assert_eq!(joined.as_str(), "https://bao.example/base/kv/a%20b/c%3Fd%23e%252F");
        for bad in ["", "/a", "a/", "a//b", "..", "a/../b", "a/./b", "a\nb"] {
            assert!(segments(bad).is_none(), "{bad}");
        }
    }
}
