//! What stands in the file.
use data_encoding::HEXLOWER;
use keepgate_kernel::{Timestamp, format_time};
use zeroize::Zeroizing;

use super::KeyFileError;
use crate::{
    Kek, RootState,
    local::{Version, Versions},
};

/// The most versions of one file.
pub(super) const MOST: usize = 64;
/// More than [`MOST`] lines need.
pub(super) const LARGEST: usize = 8192;

const WORD: &str = "keepgate-root-key";
const FORM: &str = "v1";

/// 32 raw bytes, or lines.
pub(super) fn read(content: &[u8]) -> Result<Versions, KeyFileError> {
    if let Ok(key) = <[u8; 32]>::try_from(content) {
        return Ok(Versions(vec![Version {
            kek: Kek::new(Zeroizing::new(key)),
            created_at: None,
            state: RootState::Active,
        }]));
    }
    let length = content.len();
    let text = std::str::from_utf8(content)
        .ok()
        .filter(|text| text.starts_with(WORD))
        .ok_or(KeyFileError::Length { length })?;
    let mut versions = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let version = version(line).ok_or(KeyFileError::Line { number: at + 1 })?;
        if versions
            .iter()
            .any(|known: &Version| known.kek.id() == version.kek.id())
        {
            return Err(KeyFileError::Line { number: at + 1 });
        }
        versions.push(version);
    }
    if let Some(newest) = versions.last_mut() {
        newest.state = RootState::Active;
    }
    match versions.len() {
        1..=MOST => Ok(Versions(versions)),
        _ => Err(KeyFileError::Length { length }),
    }
}

fn version(line: &str) -> Option<Version> {
    let mut words = line.split(' ');
    let (word, form, made, key) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let key = Zeroizing::new(HEXLOWER.decode(key.as_bytes()).ok()?);
    let key: [u8; 32] = key.as_slice().try_into().ok()?;
    let created_at: Option<Timestamp> = match made {
        "-" => None,
        made => Some(made.parse().ok()?),
    };
    (word == WORD && form == FORM && words.next().is_none()).then(|| Version {
        kek: Kek::new(Zeroizing::new(key)),
        created_at,
        state: RootState::Deactivated,
    })
}

/// Lines, whatever the file was before.
pub(super) fn write(versions: &Versions) -> Zeroizing<Vec<u8>> {
    // Room for everything at once: a buffer that grows leaves copies behind.
    let mut text = Zeroizing::new(String::with_capacity(LARGEST));
    for version in &versions.0 {
        let made = version.created_at.map_or_else(|| "-".to_owned(), format_time);
        let key = Zeroizing::new(HEXLOWER.encode(version.kek.bytes()));
        for part in [WORD, " ", FORM, " ", &made, " ", &key, "\n"] {
            text.push_str(part);
        }
    }
    Zeroizing::new(std::mem::take(&mut *text).into_bytes())
}
