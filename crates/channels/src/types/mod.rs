//! The words of the domain: checked values without I/O.
mod attempt;
mod carrier;
mod contact;
mod lease;
mod message;
mod page;
mod quiet_hours;
mod reason;
mod recipient;
mod route;
mod sealed;
mod stream;
mod webhook;
mod words;

pub use attempt::{Attempt, Callback, STREAM, WEBHOOK};
pub use carrier::{Carrier, Carriers};
pub use contact::{Address, Contact, ContactError, PhoneNumber, addressees};
pub use lease::{Held, Lease, Leased, Target, Todo, WorkerId};
pub use message::{
    Ack, AckBy, DEFAULT_CONTENT_TYPE, MAX_PAYLOAD_BYTES, MAX_SEAL_BYTES, MAX_TEXT_CHARS, Message, MessageFilter,
    MessageSummary, MessageView, SealedContent, is_content_type,
};
pub use page::{Cursor, InvalidCursor, Listed, MAX_PAGE, Page};
pub use quiet_hours::{QuietHours, QuietHoursError};
pub use reason::Reason;
pub use recipient::{MAX_CONTACTS, MAX_NAME_CHARS, Recipient, RecipientError};
pub(crate) use route::is_name;
pub use route::{
    MAX_ATTEMPTS, MAX_DEADLINE_SECONDS, MAX_STEPS, MAX_WAIT_SECONDS, Route, RouteError, RouteSnapshot, RouteVersion,
    STANDARD, Step,
};
pub use sealed::Sealed;
pub use stream::StreamEvent;
pub use webhook::{Webhook, WebhookEvent, WebhookUrl, WebhookUrlError};
pub(crate) use words::words;
pub use words::{Channel, Priority, Status};
