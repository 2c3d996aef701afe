//! Refusals of the audit operations.
use keepgate_audit::operations::{ExportAuditError, GetAuditEntryError, GetProofError, ListAuditError, ReadLogError};
use keepgate_crypto_keys::RotateLogKeyError;

super::http! {
    ListAuditError { Self::Query(_) => UNPROCESSABLE_ENTITY }
    GetAuditEntryError { Self::NotFound => NOT_FOUND }
    GetProofError { Self::NotFound => NOT_FOUND }
    ReadLogError { Self::NotFound => NOT_FOUND }
    ExportAuditError { Self::Empty => NOT_FOUND }
    RotateLogKeyError { Self::Overlap | Self::Unsigned => CONFLICT }
}
