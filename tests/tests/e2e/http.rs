//! The surface: headers, problems, limits, documentation, and what must not be seen.
use std::{collections::BTreeSet, time::Duration};

use keepgate_tests::{Options, Reply, Server, eventually};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[track_caller]
fn has_headers(reply: &Reply, what: &str) {
    assert!(
        reply.header("x-request-id").is_some_and(|id| id.starts_with("req_")),
        "{what}"
    );
    assert!(
        reply
            .header("strict-transport-security")
            .is_some_and(|value| value.starts_with("max-age=")),
        "{what}"
    );
    assert_eq!(reply.header("x-content-type-options"), Some("nosniff"), "{what}");
    assert!(reply.header("content-security-policy").is_some(), "{what}");
    assert_eq!(reply.header("access-control-allow-origin"), None, "{what}");
    assert_eq!(reply.header("server"), None, "{what}");
}

#[tokio::test]
async fn every_answer_carries_its_request_and_the_security_headers() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let raw = |method: Method, path: &str, bearer: Option<&str>, body: &[u8]| {
        let (server, url, bearer, body) = (&server, server.url(path), bearer.map(str::to_owned), body.to_vec());
        async move {
            server
                .raw(
                    method,
                    &url,
                    bearer.as_deref(),
                    &[("content-type", "application/json")],
                    Some(body),
                )
                .await
        }
    };
    let answers = [
        (200, raw(Method::GET, "/v1/me", Some(&owner), b"").await),
        (401, raw(Method::GET, "/v1/me", None, b"").await),
        (403, raw(Method::GET, "/v1/tenants", Some(&owner), b"").await),
        (404, raw(Method::GET, "/nowhere", None, b"").await),
        (405, raw(Method::PUT, "/v1/me", Some(&owner), b"").await),
        (
            413,
            raw(Method::POST, "/v1/messages", Some(&owner), &vec![b' '; 2_200_000]).await,
        ),
        (422, raw(Method::POST, "/v1/messages", Some(&owner), b"{}").await),
        (200, raw(Method::GET, "/livez", None, b"").await),
        (200, raw(Method::GET, "/openapi.json", None, b"").await),
    ];
    let mut ids = BTreeSet::new();
    for (status, reply) in &answers {
        assert_eq!(reply.status, *status, "{}", reply.text());
        has_headers(reply, &status.to_string());
        assert!(
            ids.insert(reply.header("x-request-id").unwrap().to_owned()),
            "an id twice"
        );
        assert_eq!(reply.header("cache-control"), Some("no-store"), "{status}");
    }
}

#[tokio::test]
async fn a_request_id_is_ours_and_no_caller_s() {
    let server = Server::start().await;
    let mine = "req_00000000000000000000000000";
    let reply = server
        .raw(
            Method::GET,
            &server.url("/v1/me"),
            None,
            &[("x-request-id", mine)],
            None,
        )
        .await;
    assert_ne!(reply.header("x-request-id"), Some(mine));
}

#[tokio::test]
async fn what_is_nowhere_and_what_is_not_allowed_are_problems() {
    let server = Server::start().await;
    let owner = server.owner().await;
    for path in [
        "/",
        "/v1",
        "/v1/",
        "/v1/nowhere",
        "/v2/me",
        "/metrics",
        "/v1/me/",
        "//v1/me",
    ] {
        server.get(path, &owner).await.problem(404, "not-found");
    }
    for id in [
        "nonsense",
        "msg_nonsense",
        "rcp_00000000000000000000000000",
        "..%2f..%2fetc",
        "%00",
    ] {
        server
            .get(&format!("/v1/messages/{id}"), &owner)
            .await
            .problem(404, "not-found");
    }
    for (method, path) in [
        (Method::DELETE, "/v1/messages"),
        (Method::PUT, "/v1/me"),
        (Method::PATCH, "/v1/audit"),
        (Method::POST, "/livez"),
    ] {
        let reply = server.raw(method, &server.url(path), Some(&owner), &[], None).await;
        assert!(
            reply.header("allow").is_some_and(|allow| allow.contains("GET")),
            "{path}: {:?}",
            reply.headers
        );
        reply.problem(405, "method-not-allowed");
    }
}

#[tokio::test]
async fn the_document_served_is_the_one_in_the_repository() {
    let server = Server::start().await;
    let served: Value = server.open("/openapi.json").await.expect(200).json();
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    assert!(
        served == kept,
        "docs/openapi.json is stale: `cargo xtask openapi` writes it"
    );
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn every_operation_of_the_document_tells_what_can_go_wrong() {
    let server = Server::start().await;
    let document = server.open("/openapi.json").await.expect(200).json();
    let mut bare = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let answers = operation["responses"].as_object().unwrap();
            let wrong = answers
                .keys()
                .any(|status| status.starts_with('4') || status.starts_with('5'));
            let quiet = matches!(
                path.as_str(),
                "/livez"
                    | "/readyz"
                    | "/version"
                    | "/.well-known/jwks.json"
                    | "/.well-known/keepgate-api-keys.json"
                    | "/openapi.json"
            );
            if !wrong && !quiet {
                bare.push(format!("{method} {path}"));
            }
        }
    }
    assert!(bare.is_empty(), "{bare:?}");
}

/// What the page at `path` loads: every `src` and `href`.
fn links(html: &str) -> Vec<String> {
    ["src=\"", "href=\""]
        .iter()
        .flat_map(|mark| {
            html.split(mark)
                .skip(1)
                .filter_map(|rest| rest.split('"').next().map(str::to_owned))
        })
        .collect()
}

#[tokio::test]
async fn the_documentation_page_needs_nothing_from_elsewhere() {
    let server = Server::start().await;
    let page = server.open("/docs/").await.expect(200);
    let policy = page.header("content-security-policy").unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && !policy.contains("http"),
        "{policy}"
    );
    let links = links(&page.text());
    assert!(!links.is_empty());
    for link in links {
        assert!(!link.contains("//"), "{link} is elsewhere");
        let path = format!("/docs/{}", link.trim_start_matches("./").trim_start_matches("/docs/"));
        let asset = server.open(&path).await;
        assert_eq!(asset.status, 200, "{path}");
        has_headers(&asset, &path);
    }
    let moved = server.open("/docs").await;
    assert!(matches!(moved.status, 200 | 301..=308), "{}", moved.status);
}

#[tokio::test]
async fn metrics_are_on_the_admin_listener_and_nowhere_else() {
    let server = Server::start().await;
    let owner = server.owner().await;
    server.open("/metrics").await.problem(404, "not-found");
    let metrics = server
        .raw(Method::GET, &server.admin_url("/metrics"), None, &[], None)
        .await
        .expect(200);
    assert!(metrics.header("content-type").unwrap().starts_with("text/plain"));
    let text = metrics.text();
    for name in ["keepgate_http_requests", "keepgate_operations"] {
        assert!(text.contains(name), "{name}");
    }
    for secret in [&owner, &server.me(&owner).await, &server.key()] {
        assert!(!text.contains(secret.as_str()));
    }
    for path in ["/v1/me", "/openapi.json", "/docs/"] {
        let reply = server
            .raw(Method::GET, &server.admin_url(path), Some(&owner), &[], None)
            .await;
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[tokio::test]
async fn health_tells_what_works() {
    let server = Server::start().await;
    let ready = server.open("/readyz").await.expect(200).json();
    assert_eq!(ready["ready"], true);
    let names: Vec<&str> = ready["dependencies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"database"), "{names:?}");
    server.open("/livez").await.expect(200);
    for path in ["/livez", "/readyz"] {
        server
            .raw(Method::GET, &server.admin_url(path), None, &[], None)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn too_many_requests_are_429_with_the_time_to_wait_and_only_for_the_one() {
    let server = Server::with(Options::config(
        "[limits]\nrequests_per_minute = 10\nanonymous_per_minute = 30\n",
    ))
    .await;
    let owner = server.owner().await;
    let first = server.get("/v1/me", &owner).await.expect(200);
    assert!(first.header("ratelimit").is_some() && first.header("ratelimit-policy").is_some());
    let mut last = first;
    for _ in 0..12 {
        last = server.get("/v1/me", &owner).await;
    }
    let wait: u64 = last
        .header("retry-after")
        .expect("it says when to come back")
        .parse()
        .unwrap();
    assert!((1..=60).contains(&wait));
    last.problem(429, "rate-limited");
    server.get("/v1/me", &server.key()).await.expect(200);
    let mut anonymous = Vec::new();
    for _ in 0..35 {
        anonymous.push(server.open("/livez").await.status);
    }
    assert!(anonymous.contains(&200) && anonymous.contains(&429), "{anonymous:?}");
}

#[tokio::test]
async fn plain_http_is_not_spoken_on_the_public_listener() {
    let server = Server::start().await;
    let plain = server.url("/livez").replace("https://", "http://");
    if let Ok(reply) = server.attempt(Method::GET, &plain, None, &[], None).await {
        assert!(reply.status >= 400, "{}", reply.status);
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_headers_is_cut_off() {
    let server = Server::with(Options::config("[limits]\nheader_timeout_seconds = 1\n")).await;
    let public = server.url("").replace("https://", "");
    let mut socket = tokio::net::TcpStream::connect(public).await.unwrap();
    // Not even a TLS hello to its end.
    socket.write_all(&[22, 3, 1]).await.unwrap();
    let mut rest = Vec::new();
    let closed = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection stays open");
    server.open("/livez").await.expect(200);
}

#[tokio::test]
async fn the_log_is_json_with_the_request_of_each_line() {
    let server = Server::start().await;
    let reply = server.get("/v1/me", &server.key()).await.expect(200);
    let request = reply.header("x-request-id").unwrap().to_owned();
    let line = eventually("the request's line", || async {
        server
            .log()
            .lines()
            .find(|line| line.contains(&request))
            .map(str::to_owned)
    })
    .await;
    let line: Value = serde_json::from_str(&line).expect("JSON");
    assert_eq!(
        (&line["status"], &line["method"], &line["route"]),
        (&json!(200), &json!("GET"), &json!("/v1/me"))
    );
}

#[tokio::test]
async fn invented_credentials_do_not_escape_the_limit_of_their_address() {
    let server = Server::with(Options::config("[limits]\nanonymous_per_minute = 40\n")).await;
    let owner = server.owner().await;
    let key = server.key();
    for good in [&owner, &key] {
        server.get("/v1/me", good).await.expect(200);
    }
    let mut admitted = 0;
    for n in 0..120 {
        let invented = match n % 3 {
            0 => format!("eyJhbGciOiJFZERTQSJ9.{n}.c2ln"),
            1 => format!("kgl_{n:012}_EXAMPLE0000000000000000000000000000000000000000000000000"),
            _ => format!("invented{n}"),
        };
        admitted += u32::from(server.get("/v1/me", &invented).await.status != 429);
    }
    assert!(admitted <= 41, "{admitted} of 120");
    server.get("/v1/me", "invented").await.problem(429, "rate-limited");
    for path in ["/scim/v2/Users", "/v1/audit", "/livez"] {
        let reply = server.get(path, "one more that nobody has").await;
        assert_eq!(reply.status, 429, "{path}");
    }
    for good in [&owner, &key] {
        server.get("/v1/me", good).await.expect(200);
    }
}
