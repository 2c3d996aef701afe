//! What happens around transactions: recognising a bearer, and preparing log-in and enrolment.
mod authenticator;
mod front_desk;

pub use authenticator::{AuthError, Authenticator};
pub use front_desk::{
    ChangeRefused, DeviceForm, EnrolRefused, FrontDesk, FrontDeskError, JoinRefused, LoginForm, PasswordCheck, Prepared,
};
