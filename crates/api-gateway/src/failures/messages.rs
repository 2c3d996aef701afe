//! Refusals of the messaging operations.
use keepgate_channels::commands::{
    AcceptError, AckError, CallbackError, CancelError, CreateRecipientError, DeleteRecipientError, DeleteRouteError, DeleteWebhookError,
    GetMessageError, GetRecipientError, GetRouteError, GetWebhookError, PutRouteError, RegisterWebhookError, ReplayError,
    UpdateRecipientError,
};

super::http! {
    AcceptError {
        Self::UnknownRecipient => UNPROCESSABLE_ENTITY,
        Self::UnknownRoute => UNPROCESSABLE_ENTITY,
        Self::Contacts => UNPROCESSABLE_ENTITY,
        Self::Payload => UNPROCESSABLE_ENTITY,
        Self::Text => UNPROCESSABLE_ENTITY,
        Self::ContentType => UNPROCESSABLE_ENTITY,
        Self::Deadline => UNPROCESSABLE_ENTITY,
    }
    AckError { Self::Unknown => NOT_FOUND, Self::NotAddressed => FORBIDDEN, Self::Ended(_) => CONFLICT, Self::Note => UNPROCESSABLE_ENTITY }
    CancelError { Self::Unknown => NOT_FOUND, Self::Ended(_) => CONFLICT }
    GetMessageError { Self::Unknown => NOT_FOUND }
    ReplayError { Self::Unknown => NOT_FOUND, Self::Refused(_) => UNPROCESSABLE_ENTITY }
    CreateRecipientError { Self::Invalid(_) => UNPROCESSABLE_ENTITY }
    UpdateRecipientError { Self::Unknown => NOT_FOUND, Self::Invalid(_) => UNPROCESSABLE_ENTITY }
    GetRecipientError { Self::Unknown => NOT_FOUND }
    DeleteRecipientError { Self::Unknown => NOT_FOUND }
    PutRouteError { Self::Invalid(_) => UNPROCESSABLE_ENTITY }
    GetRouteError { Self::Unknown => NOT_FOUND }
    DeleteRouteError { Self::Unknown => NOT_FOUND, Self::BuiltIn => CONFLICT }
    RegisterWebhookError { Self::Url(_) => UNPROCESSABLE_ENTITY, Self::Registered => CONFLICT }
    GetWebhookError { Self::Unknown => NOT_FOUND }
    DeleteWebhookError { Self::Unknown => NOT_FOUND }
    CallbackError { Self::Unknown => NOT_FOUND, Self::OtherReference => CONFLICT, Self::Event => UNPROCESSABLE_ENTITY }
}
