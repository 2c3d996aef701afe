//! Refuses secrets where other processes, shells and crash reports can see them.
use std::ffi::OsString;

use super::credential::{has_key, has_private_key, has_token, has_url_password, looks_like_a_credential};
use crate::{environment::Environment, failure::Failure};

/// What the name of a variable of ours must not contain, unless it names a file.
const WORDS: [&str; 4] = ["TOKEN", "SECRET", "PASSWORD", "KEY"];
/// What other programs call secrets of ours: whoever sets them expects them to be read.
const OTHERS: [&str; 5] = [
    "PGPASSWORD",
    "VAULT_TOKEN",
    "BAO_TOKEN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
];
/// Endings of names whose value is a place and no secret.
const PLACES: [&str; 3] = ["_FILE", "_PATH", "_DIR"];

/// The variables that hold, or are meant to hold, a secret.
pub fn in_environment(environment: &Environment) -> Vec<String> {
    let found = environment.iter().filter(|(_, value)| !value.is_empty());
    found
        .filter_map(|(name, value)| {
            is_leak(name.to_str()?, &value.to_string_lossy())
                .then(|| name.to_str())
                .flatten()
        })
        .map(str::to_owned)
        .collect()
}

fn is_leak(name: &str, value: &str) -> bool {
    let ours = name.strip_prefix("KEEPGATE_");
    let named_as_secret = ours.is_some_and(|rest| {
        WORDS.iter().any(|word| rest.contains(word)) && !PLACES.iter().any(|place| rest.ends_with(place))
    });
    let named_by_others = OTHERS.contains(&name);
    let holds_a_password = (ours.is_some() || name == "DATABASE_URL") && has_url_password(value);
    let holds_a_token = ours.is_some() && (has_token(value) || has_private_key(value));
    named_as_secret || named_by_others || holds_a_password || holds_a_token || has_key(value)
}

/// Refuses to go on with secrets in the environment.
///
/// # Errors
/// Names the variables, never their values.
pub fn refuse_in_environment(environment: &Environment) -> Result<(), Failure> {
    let leaks = in_environment(environment);
    if leaks.is_empty() {
        return Ok(());
    }
    Err(Failure::usage(
        format!("refusing a secret in the environment: {}", leaks.join(", ")),
        "every child process, crash report and `ps e` shows environment variables",
        "unset the variable, put the secret into a file of mode 0600, and name the file in the configuration as \
         secret://file/ABSOLUTE/PATH; if the secret was real, replace it",
    ))
}

/// Refuses secrets among the arguments. Runs before they are parsed, because a parser's error quotes them.
///
/// # Errors
/// Names the argument's position, never its text.
pub fn refuse_in_arguments(arguments: &[OsString]) -> Result<(), Failure> {
    let is_leak = |argument: &OsString| looks_like_a_credential(&argument.to_string_lossy());
    let Some(position) = arguments.iter().position(is_leak) else {
        return Ok(());
    };
    Err(Failure::usage(
        format!("refusing a secret on the command line (argument {position})"),
        "every user of this machine can read the arguments of a process",
        "put it into a file of mode 0600 and use --token-file FILE, or --token - to read it from the standard input; \
         if the secret was real, replace it",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leaks(name: &str, value: &str) -> bool {
        !in_environment(&[(name, value)].into_iter().collect()).is_empty()
    }

    #[test]
    fn every_kind_of_secret_variable_is_refused() {
        for (name, value) in [
            ("KEEPGATE_TOKEN", "x"),
            ("KEEPGATE_TWILIO_AUTH_TOKEN", "x"),
            ("KEEPGATE_CLIENT_SECRET", "x"),
            ("KEEPGATE_DB_PASSWORD", "x"),
            ("KEEPGATE_KEK_KEY", "x"),
            ("PGPASSWORD", "x"),
            ("VAULT_TOKEN", "x"),
            ("AWS_SECRET_ACCESS_KEY", "x"),
            ("KEEPGATE_TLS", "-----BEGIN PRIVATE KEY-----"),
            ("DATABASE_URL", "postgres://kg_app@db/keepgate?password=hunter2"),
            ("DATABASE_URL", "postgres://kg_app:hunter2@db/keepgate"),
            ("KEEPGATE_DATABASE_URL", "postgres://kg_app:hunter2@db/keepgate"),
            ("ANYTHING", "kg_live_01jabcdefghjkmnpqrstvwxyz_abc"),
            ("OTHER", "prefix kge_01jabcdefghjkmnpqrstvwxyz"),
        ] {
            assert!(leaks(name, value), "{name}");
        }
    }

    #[test]
    fn harmless_variables_are_left_alone() {
        for (name, value) in [
            ("KEEPGATE_TOKEN", ""),
            ("KEEPGATE_TOKEN_FILE", "/run/token"),
            ("KEEPGATE_BIN", "target/release/keepgate"),
            ("DATABASE_URL", "postgres://keepgate@%2Frun%2Fpg/dev"),
            ("GITHUB_TOKEN", "another program's business"),
            ("PGHOST", "/run/pg"),
        ] {
            assert!(!leaks(name, value), "{name}");
        }
    }

    #[test]
    fn the_refusal_names_the_variable_and_never_the_value() {
        let environment = [("KEEPGATE_TOKEN", "hunter2"), ("PGPASSWORD", "hunter3")]
            .into_iter()
            .collect();
        let said = refuse_in_environment(&environment).unwrap_err().to_string();
        assert!(
            said.contains("KEEPGATE_TOKEN, PGPASSWORD") && !said.contains("hunter"),
            "{said}"
        );
    }

    #[test]
    fn a_secret_argument_is_refused_by_its_position() {
        let arguments = ["keepgate", "audit", "--token=kg_live_01jabcdefghjkmnpqrstvwxyz"].map(OsString::from);
        let said = refuse_in_arguments(&arguments).unwrap_err().to_string();
        assert!(said.contains("argument 2") && !said.contains("kg_live_"), "{said}");
        assert!(refuse_in_arguments(&["keepgate", "db", "shell", "--role", "kg_app"].map(OsString::from)).is_ok());
    }
}
