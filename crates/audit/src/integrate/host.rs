//! The name of a log.
use keepgate_kernel::{TenantId, Uuid};

/// The host that log names begin with, such as `keepgate.example.org`. It names, it is never connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogHost(String);

/// A text that can't begin the name of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the host of a log's name has 1 to 120 characters of `a-z`, `0-9`, `.`, `-` and `:`")]
pub struct BadHost;

impl std::str::FromStr for LogHost {
    type Err = BadHost;
    fn from_str(text: &str) -> Result<Self, BadHost> {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:".contains(&byte);
        if (1..=120).contains(&text.len()) && text.bytes().all(fits) {
            Ok(Self(text.to_owned()))
        } else {
            Err(BadHost)
        }
    }
}

impl LogHost {
    /// The name of `tenant`'s log: `<host>/audit/<tenant uuid>`. A log keeps the name it was created with.
    #[must_use]
    pub fn origin(&self, tenant: TenantId) -> String {
        format!("{}/audit/{}", self.0, tenant.uuid())
    }

    /// The name of the log of logs: `<host>/audit/meta`.
    #[must_use]
    pub fn meta_origin(&self) -> String {
        format!("{}/audit/meta", self.0)
    }
}

/// The tenant whose log has this name.
pub(crate) fn tenant_of(origin: &str) -> Option<TenantId> {
    let (host, id) = origin.rsplit_once("/audit/")?;
    let tenant = TenantId::from_uuid(Uuid::try_parse(id).ok()?);
    // The one spelling of the id.
    (!host.is_empty() && tenant.uuid().to_string() == id).then_some(tenant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_s_name_tells_its_tenant() {
        let tenant = TenantId::new("2026-01-02T03:04:05Z".parse().unwrap());
        let origin = "gate.example:8443".parse::<LogHost>().unwrap().origin(tenant);
        assert_eq!(tenant_of(&origin), Some(tenant));
        assert_eq!(tenant_of(&origin.to_uppercase()), None);
        assert_eq!(tenant_of("gate.example/audit/x"), None);
        let meta = "gate.example".parse::<LogHost>().unwrap().meta_origin();
        assert_eq!(tenant_of(&meta), None);
    }

    #[test]
    fn a_host_that_would_break_a_key_name_is_refused() {
        for bad in ["", "a b", "a+b", "A.example", "a/b", "a\n", &"a".repeat(121)] {
            assert_eq!(bad.parse::<LogHost>(), Err(BadHost), "{bad:?}");
        }
    }
}
