//! What can be seen in the database.
use keepgate_store::postgres::{MigrateError, pending};

use super::{Finding, finding::list, heads};
use crate::{
    config::Config,
    embedded::{Attached, DATABASE},
    environment::Environment,
    failure::{Failure, chain},
    postgres::{self, Databases, Integrity, Link, Walls},
};

const NEWEST_MAJOR: i32 = 18;

/// The findings, and whether the database could be looked at at all. No database yet is no failure.
pub fn look(config: &Config, environment: &Environment) -> (Vec<Finding>, bool) {
    if config.database_url.is_none() && !config.data_dir.join("pgdata/PG_VERSION").exists() {
        return (
            vec![Finding::warn(
                "database",
                "there is none yet",
                "the first `keepgate serve` makes it",
            )],
            true,
        );
    }
    match look_inside(config, environment) {
        Ok(findings) => (findings, true),
        Err(failure) => (vec![Finding::fail("database", failure.why(), failure.help())], false),
    }
}

fn look_inside(config: &Config, environment: &Environment) -> Result<Vec<Finding>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io("can't start the runtime", &error))?;
    if let Some(databases) = Databases::external(config)? {
        let link = databases.migrator.as_ref().unwrap_or(&databases.app);
        let mut findings = runtime.block_on(ask(link, "external"))?;
        findings.push(runtime.block_on(signed(config, &databases.integrator)));
        return Ok(findings);
    }
    let attached = Attached::to(config, environment)?;
    let link = postgres::link(&attached.url(DATABASE, "keepgate")?)?;
    let kind = if attached.is_own() {
        "embedded, not running before"
    } else {
        "embedded, running"
    };
    let mut findings = runtime.block_on(ask(&link, kind))?;
    findings.push(runtime.block_on(signed(config, &link)));
    Ok(findings)
}

async fn signed(config: &Config, link: &Link) -> Finding {
    match postgres::log_sizes(link).await {
        Ok(sizes) => heads::look(&config.data_dir, &sizes),
        Err(error) => Finding::warn("signed logs", chain(&error), "bring the database up to date first"),
    }
}

async fn ask(link: &Link, kind: &str) -> Result<Vec<Finding>, Failure> {
    let walls = postgres::inspect(link).await.map_err(|error| {
        Failure::new(
            crate::exit::Exit::Incomplete,
            "can't look into the database",
            chain(&error),
            "check that it runs and the role may log in",
        )
    })?;
    let mut findings = judge(&walls, kind);
    let missing = pending(link).await;
    if missing.as_ref().is_ok_and(Vec::is_empty) {
        findings.extend(built(postgres::integrity(link).await));
    }
    findings.push(migrations(missing));
    Ok(findings)
}

/// Whether the walls are those of this binary, and whether they are held.
fn built(integrity: Result<Integrity, MigrateError>) -> Vec<Finding> {
    let name = "walls";
    match integrity {
        Ok(Integrity::Compared { differences, guarded }) => vec![
            Finding::none_of(
                name,
                &differences,
                "as this binary built them",
                "somebody changed the schema by hand: find out who, restore it, and verify the log with `keepgate audit verify`",
            ),
            if guarded {
                Finding::ok("schema guard", "the schema changes by migrations only")
            } else {
                Finding::warn(
                    "schema guard",
                    "whoever owns the schema can change it; it is noticed within a minute, not refused",
                    "run crates/store/src/postgres/guard.sql as a superuser; a managed PostgreSQL may refuse it",
                )
            },
        ],
        // Told by the migrations' own finding.
        Ok(Integrity::Newer(_)) => vec![],
        Err(error) => vec![Finding::warn(
            name,
            chain(&error),
            "set migrate_url, so that the schema's version can be read",
        )],
    }
}

fn judge(walls: &Walls, kind: &str) -> Vec<Finding> {
    let migrate = "run `keepgate migrate`; if it stays, somebody changed the schema by hand: restore it";
    let lockdown = "run the statements of crates/store/src/postgres/lockdown.sql as a superuser; a managed PostgreSQL may refuse some";
    let mut findings = vec![version(walls.version, kind)];
    findings.push(Finding::none_of(
        "roles",
        &walls.roles,
        "as few rights as they need",
        "run crates/store/src/postgres/roles.sql as a superuser, and revoke what is listed",
    ));
    findings.push(Finding::none_of(
        "row security",
        &walls.unforced,
        "forced on every table",
        migrate,
    ));
    findings.push(Finding::none_of(
        "audit guards",
        &walls.guards,
        "on every table and partition, under every setting",
        migrate,
    ));
    findings.push(if walls.open.is_empty() {
        Finding::ok("lockdown", "applied")
    } else {
        Finding::warn(
            "lockdown",
            format!("PUBLIC may still use {}", walls.open.join(", ")),
            lockdown,
        )
    });
    findings.push(Finding::none_of(
        "durability",
        &walls.careless,
        "every commit reaches the disk",
        "switch it on in postgresql.conf",
    ));
    findings
}

fn version(number: i32, kind: &str) -> Finding {
    let (major, minor) = (number / 10_000, number % 10_000);
    let told = format!("PostgreSQL {major}.{minor}, {kind}");
    let least = i32::try_from(keepgate_pg_local::MIN_MAJOR).unwrap_or(i32::MAX);
    match major {
        major if major < least => Finding::fail("database", told, format!("upgrade to PostgreSQL {least} or newer")),
        major if major > NEWEST_MAJOR => Finding::warn(
            "database",
            told,
            format!("this version of keepgate was tested with {least} to {NEWEST_MAJOR}"),
        ),
        _ => Finding::ok("database", told),
    }
}

fn migrations(pending: Result<Vec<i64>, MigrateError>) -> Finding {
    let name = "migrations";
    match pending {
        Ok(missing) if missing.is_empty() => Finding::ok(name, "all applied"),
        Ok(missing) => {
            let told: Vec<String> = missing.iter().map(|version| format!("{version:04}")).collect();
            Finding::fail(name, format!("missing: {}", list(&told)), "run `keepgate migrate`")
        }
        Err(error @ MigrateError::Unknown(_)) => {
            Finding::fail(name, chain(&error), "use the keepgate that migrated it, or a newer one")
        }
        Err(error) => Finding::warn(
            name,
            chain(&error),
            "set migrate_url, so that the schema's version can be read",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    fn walls() -> Walls {
        Walls {
            version: 150_018,
            roles: vec![],
            unforced: vec![],
            guards: vec![],
            open: vec![],
            careless: vec![],
        }
    }

    fn state(walls: &Walls, check: &str) -> Option<State> {
        judge(walls, "embedded")
            .iter()
            .find(|finding| finding.check == check)
            .map(|finding| finding.state)
    }

    #[test]
    fn intact_walls_are_all_ok() {
        assert!(
            judge(&walls(), "embedded")
                .iter()
                .all(|finding| finding.state == State::Ok)
        );
    }

    #[test]
    fn a_breach_fails_and_a_missing_lockdown_warns() {
        let bad = || vec!["x".to_owned()];
        assert_eq!(
            state(
                &Walls {
                    roles: bad(),
                    ..walls()
                },
                "roles"
            ),
            Some(State::Fail)
        );
        assert_eq!(
            state(
                &Walls {
                    unforced: bad(),
                    ..walls()
                },
                "row security"
            ),
            Some(State::Fail)
        );
        assert_eq!(
            state(
                &Walls {
                    guards: bad(),
                    ..walls()
                },
                "audit guards"
            ),
            Some(State::Fail)
        );
        assert_eq!(
            state(
                &Walls {
                    careless: bad(),
                    ..walls()
                },
                "durability"
            ),
            Some(State::Fail)
        );
        assert_eq!(state(&Walls { open: bad(), ..walls() }, "lockdown"), Some(State::Warn));
    }

    #[test]
    fn a_changed_wall_fails_and_a_missing_guard_warns() {
        let compared = |differences: &[&str], guarded| {
            let differences = differences.iter().map(|text| (*text).to_owned()).collect();
            built(Ok(Integrity::Compared { differences, guarded }))
                .iter()
                .map(|finding| finding.state)
                .collect::<Vec<_>>()
        };
        assert_eq!(compared(&[], true), [State::Ok, State::Ok]);
        assert_eq!(
            compared(&["trigger audit.leaf nochange is missing"], false),
            [State::Fail, State::Warn]
        );
        assert_eq!(built(Ok(Integrity::Newer(9))), vec![]);
    }

    #[test]
    fn old_servers_fail_and_untested_ones_warn() {
        assert_eq!(
            [140_011, 150_001, 180_006, 190_000].map(|v| version(v, "x").state),
            [State::Fail, State::Ok, State::Ok, State::Warn]
        );
    }
}
