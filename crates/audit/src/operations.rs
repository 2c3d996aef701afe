//! The operations: each a command, one file each. Reading the log is an operation too, so it is logged.
mod archives;
mod attest_clock;
mod export_audit;
mod get_audit_entry;
mod get_proof;
mod list_audit;
mod list_erasures;
mod list_holds;
mod raise_alarm;
mod read_log;
mod read_meta;
pub mod sinks;
mod tell_abandoned;
mod tell_witness_alarm;

pub use archives::{ArchiveOverview, ListArchives, ListArchivesError, RecordArchive, RecordArchiveError};
pub use attest_clock::AttestClock;
pub use export_audit::{ExportAudit, ExportAuditError, ExportRange};
pub use get_audit_entry::{GetAuditEntry, GetAuditEntryError};
pub use get_proof::{GetProof, GetProofError, Proof};
pub use list_audit::{ListAudit, ListAuditError};
pub use list_erasures::ListErasures;
pub use list_holds::ListHolds;
pub use raise_alarm::RaiseAlarm;
pub use read_log::{LogContent, LogPart, ReadLog, ReadLogError};
pub use read_meta::{MetaContent, MetaPart, ReadMetaLog};
pub use tell_abandoned::TellAbandoned;
pub use tell_witness_alarm::TellWitnessAlarm;
