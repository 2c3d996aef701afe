//! Numbers as the C2SP documents write them.

/// Reads an ASCII decimal without sign, blanks or leading zeros (`0` itself is fine). `None` for anything else,
/// and for numbers above `u64::MAX`.
pub(crate) fn parse(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with('0');
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if canonical && digits { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn only_the_one_canonical_spelling_of_a_number_is_read() {
        assert_eq!(parse("0"), Some(0));
        assert_eq!(parse("70000"), Some(70_000));
        assert_eq!(parse("18446744073709551615"), Some(u64::MAX));
        for refused in [
            "",
            "00",
            "01",
            "+5",
            "-5",
            " 5",
            "5 ",
            "5\r",
            "0x5",
            "٣",
            "18446744073709551616",
        ] {
            assert_eq!(parse(refused), None, "{refused:?}");
        }
    }
}
