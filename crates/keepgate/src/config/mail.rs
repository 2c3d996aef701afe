//! `[mail]`: where mail to people about their accounts is handed in.
use std::path::{Path, PathBuf};

use keepgate_identity::smtp::Security;

use super::{keys, reader::Reader};
use crate::secrets::SecretRef;

/// A mail server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its host, as its certificate names it.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates to trust beside the public ones.
    pub ca_file: Option<PathBuf>,
    /// User and password.
    pub login: Option<(String, SecretRef)>,
    /// The sender.
    pub from: String,
}

impl Mail {
    /// Reads the section. The outer `None` after a mistake, the inner one where there is no section.
    pub(super) fn read(file: &mut Reader<'_>, base: &Path) -> Option<Option<Self>> {
        let (host, security, from) = (
            file.get(keys::MAIL_HOST),
            file.get(keys::MAIL_SECURITY),
            file.get(keys::MAIL_FROM),
        );
        let (port, ca) = (file.get(keys::MAIL_PORT), file.get(keys::MAIL_CA));
        let (user, password) = (file.get(keys::MAIL_USER), file.get(keys::MAIL_PASSWORD));
        let security = match security? {
            "starttls" => Security::StartTls,
            "none" => Security::Plain,
            _ => Security::Implicit,
        };
        let Some(host) = host else {
            if file.has(keys::MAIL_FROM) || file.has(keys::MAIL_USER) || file.has(keys::MAIL_PASSWORD) {
                file.complain(
                    keys::MAIL_HOST,
                    "is missing; nothing else of [mail] means anything without it",
                );
                return None;
            }
            return Some(None);
        };
        if from.is_none() && !file.has(keys::MAIL_FROM) {
            file.complain(keys::MAIL_FROM, "is missing; mail.host needs it");
        }
        if file.has(keys::MAIL_USER) != file.has(keys::MAIL_PASSWORD) {
            file.complain(keys::MAIL_USER, "and mail.password are needed both or not at all");
            return None;
        }
        let usual = match security {
            Security::Implicit => 465,
            Security::StartTls => 587,
            Security::Plain => 25,
        };
        Some(Some(Self {
            host,
            port: match port {
                Some(port) => port.try_into().ok()?,
                None if file.has(keys::MAIL_PORT) => return None,
                None => usual,
            },
            security,
            ca_file: ca.map(|path| base.join(path)),
            login: user.zip(password),
            from: from?,
        }))
    }
}
