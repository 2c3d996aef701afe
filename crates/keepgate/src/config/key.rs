//! What a key is, and the types of values.
use std::fmt;

use toml::de::DeValue;

/// A type of value: how it is read from TOML, and how the documentation calls it.
pub trait Type {
    /// What a value becomes.
    type Out;

    /// Reads a value.
    ///
    /// # Errors
    /// What is wrong, in words that never quote a value that may be a secret.
    fn read(&self, value: &DeValue<'_>) -> Result<Self::Out, String>;

    /// The section without which the value means nothing.
    fn needs(&self, _: &Self::Out) -> Option<&'static str> {
        None
    }

    /// What the documentation calls it, limits included.
    fn describe(&self) -> String;
}

/// A key of the configuration.
#[derive(Debug)]
pub struct Key<T> {
    /// The dotted path.
    pub path: &'static str,
    /// Its type.
    pub of: T,
    /// The default as TOML, or in words within brackets; empty: none.
    pub default: &'static str,
    /// What it does.
    pub what: &'static str,
}

/// A key without its type, for tables.
pub trait AnyKey: fmt::Debug + Sync {
    /// The dotted path.
    fn path(&self) -> &'static str;
    /// The row of `docs/configuration.md`.
    #[cfg(test)]
    fn row(&self) -> String;
}

impl<T: Type + fmt::Debug + Sync> AnyKey for Key<T> {
    fn path(&self) -> &'static str {
        self.path
    }

    #[cfg(test)]
    fn row(&self) -> String {
        let default = match self.default {
            "" => String::new(),
            words if words.starts_with('(') => words.trim_matches(['(', ')']).to_owned(),
            toml => format!("`{toml}`"),
        };
        format!(
            "| `{}` | {} | {default} | {} |",
            self.path,
            self.of.describe(),
            self.what
        )
    }
}
