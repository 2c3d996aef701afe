//! `keepgate keys root status`.
use keepgate_crypto_keys::{KeyService, RecoveryKey, RootKey, RootState, rewrap::RootUse};
use keepgate_kernel::{Timestamp, format_time};
use serde::Serialize;

use super::installation::{Installation, wanted_copies};
use crate::{config::Config, environment::Environment, exit::Exit, failure::Failure, terminal};

/// A version of a root key, and how much it wraps.
#[derive(Debug, Serialize)]
struct Version {
    kek: String,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    keys: i64,
}

/// What is told.
#[derive(Debug, Serialize)]
struct Status {
    service: &'static str,
    name: String,
    current: String,
    versions: Vec<Version>,
    /// Keys that something else than the current version wraps.
    due: i64,
    /// The key file of before, and how many keys it still wraps.
    #[serde(skip_serializing_if = "Option::is_none")]
    former_file: Option<(String, i64)>,
    /// The recovery key, and how many keys have no copy for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    recovery: Option<(String, i64)>,
    /// Keys of persons that a root key wrapped before tenants' keys did.
    person_keys: i64,
}

/// Names the root key, its versions and what each wraps.
///
/// # Errors
/// Exit code 3 when the database or the key service is away, 4 when the root key can't be used.
pub async fn status(config: &Config, environment: &Environment, json: bool) -> Result<Exit, Failure> {
    let recovery = wanted_copies(config)?;
    let installation = Installation::of(config, environment).await?;
    let uses = installation
        .uses(recovery.as_ref().map(RecoveryKey::id).as_deref())
        .await?;
    let failed = |error| installation.root.failed(&error);
    let root = installation.root.service().describe().await.map_err(failed)?;
    let former = match installation.root.former_file() {
        Some(file) => Some(file.describe().await.map_err(failed)?),
        None => None,
    };
    let status = compare(root, former, &uses, recovery.as_ref());
    if json {
        terminal::say(&serde_json::to_string(&status).unwrap_or_default());
    } else {
        status.tell();
    }
    Ok(Exit::Ok)
}

const fn word(state: RootState) -> &'static str {
    match state {
        RootState::Active => "active",
        RootState::Deactivated => "deactivated",
        RootState::Suspended => "suspended",
        RootState::Destroyed => "destroyed",
    }
}

fn wrapped_by(uses: &[RootUse], kek: &str) -> i64 {
    let by = uses.iter().filter(|found| found.kek == kek);
    by.map(|found| found.keys).sum()
}

fn compare(root: RootKey, former: Option<RootKey>, uses: &[RootUse], recovery: Option<&RecoveryKey>) -> Status {
    let version = |kek: &str, state, created_at: Option<Timestamp>| Version {
        kek: kek.to_owned(),
        state,
        created_at: created_at.map(format_time),
        keys: wrapped_by(uses, kek),
    };
    let told = root.versions.iter();
    let mut versions: Vec<Version> = told
        .map(|found| version(&found.kek, word(found.state), found.created_at))
        .collect();
    let of_former = former.iter().flat_map(|former| &former.versions);
    versions.extend(of_former.map(|found| version(&found.kek, "former", found.created_at)));
    for found in uses {
        if !versions.iter().any(|version| version.kek == found.kek) {
            versions.push(version(&found.kek, "unknown", None));
        }
    }
    let sum = |wanted: &dyn Fn(&&RootUse) -> bool, count: fn(&RootUse) -> i64| {
        uses.iter().filter(wanted).map(count).sum::<i64>()
    };
    let persons = |found: &&RootUse| found.kind == "person-key";
    Status {
        due: sum(&|found| !persons(found) && found.kek != root.current, |found| {
            found.keys
        }),
        person_keys: sum(&persons, |found| found.keys),
        former_file: former.map(|former| {
            let keys = former.versions.iter().map(|found| wrapped_by(uses, &found.kek)).sum();
            (former.name, keys)
        }),
        recovery: recovery.map(|recovery| (recovery.id(), sum(&|found| !persons(found), |found| found.uncopied))),
        service: root.service,
        name: root.name,
        current: root.current,
        versions,
    }
}

impl Status {
    fn tell(&self) {
        terminal::say(&format!("root key: {} {}", self.service, self.name));
        for Version {
            kek,
            state,
            created_at,
            keys,
        } in &self.versions
        {
            let at = created_at.as_deref().unwrap_or("-");
            terminal::say(&format!("{state:<11} {at:<27} wraps {keys:>6}  {kek}"));
        }
        terminal::say(&match self.due {
            0 => "rewrap: not due, the newest version wraps everything".to_owned(),
            due => format!("rewrap: due for {due}, run `keepgate keys rewrap`"),
        });
        if self.person_keys > 0 {
            terminal::say(&format!(
                "people's keys: {} are still wrapped by a root key; the gateway moves them under their tenants' keys",
                self.person_keys
            ));
        }
        if let Some((name, keys)) = &self.former_file {
            terminal::say(&match keys {
                0 => format!("former key file: {name} wraps nothing any more and may be removed"),
                keys => format!("former key file: {name} still wraps {keys}: keep it"),
            });
        }
        terminal::say(&match &self.recovery {
            None => "recovery: no recovery key is configured; with the root key everything would be lost".to_owned(),
            Some((_, 0)) => "recovery: every key has a copy".to_owned(),
            Some((_, missing)) => {
                format!(
                    "recovery: {missing} have no copy for the recovery key; the gateway or `keepgate keys rewrap` makes them"
                )
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use keepgate_crypto_keys::RootVersion;

    use super::*;

    fn key(keks: &[&str]) -> RootKey {
        let state = |n| {
            if n == 0 {
                RootState::Active
            } else {
                RootState::Deactivated
            }
        };
        let version = |(n, kek): (usize, &&str)| RootVersion {
            kek: (*kek).to_owned(),
            state: state(n),
            created_at: None,
        };
        RootKey {
            service: "memory",
            name: "m".to_owned(),
            current: keks[0].to_owned(),
            versions: keks.iter().enumerate().map(version).collect(),
        }
    }

    fn found(kind: &str, kek: &str, keys: i64, uncopied: i64) -> RootUse {
        RootUse {
            kind: kind.to_owned(),
            kek: kek.to_owned(),
            keys,
            uncopied,
        }
    }

    #[test]
    fn what_each_version_wraps_is_counted_and_what_nobody_knows_is_told() {
        let uses = [
            found("tenant-key", "b", 3, 1),
            found("log-seed", "a", 2, 2),
            found("tenant-key", "f", 4, 0),
            found("token-seed", "x", 1, 0),
            found("person-key", "a", 9, 0),
        ];
        let (recovery, _) = keepgate_crypto_keys::generate_recovery_key().unwrap();
        let status = compare(key(&["b", "a"]), Some(key(&["f"])), &uses, Some(&recovery));
        let told: Vec<_> = status.versions.iter().map(|v| (&*v.kek, v.state, v.keys)).collect();
        assert_eq!(
            told,
            [
                ("b", "active", 3),
                ("a", "deactivated", 11),
                ("f", "former", 4),
                ("x", "unknown", 1)
            ]
        );
        assert_eq!((status.due, status.person_keys), (7, 9));
        assert_eq!(status.former_file, Some(("m".to_owned(), 4)));
        assert_eq!(status.recovery.map(|(_, missing)| missing), Some(3));
    }
}
