//! Time-based one-time passwords: RFC 6238 over HOTP (RFC 4226), with what every authenticator app understands: HMAC-SHA-1, six
//! digits, thirty seconds. SHA-1 is sound inside HMAC, and apps ignore the parameter that asks for another.
use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use keepgate_kernel::Timestamp;
use secrecy::{ExposeSecret, SecretBox, SecretString};
use subtle::{ConditionallySelectable, ConstantTimeEq};

use crate::{NoRandomness, random};

/// Bytes of a seed: 160 bits, as RFC 4226 section 4 recommends.
const SEED: usize = 20;
/// Seconds of a step.
const STEP: i64 = 30;
/// Steps before and after the present one whose codes are accepted (RFC 6238, section 5.2).
const WINDOW: i64 = 1;

/// A text or row that is no seed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a seed of 160 bits")]
pub struct WrongSeed;

/// What an authenticator app and Keepgate share. Debug shows nothing.
pub struct TotpSeed(SecretBox<[u8; SEED]>);

impl std::fmt::Debug for TotpSeed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TotpSeed(..)")
    }
}

impl TotpSeed {
    /// A fresh one.
    ///
    /// # Errors
    /// [`NoRandomness`].
    pub fn random() -> Result<Self, NoRandomness> {
        Ok(Self(SecretBox::new(Box::new(random::bytes()?))))
    }

    /// A seed opened from the database.
    ///
    /// # Errors
    /// [`WrongSeed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WrongSeed> {
        let seed = bytes.try_into().map_err(|_| WrongSeed)?;
        Ok(Self(SecretBox::new(Box::new(seed))))
    }

    /// The bytes, to be sealed.
    #[must_use]
    pub fn expose(&self) -> &[u8; SEED] {
        self.0.expose_secret()
    }

    /// The seed as people type it: base32 without padding.
    #[must_use]
    pub fn text(&self) -> SecretString {
        BASE32_NOPAD.encode(self.expose()).into()
    }

    /// What a QR code holds: `otpauth://totp/Keepgate:ann@example.org?secret=…`, for the account called `account`.
    #[must_use]
    pub fn uri(&self, account: &str) -> SecretString {
        let account = percent(account);
        let secret = BASE32_NOPAD.encode(self.expose());
        format!("otpauth://totp/Keepgate:{account}?secret={secret}&issuer=Keepgate&algorithm=SHA1&digits=6&period=30")
            .into()
    }

    /// The step whose code `code` is, if that step is within one of `at`'s and later than `last`. Every step of the window is
    /// computed and compared in constant time.
    #[must_use]
    pub fn step_of(&self, code: &str, at: Timestamp, last: i64) -> Option<i64> {
        let code = code.trim();
        let now = at.timestamp().div_euclid(STEP);
        let mut found = 0_i64;
        for step in now - WINDOW..=now + WINDOW {
            let equal = digits(self.hotp(step)).as_bytes().ct_eq(code.as_bytes());
            found.conditional_assign(&step, equal);
        }
        (found > last && found > 0).then_some(found)
    }

    /// HOTP of a counter, reduced to six digits (RFC 4226, section 5.3).
    fn hotp(&self, counter: i64) -> u32 {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.expose());
        let mac = hmac::sign(&key, &counter.to_be_bytes());
        truncate(mac.as_ref()) % 1_000_000
    }
}

/// Four bytes of the MAC from where its last four bits point, without the sign bit.
fn truncate(mac: &[u8]) -> u32 {
    let offset = usize::from(mac.last().copied().unwrap_or(0) & 0x0f);
    let picked = mac.iter().skip(offset).take(4);
    picked.fold(0_u32, |number, byte| number << 8 | u32::from(*byte)) & 0x7fff_ffff
}

fn digits(number: u32) -> String {
    format!("{number:06}")
}

/// Everything but unreserved characters of RFC 3986, and `@`, which apps show, as `%XX`.
fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' => char::from(byte).to_string(),
            other => format!("%{other:02X}"),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rfc() -> TotpSeed {
        TotpSeed::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_4226_appendix_d() {
        let codes = [
            755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489,
        ];
        for (counter, code) in codes.into_iter().enumerate() {
            assert_eq!(rfc().hotp(i64::try_from(counter).unwrap()), code, "counter {counter}");
        }
    }

    #[test]
    fn the_vectors_of_rfc_6238_appendix_b() {
        // Eight digits there; six are their end.
        for (seconds, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(rfc().step_of(code, at(seconds), 0), Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_is_good_one_step_early_and_one_late_and_no_longer() {
        let (seed, step) = (rfc(), 1_234_567_890 / 30);
        let good = |offset: i64| seed.step_of("005924", at((step + offset) * 30), 0).is_some();
        assert_eq!([-2, -1, 0, 1, 2].map(good), [false, true, true, true, false]);
    }

    #[test]
    fn a_step_that_was_used_and_those_before_it_are_over() {
        let (seed, step) = (rfc(), 1_234_567_890 / 30);
        assert_eq!(seed.step_of("005924", at(1_234_567_890), step), None);
        assert_eq!(seed.step_of("005924", at(1_234_567_890), step + 1), None);
        assert_eq!(seed.step_of("005924", at(1_234_567_890), step - 1), Some(step));
    }

    #[test]
    fn texts_that_are_no_codes_are_refused() {
        for text in ["", "5924", "0059240", "00592４", "abcdef", "-05924", "005925"] {
            assert_eq!(rfc().step_of(text, at(1_234_567_890), 0), None, "{text}");
        }
        assert_eq!(
            rfc().step_of(" 005924 ", at(1_234_567_890), 0),
            Some(1_234_567_890 / 30)
        );
    }

    #[test]
    fn the_uri_is_what_apps_scan() {
        use secrecy::ExposeSecret;
        assert_eq!(
            rfc().uri("ann+x@example.org").expose_secret(),
            "otpauth://totp/Keepgate:ann%2Bx@example.org?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Keepgate&algorithm=SHA1&digits=6&period=30"
        );
    }

    #[test]
    fn seeds_differ_and_show_nothing() {
        let (one, other) = (TotpSeed::random().unwrap(), TotpSeed::random().unwrap());
        assert_ne!(one.expose(), other.expose());
        assert_eq!(format!("{one:?}"), "TotpSeed(..)");
        assert_eq!(TotpSeed::from_bytes(&[0; 19]).unwrap_err(), WrongSeed);
    }
}
