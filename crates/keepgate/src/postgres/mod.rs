//! The database as the binary meets it: which one, prepared how, walls intact or not. The only module here that knows sqlx.
mod inspect;
mod migrate;
mod prepare;
mod settle;
mod stored_log;

pub use inspect::{Walls, inspect};
pub use migrate::{bring_up_to_date, migrate_command, must_be_current};
pub use prepare::prepare;
pub use settle::{Databases, Link, connect_failure, link, settle};
pub use stored_log::StoredLog;
