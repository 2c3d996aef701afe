//! The command line as callers rely on it.
use clap::{CommandFactory, error::ErrorKind};

use super::*;

fn parse_line(line: &str) -> Result<Cli, clap::Error> {
    Cli::try_parse_from(line.split_whitespace())
}

#[test]
fn the_command_line_is_well_formed() {
    Cli::command().debug_assert();
}

#[test]
fn no_command_is_serve_with_the_same_flags() {
    for line in [
        "keepgate",
        "keepgate serve",
        "keepgate --listen 127.0.0.1:0 --data-dir /d",
        "keepgate serve --listen 127.0.0.1:0 --data-dir /d",
    ] {
        let cli = parse_line(line).unwrap();
        let args = match cli.command {
            None => cli.serve,
            Some(Command::Serve(args)) => args,
            Some(other) => panic!("{line}: {other:?}"),
        };
        assert_eq!(args.listen.is_some(), line.contains("--listen"), "{line}");
    }
}

#[test]
fn the_documented_forms_are_accepted() {
    for line in [
        "keepgate serve --config F --data-dir D --listen 127.0.0.1:0 --admin-listen 127.0.0.1:0 --ready-file F",
        "keepgate migrate --config F",
        "keepgate admin bootstrap --config F",
        "keepgate audit verify --url https://h --ca-cert F --token-file T --key K --since C --json",
        "keepgate audit verify --url https://h --token - --key K",
        "keepgate audit verify --dir D --key K",
        "keepgate audit verify --bundle F --key K",
        "keepgate audit export --format jsonl --out O --url https://h --token-file T --from X --to Y",
        "keepgate audit export --format tiles --out O --data-dir D",
        "keepgate access review --url https://h --ca-cert F --token-file T --format json --out O",
        "keepgate doctor --json --data-dir D",
        "keepgate secrets check --json --config F",
        "keepgate keys status --url https://h --ca-cert F --token-file T --json",
        "keepgate keys rotate --url https://h --token -",
        "keepgate keys destroy 1 --ask R --url https://h --token-file T",
        "keepgate keys keep 1 --url https://h --token-file T",
        "keepgate keys rewrap --config F --json",
        "keepgate keys recover --key K --data-dir D",
        "keepgate keys recovery-key --out K --public P",
        "keepgate keys root status --json --config F",
        "keepgate keys root rotate --data-dir D",
        "keepgate keys root forget 0123456789abcdef --data-dir D",
        "keepgate db shell --data-dir D --role kg_app -- -c select",
        "keepgate db shell --role superuser",
        "keepgate version --json",
        "keepgate openapi",
    ] {
        assert!(parse_line(line).is_ok(), "{line}");
    }
}

#[test]
fn wrong_uses_are_usage_errors_with_code_2() {
    for line in [
        "keepgate nonsense",
        "keepgate serve --listen localhost",
        "keepgate audit verify --key K",
        "keepgate audit verify --dir D",
        "keepgate audit verify --dir D --stored --key K",
        "keepgate audit verify --dir D --key K --tenant ten_1",
        "keepgate audit verify --dir D --key K --max-age soon",
        "keepgate audit verify --dir D --bundle F --key K",
        "keepgate audit export --format pdf --out O",
        "keepgate db shell --role postgres",
    ] {
        let error = parse_line(line).expect_err(line);
        assert_eq!(error.exit_code(), 2, "{line}");
    }
    assert_eq!(
        parse_line("keepgate --help").unwrap_err().kind(),
        ErrorKind::DisplayHelp
    );
}

#[test]
fn a_token_on_the_command_line_is_never_repeated() {
    let cli = parse_line("keepgate audit verify --url https://h --token hunter2 --key K").unwrap();
    let Some(Command::Audit(audit::Audit::Verify(args))) = cli.command else {
        panic!("verify")
    };
    assert_eq!(args.access.token, Some(TokenFrom::CommandLine));
    assert!(!format!("{args:?}").contains("hunter2"));
    let nowhere = Environment::from_iter::<[(&str, &str); 0]>([]);
    let args = VerifyArgs {
        key: vec![key()],
        ..*args
    };
    let said = crate::audit::verify(&args, &nowhere).unwrap_err();
    assert_eq!(said.exit, Exit::Usage);
    assert!(
        said.to_string().contains("--token-file") && !said.to_string().contains("hunter2"),
        "{said}"
    );
}

fn key() -> String {
    let name = "localhost/audit/00000000-0000-0000-0000-000000000000".parse().unwrap();
    keepgate_merkle::note::NoteSigner::from_seed(name, &[7; 32])
        .unwrap()
        .verifier()
        .to_string()
}

#[test]
fn every_command_explains_itself_with_an_example_and_exit_codes() {
    fn check(command: &clap::Command, path: &str) {
        let name = format!("{path} {}", command.get_name());
        if command.has_subcommands() {
            command
                .get_subcommands()
                .filter(|sub| sub.get_name() != "help" && !sub.is_hide_set())
                .for_each(|sub| check(sub, &name));
        } else if command.get_name() != "version" {
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example") && help.contains("Exit code"), "{name}");
        }
        assert!(command.get_about().is_some(), "{name}");
    }
    check(&Cli::command(), "");
}
