//! What the terminal shows when the service is ready. On standard output, never in the log.
use super::{first_run::FirstRun, ready::Ready};
use crate::terminal;

/// Shows where everything is, and on the first run the first credentials.
pub fn announce(ready: &Ready<'_>, first_run: Option<&FirstRun>) {
    terminal::say(&text(ready, first_run));
}

fn text(ready: &Ready<'_>, first_run: Option<&FirstRun>) -> String {
    let ca = ready.ca_cert.as_ref().map(|path| path.display().to_string());
    let mut lines = vec![
        format!("Keepgate {} serves {}", ready.version, ready.url),
        format!("  documentation   {}/docs", ready.url),
        format!("  metrics         {}/metrics", ready.admin_url),
        format!("  data directory  {}", ready.data_dir.display()),
    ];
    if let Some(ca) = &ca {
        lines.push(format!("  certificate     development only; trust {ca}"));
    }
    if let Some(first) = first_run {
        lines.extend(credentials(first));
        lines.extend(example(ready, first, ca.as_deref()));
    }
    lines.join("\n")
}

fn credentials(first: &FirstRun) -> Vec<String> {
    let bootstrap = &first.bootstrap;
    vec![
        String::new(),
        "The first credentials. They are shown this once, and each is good for 24 hours: enrol, then issue keys of your own.".into(),
        format!(
            "  API key (operator of the tenant `default`)    {}",
            bootstrap.service_key
        ),
        format!(
            "  enrolment code of that tenant's owner         {}",
            bootstrap.owner_enrolment
        ),
        format!(
            "  enrolment code of the platform's admin        {}",
            bootstrap.platform_enrolment
        ),
        "  (it is answered with an authenticator app to set up; send its first code to /v1/auth/mfa)".into(),
        format!(
            "  tenant `default` {}, platform {}",
            bootstrap.tenant, bootstrap.platform_tenant
        ),
    ]
}

fn example(ready: &Ready<'_>, first: &FirstRun, ca: Option<&str>) -> Vec<String> {
    let trust = ca.map_or_else(String::new, |ca| format!(" --cacert {}", quoted(ca)));
    let body = format!(
        r#"{{"to":[{{"channel":"internet","address":"{}"}}],"payload":"aGVsbG8=","text":"hello"}}"#,
        first.owner
    );
    vec![
        String::new(),
        "Send a message now:".into(),
        format!("  curl -sS{trust} {}/v1/messages \\", ready.url),
        format!("    -H 'Authorization: Bearer {}' \\", first.bootstrap.service_key),
        "    -H 'Content-Type: application/json' -H 'Idempotency-Key: first' \\".into(),
        format!("    -d '{body}'"),
    ]
}

/// For a shell, whatever the path holds.
fn quoted(path: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-".contains(c);
    if path.chars().all(plain) {
        path.to_owned()
    } else {
        format!("'{}'", path.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::serve::ready::Bootstrap;

    fn ready() -> Ready<'static> {
        Ready {
            url: "https://127.0.0.1:8443".into(),
            admin_url: "http://127.0.0.1:9443".into(),
            ca_cert: Some("/srv/it's mine/ca.pem".into()),
            data_dir: Path::new("/srv/it's mine"),
            pid: 1,
            database: "embedded",
            version: "0.1.0",
            bootstrap: None,
        }
    }

    #[test]
    fn a_later_run_shows_no_credential() {
        let shown = text(&ready(), None);
        assert!(
            shown.contains("https://127.0.0.1:8443/docs") && !shown.contains("curl"),
            "{shown}"
        );
    }

    #[test]
    fn the_first_run_shows_each_credential_and_a_command_that_a_shell_takes() {
        let one = |text: &str| text.to_owned();
        let bootstrap = Bootstrap {
            platform_tenant: one("ten_p"),
            platform_enrolment: one("kge_p"),
            tenant: one("ten_t"),
            owner_enrolment: one("kge_o"),
            service_key: one("kgl_x"),
        };
        let shown = text(
            &ready(),
            Some(&FirstRun {
                bootstrap,
                owner: one("usr_o"),
            }),
        );
        for part in [
            "ten_p",
            "kge_p",
            "ten_t",
            "kge_o",
            "kgl_x",
            "each is good for 24 hours",
            r#""address":"usr_o""#,
            "--cacert '/srv/it'\\''s mine/ca.pem'",
        ] {
            assert!(shown.contains(part), "{part} in\n{shown}");
        }
    }
}
