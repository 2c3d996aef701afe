//! What a device signs to log in. Nothing is stored: a challenge names the session that comes of it, so it is good for one.
use std::time::Duration;

use data_encoding::BASE64URL_NOPAD;
use keepgate_kernel::{PrincipalId, SessionId, Timestamp, Uuid};
use subtle::ConstantTimeEq;

use crate::BucketKey;

/// How long a challenge can be answered: a minute.
pub const DEVICE_CHALLENGE_LIFE: Duration = Duration::from_mins(1);

const PREFIX: &str = "kgc_";
/// Session, end in milliseconds since 1970, HMAC-SHA-256 over device and both.
const LENGTH: usize = 16 + 8 + 32;

/// A challenge: `kgc_` and 56 bytes in base64url. No secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    text: String,
    expires_at: Timestamp,
}

/// What an answered challenge is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answered {
    /// It opens this session, if it does not exist yet.
    Opens(SessionId),
    /// Its minute is over.
    Late,
    /// It was not made here, or not for this device.
    Foreign,
}

impl Challenge {
    /// A challenge for `device`, out of which `session` may come until `expires_at`.
    pub(crate) fn new(key: &BucketKey, device: PrincipalId, session: SessionId, expires_at: Timestamp) -> Self {
        let end = expires_at.timestamp_millis().to_be_bytes();
        let mark = key.challenge(device, session, &end);
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(session.uuid().as_bytes());
        bytes.extend_from_slice(&end);
        bytes.extend_from_slice(mark.as_bytes());
        Self {
            text: format!("{PREFIX}{}", BASE64URL_NOPAD.encode(&bytes)),
            expires_at,
        }
    }

    /// The text to be signed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Until when it can be answered.
    #[must_use]
    pub const fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// What `text` is worth to `device` now.
    pub(crate) fn read(key: &BucketKey, device: PrincipalId, text: &str, at: Timestamp) -> Answered {
        let Some((session, end, mark)) = split(text) else {
            return Answered::Foreign;
        };
        let session = SessionId::from_uuid(Uuid::from_bytes(session));
        if !bool::from(key.challenge(device, session, &end).as_bytes().ct_eq(&mark)) {
            return Answered::Foreign;
        }
        if i64::from_be_bytes(end) < at.timestamp_millis() {
            return Answered::Late;
        }
        Answered::Opens(session)
    }
}

type Parts = ([u8; 16], [u8; 8], [u8; 32]);

fn split(text: &str) -> Option<Parts> {
    let bytes = BASE64URL_NOPAD.decode(text.strip_prefix(PREFIX)?.as_bytes()).ok()?;
    let (session, rest) = bytes.split_first_chunk::<16>()?;
    let (end, mark) = rest.split_first_chunk::<8>()?;
    Some((*session, *end, mark.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::PrincipalKind;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn device(number: u128) -> PrincipalId {
        PrincipalId::from_parts(PrincipalKind::Device, Uuid::from_u128(number))
    }

    #[test]
    fn it_is_good_for_its_device_its_minute_and_its_installation() {
        let (key, now) = (BucketKey::new(&[1; 32]), at("2026-01-01T00:00:00Z"));
        let session = SessionId::new(now);
        let made = Challenge::new(&key, device(1), session, now + DEVICE_CHALLENGE_LIFE);
        let read = |key: &BucketKey, device, text: &str, at| Challenge::read(key, device, text, at);
        assert_eq!(read(&key, device(1), made.as_str(), now), Answered::Opens(session));
        assert_eq!(
            read(&key, device(1), made.as_str(), made.expires_at()),
            Answered::Opens(session)
        );
        let late = made.expires_at() + Duration::from_millis(1);
        assert_eq!(read(&key, device(1), made.as_str(), late), Answered::Late);
        assert_eq!(read(&key, device(2), made.as_str(), now), Answered::Foreign);
        let other = BucketKey::new(&[2; 32]);
        assert_eq!(read(&other, device(1), made.as_str(), now), Answered::Foreign);
    }

    #[test]
    fn any_changed_character_makes_it_foreign() {
        let (key, now) = (BucketKey::new(&[1; 32]), at("2026-01-01T00:00:00Z"));
        let made = Challenge::new(&key, device(1), SessionId::new(now), now + DEVICE_CHALLENGE_LIFE);
        for place in 0..made.as_str().len() {
            let mut text = made.as_str().as_bytes().to_vec();
            text[place] = if text[place] == b'A' { b'B' } else { b'A' };
            let text = String::from_utf8(text).unwrap();
            assert_eq!(
                Challenge::read(&key, device(1), &text, now),
                Answered::Foreign,
                "place {place}"
            );
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_fall(text in "\\PC*") {
            let now = at("2026-01-01T00:00:00Z");
            proptest::prop_assert_eq!(Challenge::read(&BucketKey::new(&[1; 32]), device(1), &text, now), Answered::Foreign);
        }
    }
}
