//! What this binary is.
use serde_json::{Value, json};

/// The version of the package.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// One line for people.
pub fn line() -> String {
    format!("keepgate {VERSION}")
}

/// The same for programs.
pub fn json() -> Value {
    json!({
        "name": "keepgate",
        "version": VERSION,
        "schema": keepgate_store::postgres::MIGRATOR.iter().map(|migration| migration.version).max(),
        "postgres": format!("{} to 18", keepgate_pg_local::MIN_MAJOR),
        "debug": cfg!(debug_assertions),
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_and_the_schema_are_told() {
        let json = super::json();
        assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
        assert!(json["schema"].as_i64().is_some_and(|schema| schema > 0));
    }
}
