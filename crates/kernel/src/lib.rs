//! The words every other crate speaks: typed ids, levels, actions, entities, outcomes, time.
//!
//! No I/O and no policy. A new kind of id is a line in [`id`], a new operation a line in [`action`];
//! the compiler then names every place that has to decide about it.
//!
//! ```
//! use keepgate_kernel::{MessageId, Timestamp};
//! let at: Timestamp = "2026-01-02T03:04:05Z".parse()?;
//! let id = MessageId::new(at);
//! assert!(id.to_string().starts_with("msg_"));
//! assert_eq!(id.to_string().parse(), Ok(id));
//! # Ok::<(), chrono::ParseError>(())
//! ```
mod action;
mod clock;
pub mod csv;
mod entity;
mod hat;
mod id;
mod level;
mod outcome;
mod principal;
mod secret;

pub use action::{Action, UnknownAction};
pub use clock::{Clock, FixedClock, SystemClock, Timestamp, format_time};
pub use entity::Entity;
pub use hat::{Hat, UnknownHat};
pub use id::{
    ApprovalId, AttemptId, AuditId, EnrolmentId, ErasureId, FactorId, HoldId, IdError, KeyId, MailId, MessageId,
    RecipientId, RequestId, ResetId, RouteId, SessionId, SinkId, TenantId, UnitId, WebhookId,
};
pub use level::{InvalidLevel, Level};
pub use outcome::Outcome;
pub use principal::{PrincipalId, PrincipalKind};
pub use secret::{LiveSecret, same_secret};

/// Re-exported so that generated code of [`for_each_action!`] and adapters name one version.
pub use uuid::Uuid;
