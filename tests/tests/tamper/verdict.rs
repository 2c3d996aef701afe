//! What the verifier says, and what an attack expects it to say.
use keepgate_tests::Ended;
use serde_json::Value;

/// What has to be told.
#[derive(Debug, Clone, Copy)]
pub enum Told {
    /// Exactly this entry, with these words in the reason.
    At(u64, &'static str),
    /// The entry so many before the end of the log.
    FromEnd(u64, &'static str),
    /// A place at or before the entry, and words that say how far older checkpoints vouch.
    UpTo(u64, &'static str),
    /// No single entry: the log as a whole, with these words.
    Whole(&'static str),
    /// Genuine, but too old.
    Stale,
    /// It can't be read to its end, so nothing is proved.
    Incomplete(&'static str),
}

impl Told {
    /// As the table in the documentation has it.
    pub fn cell(self) -> String {
        match self {
            Self::At(index, words) => format!("`verify` names entry {index}: {words}"),
            Self::FromEnd(back, words) => format!("`verify` names the entry {back} before the end: {words}"),
            Self::UpTo(index, words) => format!("`verify` names the span up to entry {index}: {words}"),
            Self::Whole(words) => format!("`verify`: {words}"),
            Self::Stale => "`verify --max-age`: the log is too old".to_owned(),
            Self::Incomplete(words) => format!("`verify` proves nothing (exit 3): {words}"),
        }
    }

    /// Holds the verifier to it. `size` is that of the log.
    pub fn check(self, what: &str, ended: &Ended, size: u64) {
        let told: Value = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("{what}: {ended:?}"));
        let (result, words, index) = match self {
            Self::At(index, words) => ("tampered", words, Some(index)),
            Self::FromEnd(back, words) => ("tampered", words, Some(size - back)),
            Self::UpTo(_, words) | Self::Whole(words) => ("tampered", words, told["index"].as_u64()),
            Self::Stale => ("stale", "", None),
            Self::Incomplete(words) => ("incomplete", words, None),
        };
        assert_eq!(told["result"], result, "{what}: {ended:?}");
        assert_eq!(ended.code, Some(if result == "incomplete" { 3 } else { 1 }), "{what}");
        assert!(told["reason"].as_str().unwrap().contains(words), "{what}: {told}");
        if result == "tampered" {
            assert_eq!(told["index"].as_u64(), index, "{what}: {told}");
        }
        if let Self::UpTo(most, _) = self {
            assert!(
                told["index"].as_u64().is_some_and(|index| index <= most),
                "{what}: {told}"
            );
        }
        println!("{what}: {}", told["reason"]);
    }
}
