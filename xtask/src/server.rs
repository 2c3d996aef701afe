//! Which PostgreSQL to use.

use anyhow::{Result, bail};
use keepgate_pg_local::{Binaries, FindError, Search, find::find};

use crate::{env, provision::provision};

/// What `--pg` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// What the machine has, or else the provisioned one.
    Any,
    /// What the machine has.
    Installed,
    /// This major version, installed.
    Major(u32),
    /// The provisioned one, the newest we support.
    Provisioned,
}

/// The servers that `--pg VALUE` stands for.
pub fn parse(value: &str) -> Result<Vec<Wanted>> {
    Ok(match value {
        "both" => vec![Wanted::Installed, Wanted::Provisioned],
        "18" => vec![Wanted::Provisioned],
        other => match other.parse() {
            Ok(major) => vec![Wanted::Major(major)],
            Err(_) => bail!("--pg takes a major version such as 15 or 18, or `both`"),
        },
    })
}

pub fn server(wanted: Wanted) -> Result<Binaries> {
    let installed = Search {
        path: env::path(),
        ..Search::default()
    };
    match wanted {
        Wanted::Installed => Ok(find(&installed, None)?),
        Wanted::Major(major) => Ok(find(&installed, Some(major))?),
        Wanted::Provisioned => provisioned(),
        Wanted::Any => match find(&installed, None) {
            Err(FindError::Missing { .. }) => provisioned(),
            found => Ok(found?),
        },
    }
}

fn provisioned() -> Result<Binaries> {
    Ok(find(
        &Search {
            bin_dir: Some(provision()?),
            ..Search::default()
        },
        None,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_the_installed_and_the_provisioned_server() {
        assert_eq!(parse("both").unwrap(), [Wanted::Installed, Wanted::Provisioned]);
        assert_eq!(parse("15").unwrap(), [Wanted::Major(15)]);
        assert_eq!(parse("18").unwrap(), [Wanted::Provisioned]);
        assert!(parse("new").is_err());
    }
}
