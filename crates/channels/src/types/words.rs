//! Closed lists of words: an enum, its text form, and nothing else.

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$what:meta])* $variant:ident $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$what])* $variant,)+ }

        impl $name {
            /// Every value, in the order of the list.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word in the API and the database.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value that `word` names.
            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(from)?;
                Self::parse(&word).ok_or_else(|| serde::de::Error::unknown_variant(&word, &[$($word,)+]))
            }
        }
    };
}
pub(crate) use words;

words! {
    /// A way to reach a recipient.
    Channel {
        /// A principal's stream, or a webhook.
        Internet "internet",
        /// A text message.
        Sms "sms",
        /// A telephone call.
        Voice "voice",
        /// E-mail.
        Email "email",
    }
}

words! {
    /// How urgent the sender says a message is. Handed on to webhooks and streams; it changes no timing.
    Priority {
        /// When convenient.
        Low "low",
        /// The default.
        Normal "normal",
        /// Soon.
        High "high",
        /// Now.
        Urgent "urgent",
    }
}

words! {
    /// Where a message stands, as the API tells it.
    Status {
        /// Durable; no try has begun.
        Accepted "accepted",
        /// A try has begun, or a step was skipped.
        Delivering "delivering",
        /// A provider reported delivery, and no acknowledgement was required.
        Delivered "delivered",
        /// The recipient acknowledged it.
        Acknowledged "acknowledged",
        /// Every step is spent.
        Failed "failed",
        /// Its sender's side called it off.
        Cancelled "cancelled",
        /// The deadline passed.
        Expired "expired",
    }
}
