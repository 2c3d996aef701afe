//! What an entry must be, besides being under a signature.
use keepgate_kernel::TenantId;
use keepgate_merkle::verify::Observer;

use crate::{Leaf, LeafError, integrate::tenant_of};

/// Checks the content of each entry of one log, as `keepgate_merkle::verify` shows them: the hashes say that nothing
/// was changed, this says that what was logged is an entry of this tenant.
#[derive(Debug, Clone, Copy)]
pub struct EntryCheck {
    tenant: TenantId,
}

/// The name of a log that is not one of Keepgate's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the log's name does not end in `/audit/` and a tenant's number")]
pub struct ForeignLog;

/// What is wrong with an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// It is no leaf.
    #[error("entry {index}: {fault}")]
    Leaf {
        /// Which entry.
        index: u64,
        /// Why not.
        fault: LeafError,
    },
    /// It is of another tenant.
    #[error("entry {index} is of another tenant")]
    OtherTenant {
        /// Which entry.
        index: u64,
    },
}

impl EntryCheck {
    /// The check for the log named `origin`.
    ///
    /// # Errors
    /// [`ForeignLog`] when the name does not tell a tenant.
    pub fn for_origin(origin: &str) -> Result<Self, ForeignLog> {
        tenant_of(origin).map(|tenant| Self { tenant }).ok_or(ForeignLog)
    }

    /// Checks entry `index`. Times may go back: the order of a log is that of its commits.
    ///
    /// # Errors
    /// [`EntryFault`] names the entry and what is wrong.
    pub fn verify_entry(&self, index: u64, bytes: &[u8]) -> Result<(), EntryFault> {
        let leaf = Leaf::parse(bytes).map_err(|fault| EntryFault::Leaf { index, fault })?;
        if leaf.tenant == self.tenant {
            Ok(())
        } else {
            Err(EntryFault::OtherTenant { index })
        }
    }
}

impl Observer for EntryCheck {
    fn entry(&mut self, index: u64, bytes: &[u8]) -> Result<(), String> {
        self.verify_entry(index, bytes).map_err(|fault| fault.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: &str = "0190a000-0000-7000-8000-000000000001";

    fn leaf(tenant: &str) -> String {
        format!(
            r#"{{"action":"a.b","actor":{{"id":"{TENANT}","type":"user"}},"entity":"x","id":"{TENANT}","outcome":"done","recorded_at":"2026-01-02T03:04:05.000006Z","request_id":"{TENANT}","tenant":"{tenant}","time_quality":"synced","v":1}}"#
        )
    }

    #[test]
    fn only_entries_of_the_log_s_own_tenant_pass() {
        let check = EntryCheck::for_origin(&format!("gate.example/audit/{TENANT}")).unwrap();
        assert_eq!(check.verify_entry(3, leaf(TENANT).as_bytes()), Ok(()));
        let other = leaf(&TENANT.replace("001", "002"));
        assert_eq!(
            check.verify_entry(3, other.as_bytes()),
            Err(EntryFault::OtherTenant { index: 3 })
        );
        assert_eq!(
            check.verify_entry(3, b"x"),
            Err(EntryFault::Leaf {
                index: 3,
                fault: LeafError::Form
            })
        );
    }

    #[test]
    fn a_name_without_a_tenant_is_no_log_of_ours() {
        assert_eq!(EntryCheck::for_origin("example.com/log").err(), Some(ForeignLog));
        assert_eq!(
            EntryCheck::for_origin(&format!("/audit/{TENANT}")).err(),
            Some(ForeignLog)
        );
    }
}
