//! Content of entry bundles.

/// The longest entry a bundle can hold, in bytes.
pub const MAX_ENTRY_BYTES: usize = 65_535;

/// An entry is longer than [`MAX_ENTRY_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an entry has at most {MAX_ENTRY_BYTES} bytes, not {0}")]
pub struct EntryTooLong(pub usize);

/// A bundle ends in the middle of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the bundle ends in the middle of an entry")]
pub struct BundleFault;

/// The content of an entry bundle: each entry behind its length as two bytes, big endian.
pub fn encode_bundle<E: AsRef<[u8]>>(entries: impl IntoIterator<Item = E>) -> Result<Vec<u8>, EntryTooLong> {
    let mut bundle = Vec::new();
    for entry in entries {
        let entry = entry.as_ref();
        let length = u16::try_from(entry.len()).map_err(|_| EntryTooLong(entry.len()))?;
        bundle.extend_from_slice(&length.to_be_bytes());
        bundle.extend_from_slice(entry);
    }
    Ok(bundle)
}

/// The entries of a bundle, one by one. The number of entries is for the caller to check.
pub const fn entries(bundle: &[u8]) -> Entries<'_> {
    Entries { rest: bundle }
}

/// Iterator over the entries of a bundle; ends after the first fault.
#[derive(Debug, Clone)]
pub struct Entries<'b> {
    rest: &'b [u8],
}

impl<'b> Entries<'b> {
    /// The bytes not read yet.
    pub const fn rest(&self) -> &'b [u8] {
        self.rest
    }
}

impl<'b> Iterator for Entries<'b> {
    type Item = Result<&'b [u8], BundleFault>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let split = self.rest.split_first_chunk::<2>();
        let split = split.and_then(|(length, rest)| rest.split_at_checked(u16::from_be_bytes(*length).into()));
        let Some((entry, rest)) = split else {
            self.rest = &[];
            return Some(Err(BundleFault));
        };
        self.rest = rest;
        Some(Ok(entry))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_is_the_entries_behind_their_lengths() {
        let bundle = encode_bundle([b"".as_slice(), b"ab"]).unwrap();
        assert_eq!(bundle, [0, 0, 0, 2, b'a', b'b']);
        let read: Result<Vec<_>, _> = entries(&bundle).collect();
        assert_eq!(read.unwrap(), [b"".as_slice(), b"ab"]);
    }

    #[test]
    fn a_bundle_that_ends_inside_an_entry_is_refused() {
        for cut in [&[0][..], &[0, 1], &[0, 0, 0, 2, b'a']] {
            assert_eq!(entries(cut).last(), Some(Err(BundleFault)), "{cut:?}");
        }
    }

    #[test]
    fn an_entry_of_65_536_bytes_fits_in_no_bundle() {
        assert!(encode_bundle([vec![0; MAX_ENTRY_BYTES]]).is_ok());
        assert_eq!(encode_bundle([vec![0; MAX_ENTRY_BYTES + 1]]), Err(EntryTooLong(65_536)));
    }
}
