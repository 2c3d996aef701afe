//! Refusals of the audit operations.
use keepgate_audit::{
    operations::{
        ExportAuditError, GetAuditEntryError, GetProofError, ListArchivesError, ListAuditError, ReadLogError,
        sinks::{CreateSinkError, ReplaySinkError, SinkError, UpdateSinkError},
    },
    sink::BadSink,
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
    CreateSinkError {
        Self::Bad(BadSink::Name) => UNPROCESSABLE_ENTITY "/name",
        Self::Bad(BadSink::BatchSize) => UNPROCESSABLE_ENTITY "/batch_size",
        Self::Bad(BadSink::Delay) => UNPROCESSABLE_ENTITY "/max_delay_seconds",
        Self::Bad(_) => UNPROCESSABLE_ENTITY "/target",
        Self::NameTaken => CONFLICT,
        Self::TooMany => CONFLICT,
        Self::BeyondEnd => UNPROCESSABLE_ENTITY "/from_index",
        Self::Pruned(_) => GONE,
    }
    UpdateSinkError {
        Self::Unknown => NOT_FOUND,
        Self::Bad(BadSink::Name) => UNPROCESSABLE_ENTITY "/name",
        Self::Bad(BadSink::BatchSize) => UNPROCESSABLE_ENTITY "/batch_size",
        Self::Bad(BadSink::Delay) => UNPROCESSABLE_ENTITY "/max_delay_seconds",
        Self::Bad(_) => UNPROCESSABLE_ENTITY "/target",
        Self::NameTaken => CONFLICT,
    }
    ReplaySinkError {
        Self::Unknown => NOT_FOUND,
        Self::BeyondEnd => UNPROCESSABLE_ENTITY "/from_index",
        Self::Pruned(_) => GONE,
    }
    SinkError { Self::Unknown => NOT_FOUND }
}
