//! `secret://STORE/…`: how the configuration names a secret without holding it.
use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

/// The name of a secret. Safe to show.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecretRef {
    /// `secret://file/ABSOLUTE/PATH`.
    File(PathBuf),
    /// `secret://openbao/MOUNT/PATH#FIELD[@VERSION]`, in a key-value engine of version 2.
    OpenBao(Remote),
    /// `secret://aws/NAME-OR-ARN[#FIELD][@VERSION]`, in Secrets Manager.
    Aws(Remote),
    /// `secret://gcp/projects/P/secrets/S[/versions/V]`, in Secret Manager.
    Gcp(Remote),
}

/// A secret in a service.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Remote {
    /// As the adapter takes it: `MOUNT/PATH#FIELD`, `NAME#FIELD`, `projects/P/secrets/S`.
    pub name: String,
    /// The version, if it is pinned.
    pub version: Option<String>,
}

/// Where a secret lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A file.
    File,
    /// OpenBao or Vault.
    OpenBao,
    /// AWS Secrets Manager.
    Aws,
    /// Google Secret Manager.
    Gcp,
}

impl Place {
    /// The word of references and sections.
    pub const fn word(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::OpenBao => "openbao",
            Self::Aws => "aws",
            Self::Gcp => "gcp",
        }
    }
}

/// Why a text names no secret. Never holds the text: it may be the secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// No reference at all, so perhaps the secret itself.
    #[error(
        "a secret must not stand in the configuration; put it into a file of mode 0600 and write secret://file/ABSOLUTE/PATH, or name it in a store: secret://openbao/…, secret://aws/…, secret://gcp/…"
    )]
    Literal,
    /// A store nobody knows, the environment for one.
    #[error(
        "there is no such store; secrets are in secret://file/…, secret://openbao/…, secret://aws/… or secret://gcp/…"
    )]
    Store,
    /// No absolute path behind the scheme.
    #[error("the reference must be secret://file/ and an absolute path without its first slash")]
    Path,
    /// Not the form of OpenBao.
    #[error("the reference must be secret://openbao/MOUNT/PATH#FIELD, with @VERSION behind it to pin one")]
    OpenBao,
    /// Not the form of AWS.
    #[error(
        "the reference must be secret://aws/NAME or its ARN, with #FIELD behind it if the secret is JSON, and @VERSION to pin one"
    )]
    Aws,
    /// Not the form of Google.
    #[error(
        "the reference must be secret://gcp/projects/PROJECT/secrets/SECRET, with /versions/VERSION behind it to pin one"
    )]
    Gcp,
}

impl SecretRef {
    /// Where it lies.
    pub const fn place(&self) -> Place {
        match self {
            Self::File(_) => Place::File,
            Self::OpenBao(_) => Place::OpenBao,
            Self::Aws(_) => Place::Aws,
            Self::Gcp(_) => Place::Gcp,
        }
    }

    /// The file, if it is one.
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) => Some(path),
            _ => None,
        }
    }

    /// The secret in its service, if it is in one.
    pub const fn remote(&self) -> Option<&Remote> {
        match self {
            Self::File(_) => None,
            Self::OpenBao(remote) | Self::Aws(remote) | Self::Gcp(remote) => Some(remote),
        }
    }
}

impl FromStr for SecretRef {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let rest = text.strip_prefix("secret://").ok_or(ReferenceError::Literal)?;
        match rest.split_once('/') {
            Some(("file", path)) => file(path),
            Some(("openbao", name)) => openbao(name),
            Some(("aws", name)) => aws(name),
            Some(("gcp", name)) => gcp(name),
            _ => Err(ReferenceError::Store),
        }
    }
}

fn file(path: &str) -> Result<SecretRef, ReferenceError> {
    // `secret://file//etc/x` is what one gets by pasting an absolute path.
    let path = path.trim_start_matches('/');
    let sound = !path.is_empty() && !path.ends_with('/') && path.split('/').all(|part| part != ".." && part != ".");
    if sound {
        Ok(SecretRef::File(Path::new("/").join(path)))
    } else {
        Err(ReferenceError::Path)
    }
}

/// Parts between slashes, none of them empty, `.` or `..`, of letters that need no escape in a URL.
fn are_parts(text: &str, least: usize, also: &[u8]) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) || also.contains(&byte);
    text.split('/').count() >= least
        && text.len() <= 500
        && text
            .split('/')
            .all(|part| !part.is_empty() && part != "." && part != ".." && part.bytes().all(plain))
}

fn openbao(text: &str) -> Result<SecretRef, ReferenceError> {
    let (name, version) = versioned(text);
    let (path, field) = name.split_once('#').ok_or(ReferenceError::OpenBao)?;
    let numbered = version.is_none_or(|version| version.parse::<u32>().is_ok_and(|number| number > 0));
    if are_parts(path, 2, b"") && are_parts(field, 1, b"") && !field.contains('/') && numbered {
        Ok(SecretRef::OpenBao(remote(name, version)))
    } else {
        Err(ReferenceError::OpenBao)
    }
}

fn aws(text: &str) -> Result<SecretRef, ReferenceError> {
    // A name may hold an `@`; a version is what follows the last one and looks like none of a name's parts.
    let (name, version) = versioned(text);
    let (path, field) = name
        .split_once('#')
        .map_or((name, None), |(path, field)| (path, Some(field)));
    let field = field.is_none_or(|field| are_parts(field, 1, b"") && !field.contains('/'));
    let pinned = version.is_none_or(|version| are_parts(version, 1, b"") && !version.contains('/'));
    if are_parts(path, 1, b":+=@") && field && pinned {
        Ok(SecretRef::Aws(remote(name, version)))
    } else {
        Err(ReferenceError::Aws)
    }
}

fn gcp(text: &str) -> Result<SecretRef, ReferenceError> {
    let parts: Vec<&str> = text.split('/').collect();
    let (name, version) = match parts.as_slice() {
        ["projects", _, "secrets", _] => (text, None),
        ["projects", _, "secrets", _, "versions", version] => {
            let end = text.len() - "/versions/".len() - version.len();
            (text.get(..end).unwrap_or_default(), Some(*version))
        }
        _ => return Err(ReferenceError::Gcp),
    };
    if are_parts(text, 4, b":") {
        // `latest` is the newest at any time: the same as no version.
        Ok(SecretRef::Gcp(remote(
            name,
            version.filter(|version| *version != "latest"),
        )))
    } else {
        Err(ReferenceError::Gcp)
    }
}

fn versioned(text: &str) -> (&str, Option<&str>) {
    text.rsplit_once('@')
        .map_or((text, None), |(name, version)| (name, Some(version)))
}

fn remote(name: &str, version: Option<&str>) -> Remote {
    Remote {
        name: name.to_owned(),
        version: version.map(str::to_owned),
    }
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = self.place().word();
        match self {
            Self::File(path) => write!(
                f,
                "secret://{word}/{}",
                path.display().to_string().trim_start_matches('/')
            ),
            Self::OpenBao(remote) | Self::Aws(remote) | Self::Gcp(remote) => {
                write!(f, "secret://{word}/{}", remote.name)?;
                match &remote.version {
                    Some(version) if self.place() == Place::Gcp => write!(f, "/versions/{version}"),
                    Some(version) => write!(f, "@{version}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_to_a_file_names_an_absolute_path() {
        for text in ["secret://file/etc/keepgate/tw", "secret://file//etc/keepgate/tw"] {
            let reference: SecretRef = text.parse().unwrap();
            assert_eq!(reference.path(), Some(Path::new("/etc/keepgate/tw")));
            assert_eq!(reference.to_string(), "secret://file/etc/keepgate/tw");
        }
    }

    #[test]
    fn a_reference_to_a_service_names_secret_field_and_version() {
        for (text, name, version) in [
            (
                "secret://openbao/kv/keepgate/twilio#token",
                "kv/keepgate/twilio#token",
                None,
            ),
            (
                "secret://openbao/kv/keepgate/twilio#token@3",
                "kv/keepgate/twilio#token",
                Some("3"),
            ),
            ("secret://aws/keepgate/twilio", "keepgate/twilio", None),
            ("secret://aws/keepgate/twilio#token", "keepgate/twilio#token", None),
            (
                "secret://aws/arn:aws:secretsmanager:eu-central-1:123456789012:secret:kg/tw-AbCdEf#token@v-1",
                "arn:aws:secretsmanager:eu-central-1:123456789012:secret:kg/tw-AbCdEf#token",
                Some("v-1"),
            ),
            (
                "secret://gcp/projects/p-1/secrets/twilio",
                "projects/p-1/secrets/twilio",
                None,
            ),
            (
                "secret://gcp/projects/p-1/secrets/twilio/versions/7",
                "projects/p-1/secrets/twilio",
                Some("7"),
            ),
        ] {
            let reference: SecretRef = text.parse().unwrap();
            let remote = reference.remote().unwrap();
            assert_eq!(
                (remote.name.as_str(), remote.version.as_deref()),
                (name, version),
                "{text}"
            );
            assert_eq!(reference.to_string(), text);
        }
        let latest: SecretRef = "secret://gcp/projects/p/secrets/s/versions/latest".parse().unwrap();
        assert_eq!(latest.remote().unwrap().version, None, "the newest at any time");
    }

    #[test]
    fn anything_else_is_refused_and_not_repeated() {
        for text in ["hunter2", "", "file:///etc/x", "SECRET://file/x", "openbao/kv/a#b"] {
            assert_eq!(text.parse::<SecretRef>(), Err(ReferenceError::Literal), "{text}");
        }
        for text in [
            "secret://env/TOKEN",
            "secret://",
            "secret://file",
            "secret://vault/kv/a#b",
        ] {
            assert_eq!(text.parse::<SecretRef>(), Err(ReferenceError::Store), "{text}");
        }
        for text in ["secret://file/", "secret://file/etc/../x", "secret://file/etc/"] {
            assert_eq!(text.parse::<SecretRef>(), Err(ReferenceError::Path), "{text}");
        }
        for text in [
            "kv#f",
            "kv/a",
            "kv/a#",
            "kv/../a#f",
            "kv/a#f@0",
            "kv/a#f@x",
            "kv/a?b#f",
            "kv//a#f",
            "kv/a#f/g",
        ] {
            assert_eq!(
                format!("secret://openbao/{text}").parse::<SecretRef>(),
                Err(ReferenceError::OpenBao),
                "{text}"
            );
        }
        for text in ["", "a b", "a//b", "a#", "a/../b", "a#f@"] {
            assert_eq!(
                format!("secret://aws/{text}").parse::<SecretRef>(),
                Err(ReferenceError::Aws),
                "{text}"
            );
        }
        for text in [
            "projects/p",
            "projects/p/secrets/",
            "projects/p/secrets/s/versions",
            "projects/p/secrets/a?b",
        ] {
            assert_eq!(
                format!("secret://gcp/{text}").parse::<SecretRef>(),
                Err(ReferenceError::Gcp),
                "{text}"
            );
        }
    }
}
