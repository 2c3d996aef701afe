//! What an ID token says.
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::Issuer;

/// How surely the provider knows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Factor {
    /// One factor, or more that nobody here believes.
    One,
    /// Two or more, said by a provider that is believed.
    Two,
}

/// A person whom a provider vouches for. Only the verification makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub(super) issuer: Issuer,
    pub(super) subject: String,
    pub(super) groups: Vec<String>,
    pub(super) factor: Factor,
    pub(super) email: Option<String>,
    pub(super) name: Option<String>,
}

impl Verified {
    /// The issuer …
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// … and its name for the person: together the identity.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The groups of the configured claim.
    #[must_use]
    pub fn groups(&self) -> &[String] {
        &self.groups
    }

    /// How many factors count.
    #[must_use]
    pub const fn factor(&self) -> Factor {
        self.factor
    }

    /// An address that the provider has verified. For display and contact; it never identifies anybody.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// What people call the person.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }
}

/// `aud`: a string or several (RFC 7519 section 4.1.3).
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Audience {
    One(String),
    Several(Vec<String>),
}

impl Audience {
    /// Whether it is this client, and nobody else: other audiences are not trusted (OpenID Connect Core 3.1.3.7, rule 3).
    pub(super) fn is_only(&self, client: &str) -> bool {
        match self {
            Self::One(one) => one == client,
            Self::Several(several) => matches!(several.as_slice(), [one] if one == client),
        }
    }
}

/// The claims with rules; the others stay as they are.
#[derive(Deserialize)]
pub(super) struct Claims {
    pub(super) iss: String,
    pub(super) sub: String,
    pub(super) aud: Audience,
    pub(super) azp: Option<String>,
    pub(super) exp: i64,
    pub(super) iat: i64,
    pub(super) nbf: Option<i64>,
    pub(super) auth_time: Option<i64>,
    pub(super) nonce: Option<String>,
    pub(super) at_hash: Option<String>,
    #[serde(default)]
    pub(super) amr: Vec<String>,
    pub(super) acr: Option<String>,
    pub(super) email: Option<String>,
    #[serde(default)]
    pub(super) email_verified: bool,
    pub(super) name: Option<String>,
    #[serde(flatten)]
    pub(super) others: Map<String, Value>,
}

impl Claims {
    /// The strings of a claim: an array of them, or one.
    pub(super) fn strings(&self, claim: &str) -> Vec<String> {
        match self.others.get(claim) {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether the provider says that two factors were used: `amr` as in RFC 8176, `acr` as in the OpenID EAP ACR values.
    pub(super) fn two_factors(&self) -> bool {
        self.amr.iter().any(|method| method == "mfa") || matches!(self.acr.as_deref(), Some("phr" | "phrh"))
    }
}
