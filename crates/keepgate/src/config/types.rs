//! The types of values.
use std::{net::SocketAddr, path::PathBuf};

use keepgate_identity::IpNet;
use toml::de::DeValue;
use url::{Host, Url};

use super::key::Type;
use crate::secrets::{Place, ReferenceError, SecretRef, looks_like_a_credential};

/// Text of 1 to 200 characters on one line.
#[derive(Debug)]
pub struct Text;
/// A whole number.
#[derive(Debug)]
pub struct Integer {
    /// The least.
    pub min: u64,
    /// The most.
    pub max: u64,
}
/// `true` or `false`.
#[derive(Debug)]
pub struct Switch;
/// `IP:PORT`.
#[derive(Debug)]
pub struct Address;
/// `IP:PORT` of this machine only.
#[derive(Debug)]
pub struct LoopbackAddress;
/// An `https://` URL; `http://` on loopback.
#[derive(Debug)]
pub struct Link;
/// The same, or where the platforms of AWS give credentials to a container.
#[derive(Debug)]
pub struct ContainerLink;
/// A path; a relative one starts at the configuration file.
#[derive(Debug)]
pub struct FilePath;
/// One of some words.
#[derive(Debug)]
pub struct OneOf(pub &'static [&'static str]);
/// A list of some words, each once.
#[derive(Debug)]
pub struct SomeOf(pub &'static [&'static str]);
/// A list of networks that are nobody's but the operator's.
#[derive(Debug)]
pub struct Networks;
/// A reference to a secret.
#[derive(Debug)]
pub struct Secret;
/// A reference to a secret in a file: what lets us in to the other stores can't be in them.
#[derive(Debug)]
pub struct FileSecret;
/// A PostgreSQL URL without a password, or a reference to one with it.
#[derive(Debug)]
pub struct Database;

/// Where a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseRef {
    /// A URL without a password.
    Url(String),
    /// A secret that is a URL.
    Secret(SecretRef),
}

fn text<'v>(value: &'v DeValue<'_>) -> Result<&'v str, String> {
    value
        .as_str()
        .ok_or_else(|| format!("expected text in quotes, found {}", kind(value)))
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl Type for Text {
    type Out = String;
    fn read(&self, value: &DeValue<'_>) -> Result<String, String> {
        let text = text(value)?;
        match text.chars().count() {
            _ if text.chars().any(char::is_control) => Err("expected one line without control characters".into()),
            1..=200 => Ok(text.to_owned()),
            _ => Err("expected 1 to 200 characters".into()),
        }
    }
    fn describe(&self) -> String {
        "text".into()
    }
}

impl Type for Integer {
    type Out = u64;
    fn read(&self, value: &DeValue<'_>) -> Result<u64, String> {
        let integer = value
            .as_integer()
            .ok_or_else(|| format!("expected a whole number, found {}", kind(value)))?;
        let number = i128::from_str_radix(integer.as_str(), integer.radix()).unwrap_or(i128::MAX);
        match u64::try_from(number) {
            Ok(number) if (self.min..=self.max).contains(&number) => Ok(number),
            _ => Err(format!("{integer} is not between {} and {}", self.min, self.max)),
        }
    }
    fn describe(&self) -> String {
        format!("{} to {}", self.min, self.max)
    }
}

impl Type for Switch {
    type Out = bool;
    fn read(&self, value: &DeValue<'_>) -> Result<bool, String> {
        value
            .as_bool()
            .ok_or_else(|| format!("expected true or false without quotes, found {}", kind(value)))
    }
    fn describe(&self) -> String {
        "true or false".into()
    }
}

impl Type for Address {
    type Out = SocketAddr;
    fn read(&self, value: &DeValue<'_>) -> Result<SocketAddr, String> {
        let text = text(value)?;
        text.parse()
            .map_err(|_| format!("\"{text}\" is not an address such as 127.0.0.1:8443 or [::1]:8443"))
    }
    fn describe(&self) -> String {
        "IP:PORT".into()
    }
}

impl Type for LoopbackAddress {
    type Out = SocketAddr;
    fn read(&self, value: &DeValue<'_>) -> Result<SocketAddr, String> {
        let address = Address.read(value)?;
        let why = "is not a loopback address; this listener has no TLS and no log-in";
        if address.ip().is_loopback() {
            Ok(address)
        } else {
            Err(format!("{address} {why}"))
        }
    }
    fn describe(&self) -> String {
        "loopback IP:PORT".into()
    }
}

impl Type for Link {
    type Out = Url;
    fn read(&self, value: &DeValue<'_>) -> Result<Url, String> {
        let text = text(value)?;
        if looks_like_a_credential(text) {
            return Err("a URL must not hold a password".into());
        }
        let url: Url = text
            .parse()
            .map_err(|_| format!("\"{text}\" is not a URL such as https://gateway.example"))?;
        match (url.scheme(), is_loopback(&url)) {
            _ if url.query().is_some() || url.fragment().is_some() => Err("a base URL has no ? or #".into()),
            ("https", _) | ("http", true) => Ok(url),
            ("http", false) => Err(format!(
                "{url} is plain http; only https is allowed, except on loopback"
            )),
            (scheme, _) => Err(format!("{scheme}:// is not https://")),
        }
    }
    fn describe(&self) -> String {
        "https URL".into()
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// ECS, and EKS pod identity.
const CONTAINERS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

impl Type for ContainerLink {
    type Out = Url;
    fn read(&self, value: &DeValue<'_>) -> Result<Url, String> {
        let url = text(value)?.parse::<Url>().ok();
        let known = |url: &Url| url.host_str().is_some_and(|host| CONTAINERS.contains(&host));
        match url.filter(|url| url.scheme() == "http" && known(url) && url.username().is_empty()) {
            Some(url) => Ok(url),
            None => Link.read(value),
        }
    }
    fn describe(&self) -> String {
        "https URL, or the platform's address".into()
    }
}

impl Type for FilePath {
    type Out = PathBuf;
    fn read(&self, value: &DeValue<'_>) -> Result<PathBuf, String> {
        let text = text(value)?;
        if text.is_empty() || text.contains('\0') {
            Err("expected a path".into())
        } else {
            Ok(text.into())
        }
    }
    fn describe(&self) -> String {
        "path".into()
    }
}

impl Type for OneOf {
    type Out = &'static str;
    fn read(&self, value: &DeValue<'_>) -> Result<&'static str, String> {
        let text = text(value)?;
        let found = self.0.iter().find(|word| **word == text);
        found
            .copied()
            .ok_or_else(|| format!("\"{text}\" is not one of {}", self.0.join(", ")))
    }
    fn describe(&self) -> String {
        self.0.join(", ")
    }
}

impl Type for SomeOf {
    type Out = Vec<&'static str>;
    fn read(&self, value: &DeValue<'_>) -> Result<Vec<&'static str>, String> {
        let items = value
            .as_array()
            .ok_or_else(|| format!("expected a list, found {}", kind(value)))?;
        let words = items
            .iter()
            .map(|item| OneOf(self.0).read(item.get_ref()))
            .collect::<Result<Vec<_>, _>>()?;
        match words
            .iter()
            .enumerate()
            .find(|(at, word)| words.iter().take(*at).any(|before| before == *word))
        {
            Some((_, twice)) => Err(format!("\"{twice}\" stands there twice")),
            None if words.is_empty() => Err(format!("expected at least one of {}", self.0.join(", "))),
            None => Ok(words),
        }
    }
    fn describe(&self) -> String {
        format!("list of {}", self.0.join(", "))
    }
}

/// RFC 1918, RFC 6598 and RFC 4193. Not among them: loopback, and link-local addresses, where clouds keep credentials.
const PRIVATE: [&str; 5] = [
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "fc00::/7",
];

impl Type for Networks {
    type Out = Vec<IpNet>;
    fn read(&self, value: &DeValue<'_>) -> Result<Vec<IpNet>, String> {
        let items = value
            .as_array()
            .ok_or_else(|| format!("expected a list, found {}", kind(value)))?;
        let network = |item: &toml::Spanned<DeValue<'_>>| {
            let text = text(item.get_ref())?;
            let net: IpNet = text
                .parse()
                .map_err(|_| format!("\"{text}\" is no network such as 10.20.0.0/16"))?;
            let private = |range: &str| range.parse::<IpNet>().is_ok_and(|range| range.contains(&net));
            if PRIVATE.into_iter().any(private) {
                Ok(net.trunc())
            } else {
                Err(format!("\"{text}\" is not within {}", PRIVATE.join(", ")))
            }
        };
        items.iter().map(network).collect()
    }
    fn describe(&self) -> String {
        "list of private networks".into()
    }
}

impl Type for Secret {
    type Out = SecretRef;
    fn read(&self, value: &DeValue<'_>) -> Result<SecretRef, String> {
        text(value)?.parse().map_err(|error: ReferenceError| error.to_string())
    }
    fn needs(&self, secret: &SecretRef) -> Option<&'static str> {
        (secret.place() != Place::File).then(|| secret.place().word())
    }
    fn describe(&self) -> String {
        "secret reference".into()
    }
}

impl Type for FileSecret {
    type Out = SecretRef;
    fn read(&self, value: &DeValue<'_>) -> Result<SecretRef, String> {
        let secret = Secret.read(value)?;
        if secret.place() == Place::File {
            Ok(secret)
        } else {
            Err("what lets us in to a store must be in a file: secret://file/ABSOLUTE/PATH".into())
        }
    }
    fn describe(&self) -> String {
        "`secret://file/…`".into()
    }
}

/// What to write into the section of a store, in words.
pub fn section(name: &str) -> &'static str {
    match name {
        "openbao" => "openbao.url, openbao.auth and what that needs",
        "aws" => "aws.region and aws.identity",
        _ => "nothing but its name is needed",
    }
}

impl Type for Database {
    type Out = DatabaseRef;
    fn read(&self, value: &DeValue<'_>) -> Result<DatabaseRef, String> {
        let text = text(value)?;
        if text.starts_with("secret://") {
            return Secret.read(value).map(DatabaseRef::Secret);
        }
        if looks_like_a_credential(text) {
            return Err(ReferenceError::Literal.to_string());
        }
        let known = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.starts_with(scheme));
        if known {
            Ok(DatabaseRef::Url(text.to_owned()))
        } else {
            Err("expected postgres://… or a secret reference".into())
        }
    }
    fn needs(&self, database: &DatabaseRef) -> Option<&'static str> {
        match database {
            DatabaseRef::Url(_) => None,
            DatabaseRef::Secret(secret) => Secret.needs(secret),
        }
    }
    fn describe(&self) -> String {
        "postgres URL without a password, or secret reference".into()
    }
}
