//! Refusals of single sign-on.
use keepgate_gate::operations::{
    ConfigureProviderError, DeleteProviderError, GetProviderError, IssueScimTokenError, RevokeScimTokenError,
    SsoLoginError, StartLinkError, StartSsoError,
};

super::http! {
    ConfigureProviderError {
        Self::Invalid(_) => UNPROCESSABLE_ENTITY,
        Self::IssuerTaken => CONFLICT,
        Self::UnitNotFound => UNPROCESSABLE_ENTITY "/group_levels",
    }
    DeleteProviderError { Self::NotFound => NOT_FOUND }
    GetProviderError { Self::NotFound => NOT_FOUND }
    IssueScimTokenError {
        Self::InvalidName => UNPROCESSABLE_ENTITY "/name",
        Self::ExpiryInThePast => UNPROCESSABLE_ENTITY "/expires_at",
        Self::Provider => UNPROCESSABLE_ENTITY "/provider",
    }
    RevokeScimTokenError { Self::NotFound => NOT_FOUND }
    StartLinkError { Self::NotFound => NOT_FOUND, Self::Unavailable => SERVICE_UNAVAILABLE }
    StartSsoError { Self::NotFound => NOT_FOUND, Self::Unavailable => SERVICE_UNAVAILABLE }
    SsoLoginError {
        Self::Refused(_) => UNAUTHORIZED,
        Self::Unavailable => SERVICE_UNAVAILABLE,
        Self::ProviderGone => NOT_FOUND,
        Self::NoAccount => FORBIDDEN,
        Self::NoGroup => FORBIDDEN,
        Self::Disabled => FORBIDDEN,
        Self::EmailTaken => CONFLICT,
        Self::AccountTaken => CONFLICT,
        Self::OutOfReach => FORBIDDEN,
        Self::Mapped(_) => FORBIDDEN,
    }
}
