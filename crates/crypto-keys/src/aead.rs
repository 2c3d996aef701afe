//! AES-256-GCM with a random 96-bit nonce (NIST SP 800-38D).
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, RandomizedNonceKey, UnboundKey};
use zeroize::Zeroizing;

/// A sealed value that does not open: wrong key, wrong place, or edited. It does not say which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the sealed value does not open")]
pub struct Unopenable;

/// Why a cryptographic operation failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CryptoError {
    /// The operating system gave no randomness, or the library refused.
    #[error("the cryptographic library failed")]
    Library,
    /// The value does not open.
    #[error(transparent)]
    Unopenable(#[from] Unopenable),
}

/// 32 secret bytes from the operating system's generator.
///
/// # Errors
/// [`CryptoError::Library`] without randomness.
pub fn random_secret() -> Result<Zeroizing<[u8; 32]>, CryptoError> {
    let mut bytes = Zeroizing::new([0; 32]);
    aws_lc_rs::rand::fill(&mut bytes[..]).map_err(|_| CryptoError::Library)?;
    Ok(bytes)
}

/// `nonce || ciphertext || tag`.
pub(crate) fn seal(key: &[u8; 32], aad: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, CryptoError> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| CryptoError::Library)?;
    let mut body = plaintext.to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::from(aad), &mut body)
        .map_err(|_| CryptoError::Library)?;
    Ok([&nonce.as_ref()[..], &body[..]].concat())
}

/// Bytes of a tag.
pub(crate) const TAG: usize = 16;

/// Encrypts in place and returns the tag. For a key that seals nothing else.
pub(crate) fn seal_once(key: &[u8; 32], nonce: &[u8], aad: &[u8], body: &mut [u8]) -> Result<[u8; TAG], CryptoError> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| CryptoError::Library)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CryptoError::Library)?;
    let tag = LessSafeKey::new(key)
        .seal_in_place_separate_tag(nonce, Aad::from(aad), body)
        .map_err(|_| CryptoError::Library)?;
    tag.as_ref().try_into().map_err(|_| CryptoError::Library)
}

/// The plaintext of what [`seal`] made under the same key and associated data.
pub(crate) fn open(key: &[u8; 32], aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
    let (nonce, body) = sealed.split_at_checked(NONCE_LEN).ok_or(Unopenable)?;
    let key = RandomizedNonceKey::new(&AES_256_GCM, key).map_err(|_| CryptoError::Library)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Unopenable)?;
    let mut body = Zeroizing::new(body.to_vec());
    let length = key
        .open_in_place(nonce, Aad::from(aad), &mut body[..])
        .map_err(|_| Unopenable)?
        .len();
    body.truncate(length);
    Ok(body)
}

#[cfg(test)]
mod wycheproof;
