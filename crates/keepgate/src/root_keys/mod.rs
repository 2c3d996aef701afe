//! `keepgate keys rewrap|recover|root|recovery-key`: the root key of an installation, from the machine it runs on.
mod installation;
mod outcome;
mod pair;
mod pass;
mod progress;
mod recover;
mod rewrap;
mod status;
mod turn;

pub use outcome::Outcome;
pub use pair::make_pair;
pub use pass::{Pass, Workbench};
pub use recover::recover;
pub use rewrap::rewrap;
pub use status::status;
pub use turn::{forget, rotate};
