//! Twilio's error codes, by what may still help. The codes are Twilio's; which class each belongs to is our judgement.
use crate::machine::RefusalClass;

/// What a code tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It was not taken, and this may help.
    Refused(RefusalClass),
    /// It may have been taken.
    Ambiguous,
}

/// Too many requests, queues and networks that are full, a validity that ran out: later, or through another sender.
const LATER: &[u32] = &[14_107, 20_429, 21_611, 30_001, 30_017, 30_022, 30_036];
/// A server's error: what it did before is not known.
const AMBIGUOUS: &[u32] = &[20_500, 20_503];
/// The number is invalid, has opted out, is blocked or can't be reached on this channel.
const CONTACT: &[u32] = &[
    13_223, 13_224, 21_211, 21_214, 21_217, 21_408, 21_610, 21_612, 21_614, 30_003, 30_004, 30_005, 30_006, 30_008,
    30_011, 30_410,
];

/// The class of `code`; a code that is not known here concerns the channel as it is configured, as do wrong credentials,
/// senders that are not registered, daily caps, and content that is filtered.
pub(super) fn meaning(code: u32) -> Meaning {
    if AMBIGUOUS.contains(&code) {
        Meaning::Ambiguous
    } else if LATER.contains(&code) {
        Meaning::Refused(RefusalClass::Retry)
    } else if CONTACT.contains(&code) {
        Meaning::Refused(RefusalClass::Target)
    } else {
        Meaning::Refused(RefusalClass::Step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_in_one_list_only() {
        let mut all: Vec<u32> = [LATER, AMBIGUOUS, CONTACT].concat();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn an_opted_out_number_is_not_asked_again_on_this_channel() {
        assert_eq!(meaning(21_610), Meaning::Refused(RefusalClass::Target));
        assert_eq!(meaning(99_999), Meaning::Refused(RefusalClass::Step));
    }
}
