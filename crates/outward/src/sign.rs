//! `webhook-signature`. Source: Standard Webhooks 1.0, symmetric signatures (`v1`).
use aws_lc_rs::hmac;
use data_encoding::BASE64;
use secrecy::{ExposeSecret, SecretString};

/// What a secret's text form begins with.
const PREFIX: &str = "whsec_";
/// How many bytes a secret has.
const BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A text that is no signing secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is written as `whsec_` and base64 of 24 to 64 bytes")]
pub struct SecretError;

/// The text form of a secret; `random` are the caller's 32 random bytes.
#[must_use]
pub fn signing_secret(random: &[u8; 32]) -> SecretString {
    SecretString::from(format!("{PREFIX}{}", BASE64.encode(random)))
}

/// `v1,` and base64 of HMAC-SHA256 over `id.timestamp.body`. The timestamp is in seconds.
///
/// # Errors
/// [`SecretError`].
pub fn sign(secret: &SecretString, id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let text = secret.expose_secret().strip_prefix(PREFIX).ok_or(SecretError)?;
    let bytes = BASE64.decode(text.as_bytes()).map_err(|_| SecretError)?;
    if !BYTES.contains(&bytes.len()) {
        return Err(SecretError);
    }
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &bytes));
    context.update(format!("{id}.{timestamp}.").as_bytes());
    context.update(body);
    Ok(format!("v1,{}", BASE64.encode(context.sign().as_ref())))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Fixtures: computed alike by the official Python libraries standardwebhooks 1.1.0 and svix 2.9.1 (both MIT).
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const VECTORS: &[(&str, i64, &str, &str)] = &[
        (
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
        ),
        (
            "msg_utf8",
            1_674_087_231,
            r#"{"n":"Zoë 👍"}"#,
            "v1,ypI6Ntn1SEjjHWNiSnM/hTlEIOJBh4UEyEIooxQlrcY=",
        ),
        (
            "msg_empty",
            1_674_087_231,
            "",
            "v1,hN4CFeNoKvarTtuXsCsaFOvuPiKDO0tB6tdfkcscljs=",
        ),
    ];

    #[test]
    fn signatures_are_those_of_the_official_libraries() {
        for (id, timestamp, body, signature) in VECTORS {
            assert_eq!(
                sign(&SecretString::from(SECRET), id, *timestamp, body.as_bytes()).as_deref(),
                Ok(*signature)
            );
        }
    }

    #[test]
    fn a_secret_has_its_form_and_length() {
        assert!(
            sign(&signing_secret(&[7; 32]), "msg", 0, &[0xff, 0x00]).is_ok(),
            "a body need not be text"
        );
        for bad in [
            "",
            "whsec_",
            "whsec_AAAA",
            "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "whsec_not base64",
        ] {
            assert_eq!(sign(&SecretString::from(bad), "msg", 0, b""), Err(SecretError), "{bad}");
        }
    }
}
