//! CBOR as authenticators send it: small, shallow, and nothing behind it.
use ciborium::{Value, de::from_reader_with_recursion_limit};

/// How deep it may be nested (CTAP 2.1, section 6 allows four).
const DEPTH: usize = 8;

/// The first item of `bytes`, and what is left.
pub(super) fn first(bytes: &[u8]) -> Option<(Value, &[u8])> {
    let mut rest = bytes;
    let value = from_reader_with_recursion_limit(&mut rest, DEPTH).ok()?;
    Some((value, rest))
}

/// The one item that `bytes` are.
pub(super) fn whole(bytes: &[u8]) -> Option<Value> {
    first(bytes).filter(|(_, rest)| rest.is_empty()).map(|(value, _)| value)
}

/// The values of a map that has exactly the text keys `names`, each once, in their order.
pub(super) fn fields<const N: usize>(value: Value, names: [&str; N]) -> Option<[Value; N]> {
    let Value::Map(pairs) = value else { return None };
    if pairs.len() != N {
        return None;
    }
    let mut pairs = pairs;
    let mut found = Vec::with_capacity(N);
    for name in names {
        let at = pairs.iter().position(|(key, _)| key.as_text() == Some(name))?;
        found.push(pairs.swap_remove(at).1);
    }
    found.try_into().ok()
}
