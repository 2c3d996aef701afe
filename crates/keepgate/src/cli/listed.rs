//! A list that a gateway answers with, read whole.
use serde_json::Value;

use crate::{
    audit::{Remote, StreamError},
    failure::Failure,
};

/// The JSON at `path`; `unreadable` makes the failure of a reason and of what to do.
pub(super) fn listed(remote: &Remote, path: &str, unreadable: fn(&str, &str) -> Failure) -> Result<Value, Failure> {
    let help = "check the address and whose token it is";
    let mut text = Vec::new();
    let read = remote.stream(path, &[], &mut |piece| {
        text.extend_from_slice(piece);
        Ok(())
    });
    read.map_err(|error| match error {
        StreamError::Remote(error) => unreadable(&error.why, help),
        StreamError::Sink(error) => unreadable(&error.to_string(), help),
    })?;
    serde_json::from_slice(&text).map_err(|_| unreadable("what the gateway sent are no keys", help))
}
