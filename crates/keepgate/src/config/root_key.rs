//! `[keys]`: where the root key is, and how long keys under it are remembered.
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{keys, reader::Reader};
use crate::secrets::Place;

/// Where the root key is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootKeyPlace {
    /// A file of this machine, or a service.
    pub service: Place,
    /// Its name in the service; nothing for a file.
    pub name: String,
    /// The public half of the offline recovery key.
    pub recovery_key: Option<PathBuf>,
    /// How long an opened tenant's key is remembered.
    pub cache: Duration,
    /// How many values are sealed anew in a second.
    pub reseal_per_second: u32,
}

impl RootKeyPlace {
    /// Reads the keys; `None` after a mistake.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Self> {
        let (service, name) = (file.get(keys::KEYS_SERVICE), file.get(keys::KEYS_NAME));
        let (recovery, cache) = (file.get(keys::KEYS_RECOVERY), file.get(keys::KEYS_CACHE));
        let reseal = file.get(keys::KEYS_RESEAL);
        let service = match service? {
            "openbao" => Place::OpenBao,
            "aws" => Place::Aws,
            "gcp" => Place::Gcp,
            _ => Place::File,
        };
        let word = service.word();
        match (service, file.has(keys::KEYS_NAME)) {
            (Place::File, true) => {
                file.complain(
                    keys::KEYS_NAME,
                    "names a key of a service; with keys.service = \"file\" the key is in kek_file",
                );
                return None;
            }
            (Place::File, false) => {}
            (_, named) => {
                if !file.has_section(word) {
                    file.complain(
                        keys::KEYS_SERVICE,
                        &format!(
                            "is \"{word}\", and there is no [{word}]; add the section: {}",
                            super::types::section(word)
                        ),
                    );
                    return None;
                }
                if !named {
                    file.complain(
                        keys::KEYS_NAME,
                        &format!("is missing; keys.service = \"{word}\" needs the key's name there"),
                    );
                    return None;
                }
                if file.has(keys::KEK_FILE) {
                    file.complain(
                        keys::KEK_FILE,
                        &format!("means nothing with keys.service = \"{word}\"; leave it out"),
                    );
                    return None;
                }
            }
        }
        let name = match name {
            Some(name) => name,
            None if file.has(keys::KEYS_NAME) => return None,
            None => String::new(),
        };
        if !is_name(service, &name) {
            file.complain(keys::KEYS_NAME, &format!("is not {}", form(service)));
            return None;
        }
        Some(Self {
            service,
            name,
            recovery_key: recovery.map(|path| base.join(path)),
            cache: Duration::from_secs(cache? * 60),
            reseal_per_second: u32::try_from(reseal?).unwrap_or(u32::MAX),
        })
    }
}

const fn form(service: Place) -> &'static str {
    match service {
        Place::File => "empty",
        Place::OpenBao => "MOUNT/KEY, such as transit/keepgate",
        Place::Aws => "a key's ARN, id or alias, such as alias/keepgate",
        Place::Gcp => "projects/P/locations/L/keyRings/R/cryptoKeys/K",
    }
}

fn is_name(service: Place, name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let plain = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_./:".contains(&byte));
    let whole = parts
        .iter()
        .all(|part| !part.is_empty() && *part != "." && *part != "..");
    match service {
        Place::File => name.is_empty(),
        Place::OpenBao => plain && whole && parts.len() >= 2,
        Place::Aws => plain && whole,
        Place::Gcp => {
            plain
                && whole
                && matches!(
                    parts.as_slice(),
                    ["projects", _, "locations", _, "keyRings", _, "cryptoKeys", _]
                )
        }
    }
}
