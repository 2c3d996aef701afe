//! The process's environment variables, read once and in one place.
use std::{
    ffi::{OsStr, OsString},
    path::PathBuf,
};

/// A copy of the environment variables. Has no `Debug`: other programs' secrets may be among them.
pub struct Environment(Vec<(OsString, OsString)>);

impl Environment {
    /// Those of this process.
    pub fn of_process() -> Self {
        Self(std::env::vars_os().collect())
    }

    /// The value of `name`; an empty value counts as none.
    pub fn get(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.0.iter().find(|(key, _)| key == name)?;
        (!value.is_empty()).then_some(value)
    }

    /// The value of `name` as an absolute path. The XDG specification says to ignore relative ones.
    pub fn absolute_path(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// Names and values.
    pub fn iter(&self) -> impl Iterator<Item = (&OsStr, &OsStr)> {
        self.0.iter().map(|(name, value)| (name.as_os_str(), value.as_os_str()))
    }
}

impl<N: Into<OsString>, V: Into<OsString>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_and_relative_values_count_as_none() {
        let environment: Environment = [("A", ""), ("B", "rel"), ("C", "/abs")].into_iter().collect();
        assert_eq!(environment.get("A"), None);
        assert_eq!(environment.absolute_path("B"), None);
        assert_eq!(environment.absolute_path("C"), Some("/abs".into()));
    }
}
