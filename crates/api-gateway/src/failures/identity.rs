//! Refusals of the identity operations.
use axum::http::StatusCode;
use keepgate_crypto_keys::TurnKeyError;
use keepgate_gate::operations::{
    BreakGlassError, CreateDeviceError, CreateServiceError, CreateUserError, DeleteDeviceError, DeleteServiceError,
    DeleteUserError, DestroyKeyError, EnrolDeviceError, GetServiceError, GetUserError, ImportApiKeyError,
    IssueApiKeyError, IssueServiceKeyError, RequestApprovalError, UpdateDeviceError, UpdateServiceError,
    UpdateUserError,
};
use keepgate_identity::{
    BeginPasskeyError, BeginStepUpError, ChangePasswordError, CompleteLoginError, ConfirmPasskeyError,
    ConfirmResetError, ConfirmTotpError, DeviceLoginError, EnrolError, GetDeviceError, JoinDeviceError,
    ListFactorsError, LoginError, LogoutError, ReadMeError, RemoveFactorError, RenewRecoveryCodesError,
    ReportLeakError, ResetMfaError, ResetPasswordError, RevokeApiKeyError, RevokeError, RevokePrincipalSessionsError,
    RevokeSessionError, RotateApiKeyError, RotateSigningKeysError, StepUpError,
};
use keepgate_policy::ApprovalDenied;
use keepgate_rbac::{
    ApproveError, CreateTenantError, CreateUnitError, DeleteUnitError, GetApprovalError, GetTenantError, GetUnitError,
    RenameUnitError, UpdateTenantError,
};
use keepgate_store::StoreError;

super::http! {
    LoginError { Self::InvalidCredentials => UNAUTHORIZED, Self::LockedOut { .. } => TOO_MANY_REQUESTS }
    ConfirmResetError { Self::InvalidCode => UNAUTHORIZED }
    ResetPasswordError { Self::NotFound => NOT_FOUND, Self::MailNotConfigured => CONFLICT, Self::Denied(_) => FORBIDDEN }
    ChangePasswordError {
        Self::WrongPassword => FORBIDDEN,
        Self::Unchanged => UNPROCESSABLE_ENTITY "/new_password",
        Self::LockedOut { .. } => TOO_MANY_REQUESTS,
    }
    EnrolError { Self::InvalidCode => UNAUTHORIZED }
    CompleteLoginError { Self::InvalidChallenge => UNAUTHORIZED, Self::InvalidFactor => UNAUTHORIZED, Self::CountWentBack => UNAUTHORIZED }
    BeginPasskeyError { Self::TooMany => CONFLICT }
    BeginStepUpError { Self::NoPasskey => CONFLICT }
    ConfirmPasskeyError {
        Self::InvalidChallenge => UNPROCESSABLE_ENTITY "/passkey/response/clientDataJSON",
        Self::Invalid(_) => UNPROCESSABLE_ENTITY "/passkey",
        Self::Known => CONFLICT,
        Self::TooMany => CONFLICT,
    }
    StepUpError { Self::Wrong => UNAUTHORIZED, Self::Missing => UNPROCESSABLE_ENTITY, Self::CountWentBack => UNAUTHORIZED, Self::LockedOut { .. } => TOO_MANY_REQUESTS }
    ConfirmTotpError { Self::NotPending => CONFLICT, Self::WrongCode => UNPROCESSABLE_ENTITY "/code" }
    RenewRecoveryCodesError { Self::NoFactor => CONFLICT }
    ListFactorsError { Self::NotUser => FORBIDDEN }
    RemoveFactorError { Self::NotFound => NOT_FOUND, Self::Last => CONFLICT, Self::ShortPassword => CONFLICT }
    ResetMfaError { Self::NotFound => NOT_FOUND, Self::Denied(_) => FORBIDDEN }
    LogoutError { Self::NotThisSession => CONFLICT }
    ReadMeError { Self::Nobody => FORBIDDEN }
    RevokeSessionError { Self::NotFound => NOT_FOUND, Self::StepUp(_) => FORBIDDEN }
    RevokeError {
        Self::InvalidReason => UNPROCESSABLE_ENTITY "/reason",
        Self::NotFound => NOT_FOUND,
        Self::OutOfReach => FORBIDDEN,
        Self::NoSuccessor => CONFLICT,
    }
    RotateSigningKeysError { Self::TooYoung => CONFLICT }
    RevokePrincipalSessionsError { Self::NotFound => NOT_FOUND, Self::OutOfReach => FORBIDDEN, Self::StepUp(_) => FORBIDDEN }
    ReportLeakError { Self::Revoked => CONFLICT }
    RevokeApiKeyError { Self::NotFound => NOT_FOUND }
    RotateApiKeyError { Self::OverlapTooLong => UNPROCESSABLE_ENTITY "/overlap_seconds", Self::NotFound => NOT_FOUND, Self::Denied(_) => FORBIDDEN }
    CreateUserError {
        Self::EmailTaken => CONFLICT,
        Self::InvalidName => UNPROCESSABLE_ENTITY "/display_name",
        Self::TenantNotFound => UNPROCESSABLE_ENTITY "/tenant",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
        Self::Unapproved(_) => FORBIDDEN,
        Self::HatOnGlobal => UNPROCESSABLE_ENTITY "/hat",
    }
    GetUserError { Self::NotFound => NOT_FOUND }
    UpdateUserError {
        Self::NotFound => NOT_FOUND,
        Self::Nothing => UNPROCESSABLE_ENTITY,
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
        Self::Unapproved(_) => FORBIDDEN,
    }
    DeleteUserError { Self::NotFound => NOT_FOUND, Self::Denied(_) => FORBIDDEN }
    IssueApiKeyError {
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::ExpiryInThePast => UNPROCESSABLE_ENTITY "/expires_at",
        Self::ExpiryTooFar => UNPROCESSABLE_ENTITY "/expires_at",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::HandleTaken => CONFLICT,
        Self::Denied(_) => FORBIDDEN,
    }
    CreateTenantError { Self::InvalidName => UNPROCESSABLE_ENTITY "/name" }
    GetTenantError { Self::NotFound => NOT_FOUND }
    UpdateTenantError { Self::NotFound => NOT_FOUND }
    CreateUnitError { Self::InvalidName => UNPROCESSABLE_ENTITY "/name", Self::NameTaken => CONFLICT }
    GetUnitError { Self::NotFound => NOT_FOUND }
    RenameUnitError { Self::NotFound => NOT_FOUND, Self::InvalidName => UNPROCESSABLE_ENTITY "/name", Self::NameTaken => CONFLICT }
    DeleteUnitError { Self::NotFound => NOT_FOUND, Self::NotEmpty => CONFLICT }
    RequestApprovalError {
        Self::InvalidReason => UNPROCESSABLE_ENTITY "/reason",
        Self::TargetNotFound => UNPROCESSABLE_ENTITY "/target",
        Self::SeveralOwners => UNPROCESSABLE_ENTITY "/owner",
        Self::Denied(_) => FORBIDDEN,
    }
    CreateServiceError {
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
    }
    GetServiceError { Self::NotFound => NOT_FOUND }
    UpdateServiceError {
        Self::NotFound => NOT_FOUND,
        Self::Nothing => UNPROCESSABLE_ENTITY,
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
    }
    DeleteServiceError { Self::NotFound => NOT_FOUND, Self::Denied(_) => FORBIDDEN }
    GetDeviceError { Self::NotFound => NOT_FOUND }
    CreateDeviceError {
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::OwnerNotFound => UNPROCESSABLE_ENTITY "/owner",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
    }
    UpdateDeviceError {
        Self::NotFound => NOT_FOUND,
        Self::Nothing => UNPROCESSABLE_ENTITY,
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::OwnerNotFound => UNPROCESSABLE_ENTITY "/owner",
        Self::Unit(_) => UNPROCESSABLE_ENTITY "/unit",
        Self::Denied(_) => FORBIDDEN,
    }
    DeleteDeviceError { Self::NotFound => NOT_FOUND, Self::Denied(_) => FORBIDDEN }
    EnrolDeviceError { Self::NotFound => NOT_FOUND, Self::Disabled => CONFLICT, Self::Denied(_) => FORBIDDEN }
    JoinDeviceError { Self::InvalidCode => UNAUTHORIZED }
    DeviceLoginError { Self::InvalidCredentials => UNAUTHORIZED, Self::LockedOut { .. } => TOO_MANY_REQUESTS }
    GetApprovalError { Self::NotFound => NOT_FOUND }
    ApproveError {
        Self::NotFound => NOT_FOUND,
        Self::Denied(ApprovalDenied::NotPending | ApprovalDenied::Expired) => CONFLICT,
        Self::Denied(_) => FORBIDDEN,
    }
    BreakGlassError {
        Self::NotFound => NOT_FOUND,
        Self::SeveralOwners => UNPROCESSABLE_ENTITY "/owner",
        Self::Unapproved(_) => FORBIDDEN,
    }
    TurnKeyError { Self::NotFound => NOT_FOUND, Self::Overtaken | Self::NotPending => CONFLICT }
    DestroyKeyError { Self::NotFound => NOT_FOUND, Self::Pending => CONFLICT, Self::Unapproved(_) => FORBIDDEN }
}

impl super::Http for IssueServiceKeyError {
    fn status(&self) -> StatusCode {
        match self {
            Self::ServiceNotFound => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Disabled => StatusCode::CONFLICT,
            Self::Issue(error) => error.status(),
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn pointer(&self) -> &'static str {
        match self {
            Self::ServiceNotFound | Self::Disabled => "/service",
            Self::Issue(error) => error.pointer(),
            Self::Store(_) => "",
        }
    }
}

impl super::Http for ImportApiKeyError {
    fn status(&self) -> StatusCode {
        match self {
            Self::LookupTaken => StatusCode::CONFLICT,
            Self::Issue(error) => error.status(),
            Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn pointer(&self) -> &'static str {
        match self {
            Self::LookupTaken => "/lookup",
            Self::Issue(error) => error.pointer(),
            Self::Store(_) => "",
        }
    }
}

/// Operations that only read have no error of their own.
impl super::Http for StoreError {
    fn status(&self) -> StatusCode {
        StatusCode::SERVICE_UNAVAILABLE
    }
}
