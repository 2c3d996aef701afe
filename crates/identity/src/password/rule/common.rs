//! Passwords tried first, without asking anybody: an offline blocklist.
//!
//! The list is that of the `zxcvbn` crate (MIT): 30,000 passwords from leaks, 30,000 words of English, names, surnames and words of
//! film and television, some 90,000 in all. It is matched with what people make of such words: capitals, digits for letters,
//! backwards, repeated, joined, years and runs along the keyboard behind them. Beside it stand our own words and the account's.
use super::PasswordContext;

/// A password that a list-driven guesser finds among so many is too common alone, and beside a second factor.
const TRIED_ALONE: u64 = 100_000_000;
const TRIED_WITH_SECOND_FACTOR: u64 = 1_000_000;
/// Whoever guesses here tries these, one after another and with a few digits around them.
const FRAGMENTS: [&str; 24] = [
    "password",
    "passwort",
    "motdepasse",
    "keepgate",
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "qwerty",
    "letmein",
    "welcome",
    "iloveyou",
    "administrator",
    "admin",
    "changeme",
    "trustno1",
    "football",
    "baseball",
    "superman",
    "1q2w3e4r5t",
    "123456789",
    "12345",
    "secret",
    "login",
];
/// What must be left of a password when the fragments are taken out.
const REST_ALONE: usize = 8;
const REST_WITH_SECOND_FACTOR: usize = 5;
/// A shorter word of the account's says nothing about a password that holds it.
const SHORTEST_WORD: usize = 4;

pub(super) fn is_common(text: &str, context: &PasswordContext) -> bool {
    let (tried, least) = if context.second_factor {
        (TRIED_WITH_SECOND_FACTOR, REST_WITH_SECOND_FACTOR)
    } else {
        (TRIED_ALONE, REST_ALONE)
    };
    let words = own_words(context);
    let plain: Vec<char> = text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    let mut rest: String = plain.iter().collect();
    for fragment in words.iter().map(String::as_str).chain(FRAGMENTS) {
        rest = rest.replace(fragment, "");
    }
    if is_repetition(&plain) || is_run(&plain) || rest.chars().count() < least {
        return true;
    }
    let inputs: Vec<&str> = words.iter().map(String::as_str).chain(FRAGMENTS).collect();
    zxcvbn::zxcvbn(text, &inputs).guesses() < tried
}

/// The account's words in lower case, and their parts: `ann.smith@example.org` has five. Longest first.
fn own_words(context: &PasswordContext) -> Vec<String> {
    let whole = context.words.iter().map(|word| word.to_lowercase());
    let mut words: Vec<String> = whole
        .flat_map(|word| {
            let parts: Vec<String> = word.split(|c: char| !c.is_alphanumeric()).map(str::to_owned).collect();
            let joined = parts.concat();
            parts.into_iter().chain([joined])
        })
        .filter(|word| word.chars().count() >= SHORTEST_WORD)
        .collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    words
}

/// One block of at most 8 characters over and over.
fn is_repetition(text: &[char]) -> bool {
    if text.is_empty() {
        return true; // nothing but spaces and signs
    }
    (1..=8.min(text.len() / 2)).any(|block| {
        text.iter()
            .zip(text.iter().skip(block))
            .all(|(one, other)| one == other)
    })
}

/// Every character follows, or is followed by, its neighbour's neighbour in the alphabet, or nearly every one.
fn is_run(text: &[char]) -> bool {
    let step = |by: i64| {
        text.windows(2)
            .filter(
                |pair| matches!(pair, [one, other] if i64::from(u32::from(*other)) - i64::from(u32::from(*one)) == by),
            )
            .count()
    };
    step(1).max(step(-1)) + 4 > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alone(text: &str) -> bool {
        is_common(text, &PasswordContext::default())
    }

    #[test]
    fn what_is_tried_first_is_refused() {
        for bad in [
            "passwordpassword",
            "Password-Password-1",
            "password12345678",
            "P@ssw0rdP@ssw0rd",
            "KeepgateKeepgate2",
            "aaaaaaaaaaaaaaaa",
            "abcabcabcabcabc",
            "abcdefghijklmnop",
            "9876543210987654",
            "123456789012345",
            "qwertyuiopasdfghjkl",
            "letmeinletmein123",
            "               ",
            "thunderbirdthunderbird",
            "manchesterunited",
            "1qaz2wsx3edc4rfv",
        ] {
            assert!(alone(bad), "{bad}");
        }
    }

    #[test]
    fn phrases_are_welcome() {
        for good in [
            "correct horse battery staple",
            "correct horse battery staple 7",
            "correct horse battery staple 8",
            "violet-harbour-7",
            "copper-lantern-9",
            "Tr0ub4dor&3-and-more",
            "nine purple kayaks",
            "my admin password is harmless",
        ] {
            assert!(!alone(good), "{good}");
        }
    }

    #[test]
    fn the_account_s_own_words_count_for_nothing() {
        let context = PasswordContext {
            second_factor: false,
            words: vec!["ann.smithers@example.org".into(), "Northwind Traders".into()],
        };
        for bad in [
            "ann.smithers@example.org",
            "AnnSmithers-2026!",
            "NorthwindTraders7",
            "northwind-traders-1",
            "Smithers-Northwind-9",
        ] {
            assert!(is_common(bad, &context), "{bad}");
        }
        assert!(!is_common("violet-harbour-7", &context));
    }
}
