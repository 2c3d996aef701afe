//! `[[providers]]`: who carries a channel.
use url::Url;

use super::{keys, reader::Reader};
use crate::secrets::SecretRef;

/// One provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Provider {
    /// What routes and reports call it.
    pub name: String,
    /// Which API it speaks.
    pub kind: ProviderKind,
    /// `sms`, `voice`.
    pub channels: Vec<&'static str>,
    /// Its host.
    pub base_url: Url,
    /// The account.
    pub account_sid: String,
    /// Its token.
    pub auth_token: SecretRef,
    /// The sender: a number (E.164), or a name or messaging service for SMS.
    pub from: String,
    /// Where it reports back to: this gateway, as seen from outside.
    pub callback_base: Url,
}

/// Which API a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProviderKind {
    /// Twilio's messages and calls, 2010-04-01.
    Twilio,
}

impl Provider {
    /// Reads one entry. `None` after a mistake.
    pub(super) fn read(reader: &mut Reader<'_>, public_url: Option<&Url>, names: &mut Vec<String>) -> Option<Self> {
        let name = reader.require(keys::PROVIDER_NAME);
        let kind = reader.require(keys::PROVIDER_KIND);
        let channels = reader.require(keys::PROVIDER_CHANNELS);
        let base_url = reader.get(keys::PROVIDER_BASE_URL);
        let account_sid = reader.require(keys::PROVIDER_ACCOUNT);
        let auth_token = reader.require(keys::PROVIDER_TOKEN);
        let from = reader.require(keys::PROVIDER_FROM);
        let callback_base = reader.get(keys::PROVIDER_CALLBACK).or_else(|| public_url.cloned());

        if let Some(name) = &name {
            if names.contains(name) {
                reader.complain(keys::PROVIDER_NAME, "another provider has this name");
            }
            names.push(name.clone());
            let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
            if name.len() > 40 || !name.chars().all(fit) {
                reader.complain(keys::PROVIDER_NAME, "expected at most 40 of a-z, 0-9, - and _");
            }
        }
        if let Some(account) = &account_sid
            && !(account.starts_with("AC") && account.len() <= 64 && account.chars().all(|c| c.is_ascii_alphanumeric()))
        {
            reader.complain(keys::PROVIDER_ACCOUNT, "expected AC and letters or digits");
        }
        if callback_base.is_none() && !reader.has(keys::PROVIDER_CALLBACK) {
            reader.complain(
                keys::PROVIDER_CALLBACK,
                "is missing, and there is no public_url to take its place",
            );
        }
        let kind = kind.map(|_| ProviderKind::Twilio);
        Some(Self {
            name: name?,
            kind: kind?,
            channels: channels?,
            base_url: base_url?,
            account_sid: account_sid?,
            auth_token: auth_token?,
            from: from?,
            callback_base: callback_base?,
        })
    }
}
