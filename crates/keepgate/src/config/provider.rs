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
    /// The sending number, E.164.
    pub from: String,
    /// Where it reports back to; `None`: nowhere is known, so no callbacks are asked for.
    pub callback_base: Option<Url>,
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
        if let Some(from) = &from
            && !is_e164(from)
        {
            reader.complain(keys::PROVIDER_FROM, "expected a number such as +15005550006 (E.164)");
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
            callback_base,
        })
    }
}

/// `+`, then 7 to 15 digits, the first not 0 (ITU-T E.164).
fn is_e164(number: &str) -> bool {
    let digits = number.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0')
}
