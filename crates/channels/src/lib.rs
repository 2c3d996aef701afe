//! Messages to people and devices, over several channels, until somebody acknowledges.
//!
//! A [`Message`] follows a [`Route`]: ordered steps of channel, wait and attempts. [`machine`] decides, purely, what happens
//! next; [`commands`] are the operations, one to a file; [`ports`] is what they ask of a transaction, kept by two adapters (in
//! memory, and on PostgreSQL behind the feature `postgres`); [`outward`] is what a dispatcher asks of providers, and
//! `providers` (a feature) implements it for Twilio and for outgoing webhooks. Payloads are [`Sealed`]: never opened here.
//!
//! The life of an attempt: a worker leases a delivery ([`ports::Outbox::lease_due`]), [`commands::StartAttempt`] writes the
//! intent and returns a [`commands::Call`], the worker calls the provider outside any transaction, and
//! [`commands::RecordAttempt`] writes down how that ended. Receipts come through [`commands::TakeCallback`]; timers through
//! [`commands::AdvanceDelivery`].
//!
//! To add an operation: a file in `commands`, a line in the kernel's list of actions, an arm in the policy's `rule`. To add a
//! provider: an adapter of [`outward::SmsProvider`] or [`outward::VoiceProvider`] in `providers`, and a [`Carrier`] for it.
//!
//! ```
//! use keepgate_channels::{Channel, Route, RouteError, Step};
//! let step = |channel, wait_seconds| Step { channel, wait_seconds, attempts: 1, provider: None };
//! let steps = vec![step(Channel::Internet, 60), step(Channel::Sms, 120)];
//! assert!(Route::new("field", steps.clone(), true, 600).is_ok());
//! // The second step would begin when the deadline has passed.
//! assert!(matches!(Route::new("field", steps, true, 60), Err(RouteError::Unreachable { step: 2, .. })));
//! ```
pub mod commands;
pub mod machine;
mod memory;
pub mod outward;
pub mod ports;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "providers")]
pub mod providers;
mod types;

pub use types::{
    Ack, AckBy, Address, Attempt, Callback, Carrier, Carriers, Channel, Contact, ContactError, Cursor,
    DEFAULT_CONTENT_TYPE, Held, InvalidCursor, Lease, Leased, Listed, MAX_ATTEMPTS, MAX_CONTACTS, MAX_DEADLINE_SECONDS,
    MAX_NAME_CHARS, MAX_PAGE, MAX_PAYLOAD_BYTES, MAX_SEAL_BYTES, MAX_STEPS, MAX_TEXT_CHARS, MAX_WAIT_SECONDS, Message,
    MessageFilter, MessageSummary, MessageView, Page, PhoneNumber, Priority, QuietHours, QuietHoursError, Reason,
    Recipient, RecipientError, Route, RouteError, RouteSnapshot, RouteVersion, STANDARD, STREAM, Sealed, SealedContent,
    Status, Step, StreamEvent, Target, Todo, WEBHOOK, Webhook, WebhookEvent, WebhookUrl, WebhookUrlError, WorkerId,
    addressees, is_content_type,
};
