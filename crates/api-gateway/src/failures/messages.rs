//! Refusals of the messaging operations.
use keepgate_channels::{
    RecipientError, RouteError,
    commands::{
        AcceptError, AckError, CallbackError, CancelError, CreateRecipientError, DeleteRecipientError,
        DeleteRouteError, DeleteWebhookError, GetMessageError, GetRecipientError, GetRouteError, GetWebhookError,
        PutRouteError, RegisterWebhookError, ReplayError, UpdateRecipientError,
    },
};

super::http! {
    AcceptError {
        Self::UnknownRecipient => UNPROCESSABLE_ENTITY "/recipient",
        Self::UnknownRoute => UNPROCESSABLE_ENTITY "/route",
        Self::Contacts => UNPROCESSABLE_ENTITY "/to",
        Self::Payload => UNPROCESSABLE_ENTITY "/payload",
        Self::Text => UNPROCESSABLE_ENTITY "/text",
        Self::ContentType => UNPROCESSABLE_ENTITY "/content_type",
        Self::Deadline => UNPROCESSABLE_ENTITY "/deadline",
    }
    AckError { Self::Unknown => NOT_FOUND, Self::NotAddressed => FORBIDDEN, Self::Ended(_) => CONFLICT, Self::Note => UNPROCESSABLE_ENTITY "/note" }
    CancelError { Self::Unknown => NOT_FOUND, Self::Ended(_) => CONFLICT }
    GetMessageError { Self::Unknown => NOT_FOUND }
    ReplayError { Self::Unknown => NOT_FOUND, Self::Refused(_) => UNPROCESSABLE_ENTITY }
    CreateRecipientError {
        Self::Invalid(RecipientError::Name) => UNPROCESSABLE_ENTITY "/name",
        Self::Invalid(RecipientError::Contacts) => UNPROCESSABLE_ENTITY "/contacts",
        Self::Invalid(RecipientError::Locale) => UNPROCESSABLE_ENTITY "/locale",
    }
    UpdateRecipientError {
        Self::Unknown => NOT_FOUND,
        Self::Invalid(RecipientError::Name) => UNPROCESSABLE_ENTITY "/name",
        Self::Invalid(RecipientError::Contacts) => UNPROCESSABLE_ENTITY "/contacts",
        Self::Invalid(RecipientError::Locale) => UNPROCESSABLE_ENTITY "/locale",
    }
    GetRecipientError { Self::Unknown => NOT_FOUND }
    DeleteRecipientError { Self::Unknown => NOT_FOUND }
    PutRouteError {
        Self::Invalid(RouteError::Name) => UNPROCESSABLE_ENTITY,
        Self::Invalid(RouteError::Deadline) => UNPROCESSABLE_ENTITY "/deadline_seconds",
        Self::Invalid(_) => UNPROCESSABLE_ENTITY "/steps",
    }
    GetRouteError { Self::Unknown => NOT_FOUND }
    DeleteRouteError { Self::Unknown => NOT_FOUND, Self::BuiltIn => CONFLICT }
    RegisterWebhookError { Self::Url(_) => UNPROCESSABLE_ENTITY "/url", Self::Registered => CONFLICT }
    GetWebhookError { Self::Unknown => NOT_FOUND }
    DeleteWebhookError { Self::Unknown => NOT_FOUND }
    CallbackError { Self::Unknown => NOT_FOUND, Self::OtherReference => CONFLICT, Self::Event => UNPROCESSABLE_ENTITY }
}
