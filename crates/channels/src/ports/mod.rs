//! What this crate asks of a transaction. A doc comment here is the contract; `tests/contract.rs` holds both adapters to it.
//!
//! Every method sees and changes only the tenant of the transaction's context, and there only what the caller's level
//! reaches: what it can't see does not exist for it, and a write it may not make is [`StoreError::Forbidden`].
//!
//! [`StoreError::Forbidden`]: keepgate_store::StoreError::Forbidden
mod attempts;
mod due_work;
mod messages;
mod outbox;
mod recipients;
mod routes;
mod stream_events;
mod webhooks;

pub use attempts::Attempts;
pub use due_work::DueWork;
pub use messages::Messages;
pub use outbox::{Keep, Outbox};
pub use recipients::Recipients;
pub use routes::Routes;
pub use stream_events::StreamEvents;
pub use webhooks::Webhooks;
