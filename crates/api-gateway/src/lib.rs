//! HTTP, and only HTTP: a handler extracts, builds a command, hands it to the doorway, maps the output. Nothing else.
//!
//! Who calls it: devices, field staff's phones, a back office, `curl`. What they see when it works is `docs/openapi.json`; what they
//! see when it does not is always `application/problem+json` (RFC 9457) with a stable type and the request's id.
//!
//! To add an operation: a handler in `routes` with its `#[utoipa::path]`, a line in its `router()`, a line in `actions`, an arm in
//! `failures`. `docs/adding-an-operation.md` walks through one.
mod actions;
mod admin;
mod api;
mod caller;
mod device;
mod directory;
mod evidence_policy;
mod extract;
mod failures;
mod middleware;
mod once;
mod openapi;
mod page;
mod problem;
mod routes;
mod visitor;
mod witness;

pub use actions::{EXEMPT, TABLE};
pub use admin::admin_router;
pub use api::{Api, Probe, VerifierKeys};
pub use caller::Caller;
pub use evidence_policy::EvidencePolicy;
pub use middleware::{Limits, RateLimiter};
pub use openapi::{document, document_text};
pub use problem::{FieldError, Problem, ProblemBody};
pub use routes::{TwilioHooks, router};
pub use witness::witness_router;
