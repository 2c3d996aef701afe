//! The private PostgreSQL: started, joined beside a running service, or entered with psql.
mod attach;
mod fetch;
mod shell;
mod start;

pub use attach::Attached;
pub use shell::shell;
pub use start::start;

/// The service's database in the private cluster.
pub const DATABASE: &str = "keepgate";
/// The login roles, which get generated passwords.
pub const ROLES: [&str; 4] = ["kg_app", "kg_auth", "kg_integrator", "kg_migrator"];
