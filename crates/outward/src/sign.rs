//! `webhook-signature`. Source: Standard Webhooks 1.0, symmetric (`v1`) and asymmetric signatures (`v1a`).
use aws_lc_rs::{hmac, signature::Ed25519KeyPair};
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

/// `v1a,` and base64 of the Ed25519 signature (RFC 8032) over the same text, by the key whose 32-byte seed this is.
///
/// # Errors
/// [`SecretError`].
pub fn sign_publicly(seed: &[u8], id: &str, timestamp: i64, body: &[u8]) -> Result<String, SecretError> {
    let key = Ed25519KeyPair::from_seed_unchecked(seed).map_err(|_| SecretError)?;
    let signed = [format!("{id}.{timestamp}.").as_bytes(), body].concat();
    Ok(format!("v1a,{}", BASE64.encode(key.sign(&signed).as_ref())))
}

/// The text form of a public key: `whpk_` and base64.
#[must_use]
pub fn verifying_key(public: &[u8; 32]) -> String {
    format!("whpk_{}", BASE64.encode(public))
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

    // RFC 8032, section 7.1, test 1: the seed; the signature over `msg_1.1674087231.{}` was computed by Python's cryptography 50.
    #[test]
    fn a_public_signature_is_that_of_another_library() {
        let seed = data_encoding::HEXLOWER
            .decode(b"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
            .unwrap();
        let signed = sign_publicly(&seed, "msg_1", 1_674_087_231, b"{}");
        assert_eq!(
            signed.as_deref(),
            Ok("v1a,7yJe5dtbsHMgXRBCZb+zg39fZzTS8b7rtoEDLMoFeycWBfZiKiDPT7W/QdgS5EjDpjQe2jxyZtcM2zhZ3gt2DA==")
        );
        assert_eq!(sign_publicly(&seed[1..], "msg_1", 0, b""), Err(SecretError));
        assert_eq!(verifying_key(&[0; 32]), format!("whpk_{}=", "A".repeat(43)));
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
