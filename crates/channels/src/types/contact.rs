//! Where a recipient can be reached.
use keepgate_kernel::PrincipalId;

use super::{Channel, WebhookUrl};

/// Why a text is not an address of its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ContactError {
    /// Telephone numbers are E.164: `+`, then 7 to 15 digits, the first not 0.
    #[error("a telephone number is written as in E.164, such as +15005550006")]
    Phone,
    /// Internet contacts are principals' ids or webhook URLs.
    #[error("an internet address is a principal's id or the https URL of a registered webhook")]
    Internet,
    /// Not `name@host`, or longer than 254 characters.
    #[error("an e-mail address is written as name@host")]
    Email,
}

/// A telephone number in E.164 form.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PhoneNumber(String);

impl PhoneNumber {
    /// Checks the form, not whether anybody answers.
    ///
    /// # Errors
    /// [`ContactError::Phone`].
    pub fn parse(text: &str) -> Result<Self, ContactError> {
        let digits = text.strip_prefix('+').ok_or(ContactError::Phone)?;
        let fits = (7..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        if fits && !digits.starts_with('0') {
            Ok(Self(text.to_owned()))
        } else {
            Err(ContactError::Phone)
        }
    }

    /// The number, with its `+`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PhoneNumber(..)")
    }
}

/// A checked address.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Address {
    /// The stream of a principal.
    Stream(PrincipalId),
    /// A registered webhook.
    Webhook(WebhookUrl),
    /// A telephone, for text or voice.
    Phone(PhoneNumber),
    /// A mailbox.
    Mail(String),
}

impl Address {
    /// Checks `text` as an address of `channel`.
    ///
    /// # Errors
    /// [`ContactError`], by channel.
    pub fn parse(channel: Channel, text: &str) -> Result<Self, ContactError> {
        match channel {
            Channel::Sms | Channel::Voice => PhoneNumber::parse(text).map(Self::Phone),
            Channel::Email => mailbox(text).map(Self::Mail).ok_or(ContactError::Email),
            Channel::Internet => text
                .parse()
                .map(Self::Stream)
                .ok()
                .or_else(|| WebhookUrl::parse(text).map(Self::Webhook).ok())
                .ok_or(ContactError::Internet),
        }
    }
}

impl std::fmt::Display for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stream(principal) => write!(f, "{principal}"),
            Self::Webhook(url) => f.write_str(url.as_str()),
            Self::Phone(number) => f.write_str(number.as_str()),
            Self::Mail(mailbox) => f.write_str(mailbox),
        }
    }
}

/// Personal data: only ids are shown.
impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Stream(principal) => write!(f, "Stream({principal})"),
            Self::Webhook(_) => f.write_str("Webhook(..)"),
            Self::Phone(_) => f.write_str("Phone(..)"),
            Self::Mail(_) => f.write_str("Mail(..)"),
        }
    }
}

fn mailbox(text: &str) -> Option<String> {
    let (name, host) = text.rsplit_once('@')?;
    let plain = text.len() <= 254 && text.chars().all(|c| !c.is_whitespace() && !c.is_control());
    (plain && !name.is_empty() && name.len() <= 64 && !host.is_empty()).then(|| text.to_owned())
}

/// One way to reach somebody.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Contact {
    channel: Channel,
    address: Address,
    verified: bool,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    channel: Channel,
    address: String,
    #[serde(default)]
    verified: bool,
}

impl Contact {
    /// A contact on `channel`; `verified` is what the caller says about it.
    ///
    /// # Errors
    /// [`ContactError`] when `address` is not one of that channel.
    pub fn new(channel: Channel, address: &str, verified: bool) -> Result<Self, ContactError> {
        Ok(Self {
            channel,
            address: Address::parse(channel, address)?,
            verified,
        })
    }

    /// The channel.
    #[must_use]
    pub const fn channel(&self) -> Channel {
        self.channel
    }

    /// The address.
    #[must_use]
    pub const fn address(&self) -> &Address {
        &self.address
    }

    /// Whether the address is known to be the recipient's.
    #[must_use]
    pub const fn verified(&self) -> bool {
        self.verified
    }
}

impl TryFrom<Written> for Contact {
    type Error = ContactError;
    fn try_from(written: Written) -> Result<Self, ContactError> {
        Self::new(written.channel, &written.address, written.verified)
    }
}

impl From<Contact> for Written {
    fn from(contact: Contact) -> Self {
        Self {
            channel: contact.channel,
            address: contact.address.to_string(),
            verified: contact.verified,
        }
    }
}

/// The principals among `contacts`, each once, in their order: whose streams a message goes to, and who may acknowledge it.
#[must_use]
pub fn addressees(contacts: &[Contact]) -> Vec<PrincipalId> {
    let mut found = Vec::new();
    for contact in contacts {
        if let Address::Stream(principal) = contact.address()
            && !found.contains(principal)
        {
            found.push(*principal);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_e164_is_a_telephone_number() {
        assert!(PhoneNumber::parse("+15005550006").is_ok());
        for bad in [
            "",
            "+",
            "15005550006",
            "+0500555000",
            "+1500555",
            "+1234567890123456",
            "+1500 555 0006",
            "+1500555000٣",
        ] {
            let short = bad == "+1500555";
            assert_eq!(PhoneNumber::parse(bad).is_ok(), short, "{bad}");
        }
    }

    #[test]
    fn an_internet_address_is_a_principal_or_a_webhook() {
        assert!(matches!(
            Address::parse(Channel::Internet, "usr_00000000000000000000000000"),
            Ok(Address::Stream(_))
        ));
        assert!(matches!(
            Address::parse(Channel::Internet, "https://desk.example/hook"),
            Ok(Address::Webhook(_))
        ));
        for bad in [
            "msg_00000000000000000000000000",
            "http://desk.example/hook",
            "+15005550006",
            "ftp://x",
            "",
        ] {
            assert_eq!(
                Address::parse(Channel::Internet, bad),
                Err(ContactError::Internet),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_contact_survives_its_json_form() {
        let contact = Contact::new(Channel::Sms, "+15005550006", true).unwrap();
        let json = serde_json::to_string(&contact).unwrap();
        assert_eq!(json, r#"{"channel":"sms","address":"+15005550006","verified":true}"#);
        assert_eq!(serde_json::from_str::<Contact>(&json).unwrap(), contact);
    }

    #[test]
    fn debug_shows_no_personal_data() {
        let contact = Contact::new(Channel::Sms, "+15005550006", true).unwrap();
        assert!(!format!("{contact:?}").contains("555"));
    }
}
