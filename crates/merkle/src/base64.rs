//! Base64 as the C2SP documents write it (RFC 4648 section 4), with one spelling for each value.
use data_encoding::BASE64;

/// Reads padded base64. `None` for anything that [`encode`] would not write: the library itself also reads several padded
/// texts one behind the other.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let bytes = BASE64.decode(text.as_bytes()).ok()?;
    (!text.trim_end_matches('=').contains('=')).then_some(bytes)
}

/// Writes padded base64.
pub(crate) fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_written_is_read() {
        assert_eq!(decode(&encode(b"abcd")), Some(b"abcd".to_vec()));
        assert_eq!(decode(""), Some(vec![]));
        for refused in ["YQ==YQ==", "YQ=", "YQ", "YR==", "YQ==\n", " YQ==", "YWI=YQ=="] {
            assert_eq!(decode(refused), None, "{refused}");
        }
    }
}
