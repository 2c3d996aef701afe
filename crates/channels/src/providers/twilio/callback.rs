//! What Twilio reports, in our words.
use super::errors::{Meaning, meaning};
use crate::{
    Reason,
    commands::News,
    machine::{RefusalClass, Stage},
    types::words,
};

words! {
    /// Which of our URLs Twilio called: the last part of its path.
    CallbackKind {
        /// A message's status.
        Message "message",
        /// A call's status.
        Call "call",
        /// The key that was pressed in a call.
        Digits "digits",
    }
}

/// A callback, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reported {
    /// The event's name: the same however often it comes.
    pub event: String,
    /// Twilio's id of the message or call.
    pub provider_ref: Option<String>,
    /// What it tells.
    pub news: News,
}

impl Reported {
    /// Reads the form fields of a callback whose signature has been checked. A status that is not known is no news.
    #[must_use]
    pub fn read(kind: CallbackKind, fields: &[(String, String)]) -> Self {
        let field = |name: &str| {
            fields
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value.as_str())
                .filter(|value| !value.is_empty())
        };
        let (id, word) = match kind {
            CallbackKind::Message => (
                field("MessageSid").or_else(|| field("SmsSid")),
                field("MessageStatus").or_else(|| field("SmsStatus")),
            ),
            CallbackKind::Call => (field("CallSid"), field("CallStatus")),
            CallbackKind::Digits => (field("CallSid"), field("Digits")),
        };
        let (id, word) = (cut(id.unwrap_or_default(), 100), cut(word.unwrap_or("none"), 60));
        let news = match kind {
            CallbackKind::Digits => word
                .chars()
                .next()
                .filter(|_| word != "none")
                .map_or(News::Other, News::Digit),
            CallbackKind::Message | CallbackKind::Call => {
                receipt(&word, field("ErrorCode").and_then(|code| code.parse().ok()))
            }
        };
        Self {
            event: format!("{kind}:{id}:{word}"),
            provider_ref: Some(id).filter(|id| !id.is_empty()),
            news,
        }
    }
}

fn receipt(word: &str, code: Option<u32>) -> News {
    let stage = match word {
        "accepted" | "scheduled" | "queued" | "sending" | "initiated" => Stage::Queued,
        "sent" | "ringing" | "in-progress" | "answered" | "partially_delivered" => Stage::Sent,
        "delivered" | "read" | "completed" => Stage::Delivered,
        "undelivered" | "failed" | "busy" | "no-answer" | "canceled" => Stage::Undelivered,
        _ => return News::Other,
    };
    let class = match (code.map(meaning), word) {
        (Some(Meaning::Refused(class)), _) => class,
        // Nobody answered: somebody may, later.
        (_, "busy" | "no-answer") => RefusalClass::Retry,
        _ => RefusalClass::Target,
    };
    let reason = (stage == Stage::Undelivered).then(|| match code {
        Some(code) => Reason::new(&format!("twilio-{code}")),
        None => Reason::new(word),
    });
    News::Receipt { stage, class, reason }
}

fn cut(text: &str, chars: usize) -> String {
    text.chars().take(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_undelivered_text_tells_why() {
        let got = Reported::read(
            CallbackKind::Message,
            &fields(&[
                ("MessageSid", "SM1"),
                ("MessageStatus", "undelivered"),
                ("ErrorCode", "30003"),
            ]),
        );
        let reason = Some(Reason::new("twilio-30003"));
        let news = News::Receipt {
            stage: Stage::Undelivered,
            class: RefusalClass::Target,
            reason,
        };
        assert_eq!(
            got,
            Reported {
                event: "message:SM1:undelivered".into(),
                provider_ref: Some("SM1".into()),
                news
            }
        );
    }

    #[test]
    fn a_completed_call_is_delivered_and_not_acknowledged() {
        let got = Reported::read(
            CallbackKind::Call,
            &fields(&[("CallSid", "CA1"), ("CallStatus", "completed"), ("Digits", "1")]),
        );
        assert!(matches!(
            got.news,
            News::Receipt {
                stage: Stage::Delivered,
                ..
            }
        ));
    }

    #[test]
    fn a_key_is_news_and_silence_is_not() {
        let pressed = Reported::read(CallbackKind::Digits, &fields(&[("CallSid", "CA1"), ("Digits", "1")]));
        assert_eq!(pressed.news, News::Digit('1'));
        let silent = Reported::read(CallbackKind::Digits, &fields(&[("CallSid", "CA1"), ("Digits", "")]));
        assert_eq!(silent.news, News::Other);
    }

    #[test]
    fn an_unknown_status_or_an_empty_form_changes_nothing() {
        assert_eq!(
            Reported::read(CallbackKind::Message, &fields(&[("MessageStatus", "dreaming")])).news,
            News::Other
        );
        let empty = Reported::read(CallbackKind::Message, &[]);
        assert_eq!((empty.news, empty.provider_ref), (News::Other, None));
        let long = Reported::read(
            CallbackKind::Message,
            &fields(&[("MessageSid", &"x".repeat(999)), ("MessageStatus", &"y".repeat(999))]),
        );
        assert!(long.event.len() <= 200);
    }
}
