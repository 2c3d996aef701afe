//! The providers a gateway is configured with, as far as a delivery has to know.
use super::{Channel, WEBHOOK};

/// One configured provider on one channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carrier {
    /// Its name in the configuration: `^[a-z0-9_-]{1,63}$`.
    pub name: String,
    /// The channel it carries.
    pub channel: Channel,
    /// Whether it recognises a repetition by our key. Where it does not, a try whose outcome is unknown is never repeated.
    pub idempotent: bool,
}

/// Every configured provider, the preferred ones first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Carriers(Vec<Carrier>);

impl Carriers {
    /// The given providers.
    #[must_use]
    pub const fn new(carriers: Vec<Carrier>) -> Self {
        Self(carriers)
    }

    /// The same, able to call webhooks. Receivers recognise a repetition by `webhook-id`.
    #[must_use]
    pub fn with_webhooks(mut self) -> Self {
        self.0.push(Carrier {
            name: WEBHOOK.to_owned(),
            channel: Channel::Internet,
            idempotent: true,
        });
        self
    }

    /// The provider of try number `tries` (from 0) on `channel`: the one that is `wanted`, else each in turn.
    #[must_use]
    pub fn pick(&self, channel: Channel, wanted: Option<&str>, tries: u8) -> Option<&Carrier> {
        let fit = || {
            self.0
                .iter()
                .filter(|carrier| carrier.channel == channel && wanted.is_none_or(|name| name == carrier.name))
        };
        let turn = usize::from(tries).checked_rem(fit().count())?;
        fit().nth(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_go_to_each_provider_in_turn_unless_one_is_wanted() {
        let sms = |name: &str| Carrier {
            name: name.into(),
            channel: Channel::Sms,
            idempotent: false,
        };
        let carriers = Carriers::new(vec![sms("a"), sms("b")]);
        let name = |wanted, tries| {
            carriers
                .pick(Channel::Sms, wanted, tries)
                .map(|carrier| carrier.name.as_str())
        };
        assert_eq!(
            (name(None, 0), name(None, 1), name(None, 2)),
            (Some("a"), Some("b"), Some("a"))
        );
        assert_eq!((name(Some("b"), 0), name(Some("c"), 0)), (Some("b"), None));
        assert_eq!(carriers.pick(Channel::Voice, None, 0), None);
    }
}
