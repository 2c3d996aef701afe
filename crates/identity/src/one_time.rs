//! The text of one-time codes: a prefix, 43 base62 digits of 256 random bits, 6 of checksum.
use secrecy::SecretString;

use crate::{InvalidCode, NoRandomness, base62, random};

const SECRET: usize = 43;
const CHECKSUM: usize = 6;

/// A fresh text behind `prefix`.
pub(crate) fn fresh(prefix: &str) -> Result<SecretString, NoRandomness> {
    let body = format!("{prefix}{}", base62::encode::<SECRET>(&random::bytes::<32>()?));
    Ok(format!("{body}{}", base62::checksum(&body)).into())
}

/// Reads the exact form behind `prefix`. The checksum is compared before anything is looked up.
pub(crate) fn read(prefix: &str, text: &str) -> Result<SecretString, InvalidCode> {
    let digits = text.strip_prefix(prefix).ok_or(InvalidCode)?;
    if digits.len() != SECRET + CHECKSUM || !base62::is_base62(digits) {
        return Err(InvalidCode);
    }
    let (body, sum) = text.split_at_checked(text.len() - CHECKSUM).ok_or(InvalidCode)?;
    if base62::checksum(body) == sum {
        Ok(text.into())
    } else {
        Err(InvalidCode)
    }
}
