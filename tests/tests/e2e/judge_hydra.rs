//! A tool that many use to guess passwords (THC Hydra), against the running service over TLS on loopback.
use std::process::Stdio;

use keepgate_tests::{PASSWORD, Person, Server};
use reqwest::Method;
use tokio::process::Command;

#[expect(
    clippy::disallowed_methods,
    reason = "where a judge is missing, only the runner of the tests knows whether that is a failure"
)]
fn in_ci() -> bool {
    std::env::var_os("CI").is_some()
}

/// Whether there is a hydra; `prepare` of the CI script installs it.
async fn is_here() -> bool {
    let version = Command::new("hydra")
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    let here = version.await.is_ok();
    assert!(here || !in_ci(), "hydra is not installed");
    if !here {
        println!("hydra is not installed here: not judged");
    }
    here
}

/// Lets hydra try `words` on `email`; what it printed.
async fn hydra(server: &Server, email: &str, words: &[String]) -> String {
    let list = server.private_file("words.txt", &(words.join("\n") + "\n"));
    let url = server.url("");
    let port = url.trim_end_matches('/').rsplit(':').next().unwrap();
    let form = concat!(
        r#"/v1/auth/login:{"email"\:"^USER^","password"\:"^PASS^"}"#,
        r":H=Content-Type\: application/json:S=access_token"
    );
    let run = Command::new("hydra")
        .args([
            "-l",
            email,
            "-P",
            &list,
            "-s",
            port,
            "-t",
            "4",
            "-I",
            "127.0.0.1",
            "https-post-form",
            form,
        ])
        .current_dir(server.dir.path())
        .stdin(Stdio::null())
        .output();
    let out = tokio::time::timeout(std::time::Duration::from_secs(120), run)
        .await
        .expect("hydra ends within two minutes")
        .unwrap();
    String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr)
}

/// Without the characters that hydra writes as in a form.
const PLAIN: &str = "violet-harbour-7";

fn words(right_at: usize) -> Vec<String> {
    let mut words: Vec<String> = (0..40).map(|nth| format!("a-word-of-the-list-{nth}")).collect();
    words.insert(right_at, PLAIN.into());
    words
}

async fn plain_person(server: &Server, owner: &str) -> Person {
    let person = server.person(owner, 2).await;
    let body = serde_json::json!({"current_password": PASSWORD, "new_password": PLAIN});
    server.post("/v1/auth/password", &person.token, body).await.expect(204);
    person
}

#[tokio::test]
async fn hydra_finds_a_password_among_the_first_guesses_and_none_behind_the_tenth() {
    if !is_here().await {
        return;
    }
    let easy = Server::start().await;
    let bob = plain_person(&easy, &easy.owner().await).await;
    // That one word: it tries a wrong one again and again by itself, and may be locked out before the right one.
    let found = hydra(&easy, &bob.email, &words(0)[..1]).await;
    assert!(found.contains("1 valid password found"), "it can find one: {found}");
    drop(easy);
    let server = Server::start().await;
    let ann = plain_person(&server, &server.owner().await).await;
    let known = server.login(&ann.email, PLAIN).await.expect(200);
    let cookie = known
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let found = hydra(&server, &ann.email, &words(20)).await;
    assert!(
        found.contains("0 valid password found") && !found.contains(PLAIN),
        "{found}"
    );
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await
        .text();
    let refused: u32 = metrics
        .lines()
        .filter(|line| line.starts_with("keepgate_login_refusals"))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u32>().ok())
        .sum();
    assert!(refused >= 30, "{refused} refusals of 41 tries: {metrics}");
    let body = serde_json::json!({"email": ann.email, "password": PLAIN});
    server
        .send(Method::POST, "/v1/auth/login", None, &[("cookie", &cookie)], &body)
        .await
        .expect(200);
}
