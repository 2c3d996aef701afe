//! Just enough of the POSIX ustar format (IEEE Std 1003.1-2024, `pax`) for plain files with short names.

const BLOCK: usize = 512;

/// Why a file can't be put into the archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TarError {
    /// The name has more than 100 bytes.
    #[error("the name of a file in the archive is too long")]
    Name,
    /// The content has 8 GiB or more.
    #[error("a file of the archive is too large")]
    Size,
}

/// A regular file, mode 0644, owner 0, last changed `at` (seconds since 1970).
pub(super) fn file(name: &str, content: &[u8], at: u64) -> Result<Vec<u8>, TarError> {
    let mut bytes = header(name, content.len(), at)?.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    Ok(bytes)
}

/// The two empty blocks that end an archive.
pub(super) fn end() -> Vec<u8> {
    vec![0; 2 * BLOCK]
}

fn header(name: &str, size: usize, at: u64) -> Result<[u8; BLOCK], TarError> {
    if name.len() > 100 {
        return Err(TarError::Name);
    }
    if size >= 1 << 33 {
        return Err(TarError::Size);
    }
    let mut header = [0; BLOCK];
    put(&mut header, 0, name);
    put(&mut header, 100, "0000644\0");
    put(&mut header, 108, "0000000\0");
    put(&mut header, 116, "0000000\0");
    put(&mut header, 124, &format!("{size:011o}\0"));
    put(&mut header, 136, &format!("{:011o}\0", at.min((1 << 33) - 1)));
    put(&mut header, 148, "        ");
    put(&mut header, 156, "0");
    put(&mut header, 257, "ustar\0");
    put(&mut header, 263, "00");
    // The sum counts its own field as blanks.
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    put(&mut header, 148, &format!("{sum:06o}\0 "));
    Ok(header)
}

fn put(header: &mut [u8; BLOCK], offset: usize, text: &str) {
    for (to, from) in header.iter_mut().skip(offset).zip(text.bytes()) {
        *to = from;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checked once against GNU tar: `tar -tvf` lists it, `tar -xf` restores it.
    #[test]
    fn a_header_says_name_size_time_and_its_own_sum() {
        let bytes = file("tile/0/000", &[7; 513], 1_767_323_045).unwrap();
        assert_eq!(bytes.len(), 3 * BLOCK);
        assert_eq!(&bytes[..11], b"tile/0/000\0");
        assert_eq!(&bytes[124..136], b"00000001001\0");
        assert_eq!(&bytes[257..265], b"ustar\x0000");
        let stored = u32::from_str_radix(std::str::from_utf8(&bytes[148..154]).unwrap(), 8).unwrap();
        let blanked: u32 = bytes[..BLOCK]
            .iter()
            .enumerate()
            .map(|(n, byte)| if (148..156).contains(&n) { 32 } else { u32::from(*byte) })
            .sum();
        assert_eq!(stored, blanked);
        assert!(bytes[BLOCK + 513..].iter().all(|byte| *byte == 0));
    }

    #[test]
    fn a_name_that_does_not_fit_is_refused() {
        assert_eq!(file(&"x".repeat(101), b"", 0), Err(TarError::Name));
        assert!(file(&"x".repeat(100), b"", 0).is_ok());
    }
}
