//! Numbers as letters and digits only: nothing to escape, one double click selects the whole.

use zeroize::Zeroize;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The big-endian number in `bytes`, in exactly `WIDTH` digits; `WIDTH` must be enough for it.
pub(crate) fn encode<const WIDTH: usize>(bytes: &[u8]) -> String {
    let mut number = bytes.to_vec();
    let mut digits = [b'0'; WIDTH];
    for digit in digits.iter_mut().rev() {
        let mut remainder = 0u32;
        for byte in &mut number {
            let value = remainder * 256 + u32::from(*byte);
            *byte = u8::try_from(value / 62).unwrap_or(u8::MAX);
            remainder = value % 62;
        }
        *digit = ALPHABET.get(remainder as usize).copied().unwrap_or(b'0');
    }
    number.zeroize();
    let mut text = String::with_capacity(WIDTH);
    text.extend(digits.iter().copied().map(char::from));
    digits.zeroize();
    text
}

/// Six digits that tell a mistyped text from a right one. Not a secret: anybody can compute it.
pub(crate) fn checksum(text: &str) -> String {
    encode::<6>(&crc32fast::hash(text.as_bytes()).to_be_bytes())
}

/// Whether `text` is made of the alphabet only.
pub(crate) fn is_base62(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_numbers_fit_their_width() {
        assert_eq!(encode::<6>(&[0; 4]), "000000");
        assert_eq!(encode::<6>(&61u32.to_be_bytes()), "00000z");
        assert_eq!(encode::<6>(&62u32.to_be_bytes()), "000010");
        assert_eq!(encode::<6>(&u32::MAX.to_be_bytes()), "4gfFC3");
        assert_eq!(encode::<11>(&u64::MAX.to_be_bytes()), "LygHa16AHYF");
        assert_ne!(encode::<43>(&[255; 32]), encode::<43>(&[254; 32]));
    }

    proptest::proptest! {
        #[test]
        fn different_numbers_have_different_digits(one: [u8; 32], other: [u8; 32]) {
            proptest::prop_assert_eq!(one == other, encode::<43>(&one) == encode::<43>(&other));
        }
    }
}
