//! Refusals of the audit operations.
use keepgate_audit::operations::{
    ExportAuditError, GetAuditEntryError, GetProofError, ListArchivesError, ListAuditError, ReadLogError,
};
use keepgate_crypto_keys::RotateLogKeyError;
use keepgate_gate::operations::{EraseSubjectError, PlaceHoldError, ReleaseHoldError};

super::http! {
    ListAuditError { Self::Query(_) => UNPROCESSABLE_ENTITY }
    GetAuditEntryError { Self::NotFound => NOT_FOUND, Self::Pruned(_) => GONE }
    GetProofError { Self::NotFound => NOT_FOUND }
    ReadLogError { Self::NotFound => NOT_FOUND, Self::Pruned(_) => GONE }
    ExportAuditError { Self::Empty => NOT_FOUND }
    RotateLogKeyError { Self::Overlap | Self::Unsigned => CONFLICT }
    EraseSubjectError {
        Self::InvalidReason => UNPROCESSABLE_ENTITY "/reason",
        Self::NotFound => NOT_FOUND,
        Self::Living => CONFLICT,
        Self::Held => CONFLICT,
        Self::Unapproved(_) => FORBIDDEN,
    }
    PlaceHoldError {
        Self::InvalidReason => UNPROCESSABLE_ENTITY "/reason",
        Self::Span => UNPROCESSABLE_ENTITY "/to",
        Self::NotFound => UNPROCESSABLE_ENTITY "/subject",
    }
    ReleaseHoldError { Self::NotFound => NOT_FOUND, Self::Released => CONFLICT, Self::Unapproved(_) => FORBIDDEN }
    ListArchivesError {}
}
