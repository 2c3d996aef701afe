//! The ready file: tells whoever started us where everything is.
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::{failure::Failure, secrets::write_private};

/// What the file holds.
#[derive(Serialize)]
pub struct Ready<'a> {
    /// Where HTTPS is served.
    pub url: String,
    /// Where metrics and health are served.
    pub admin_url: String,
    /// The certificate to trust; null with a certificate of one's own.
    pub ca_cert: Option<PathBuf>,
    /// The data directory.
    pub data_dir: &'a Path,
    /// This process.
    pub pid: u32,
    /// `embedded` or `external`.
    pub database: &'static str,
    /// Of this binary.
    pub version: &'static str,
    /// On the very first run only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bootstrap: Option<&'a Bootstrap>,
}

/// The first credentials. Shown once, logged never.
#[derive(Serialize, serde::Deserialize)]
pub struct Bootstrap {
    /// The platform's own tenant.
    pub platform_tenant: String,
    /// The one-time code of the first `global_admin`.
    pub platform_enrolment: String,
    /// The first customer tenant.
    pub tenant: String,
    /// The one-time code of its first `tenant_owner`.
    pub owner_enrolment: String,
    /// An `operator`-level API key of that tenant, good for 24 hours as the codes are.
    pub service_key: String,
}

impl Ready<'_> {
    /// Writes the file, mode 0600, by rename.
    ///
    /// # Errors
    /// Those of the system.
    pub fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed =
            |error: &std::io::Error| Failure::io(format!("can't write the ready file {}", path.display()), error);
        let path = std::path::absolute(path).map_err(|error| failed(&error))?;
        let text = serde_json::to_vec_pretty(self).map_err(|error| failed(&error.into()))?;
        write_private(&path, &text).map_err(|error| failed(&error))
    }
}

/// A file left by an earlier run would call a service ready that is not.
///
/// # Errors
/// Those of the system.
pub fn remove_stale(path: &Path) -> Result<(), Failure> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Failure::io(
            format!("can't remove the old ready file {}", path.display()),
            &error,
        )),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt};

    use super::*;

    fn bootstrap() -> Bootstrap {
        let text = |text: &str| text.to_owned();
        Bootstrap {
            platform_tenant: text("ten_p"),
            platform_enrolment: text("kge_p"),
            tenant: text("ten_t"),
            owner_enrolment: text("kge_o"),
            service_key: text("kgl_x"),
        }
    }

    fn written(bootstrap: Option<&Bootstrap>) -> (u32, serde_json::Value) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ready.json");
        fs::write(&path, "stale, and open to others").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let ready = Ready {
            url: "https://127.0.0.1:1".into(),
            admin_url: "http://127.0.0.1:2".into(),
            ca_cert: Some("/d/tls/ca.pem".into()),
            data_dir: Path::new("/d"),
            pid: 7,
            database: "embedded",
            version: "0.1.0",
            bootstrap,
        };
        ready.write(&path).unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        (mode, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
    }

    fn keys(value: &serde_json::Value) -> BTreeSet<&str> {
        value.as_object().unwrap().keys().map(String::as_str).collect()
    }

    #[test]
    fn the_file_is_private_and_has_exactly_the_fields_of_the_contract() {
        let (mode, value) = written(None);
        assert_eq!(mode, 0o600);
        let always = ["url", "admin_url", "ca_cert", "data_dir", "pid", "database", "version"];
        assert_eq!(keys(&value), BTreeSet::from(always));
        let first = bootstrap();
        let (_, value) = written(Some(&first));
        assert!(keys(&value).contains("bootstrap"));
        let wanted = [
            "platform_tenant",
            "platform_enrolment",
            "tenant",
            "owner_enrolment",
            "service_key",
        ];
        assert_eq!(keys(&value["bootstrap"]), BTreeSet::from(wanted));
    }
}
