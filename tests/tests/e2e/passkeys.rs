//! Passkeys over HTTP, with a software authenticator that nobody here wrote.
use keepgate_tests::{Options, PASSWORD, Person, Phone, Server};
use serde_json::{Value, json};

const ORIGIN: &str = "https://gate.example.org";

async fn server() -> Server {
    Server::with(Options::config(&format!("public_url = \"{ORIGIN}\"\n"))).await
}

async fn created(server: &Server, ann: &Person, phone: &mut Phone, origin: &str) -> Value {
    let body = json!({"name": "the blue key"});
    let options = server.post("/v1/me/mfa/passkeys", &ann.token, body).await.expect(200);
    json!({"passkey": phone.create(origin, &options.json()).await})
}

async fn add(server: &Server, ann: &Person, phone: &mut Phone) -> Value {
    let body = created(server, ann, phone, ORIGIN).await;
    server
        .post("/v1/me/mfa/passkeys/confirm", &ann.token, body)
        .await
        .expect(201)
        .json()
}

async fn question(server: &Server, ann: &Person) -> Value {
    server.login(&ann.email, PASSWORD).await.expect(200).json()["mfa"].clone()
}

async fn answered(question: &Value, phone: &mut Phone) -> Value {
    let passkey = phone.get(ORIGIN, &question["passkey"]).await;
    json!({"challenge": question["challenge"], "passkey": passkey})
}

#[tokio::test]
async fn a_passkey_is_added_asked_for_and_proved_again() {
    let server = server().await;
    let ann = server.person(&server.owner().await, 2).await;
    let mut phone = Phone::default();
    let added = add(&server, &ann, &mut phone).await;
    assert_eq!(added["recovery_codes"].as_array().unwrap().len(), 10);
    let mine = server.get("/v1/me/mfa", &ann.token).await.expect(200).json();
    let item = &mine["items"][0];
    assert_eq!(
        (&item["type"], &item["name"], &item["status"]),
        (&json!("passkey"), &json!("the blue key"), &json!("active"))
    );
    let question = question(&server, &ann).await;
    assert_eq!(question["methods"], json!(["passkey", "recovery"]));
    let answer = answered(&question, &mut phone).await;
    let entered = server.answer(&answer).await.expect(200);
    assert!(entered.header("set-cookie").is_some());
    let token = entered.field("access_token");
    assert_eq!(server.get("/v1/me", &token).await.expect(200).json()["factors"], "two");
    server.answer(&answer).await.problem(401, "invalid-challenge");

    let options = server
        .press("/v1/auth/step-up/passkey", &token)
        .await
        .expect(200)
        .json();
    let proof = json!({"passkey": phone.get(ORIGIN, &options).await});
    let renewed = server.post("/v1/auth/step-up", &token, proof.clone()).await.expect(200);
    let renewed = renewed.field("access_token");
    assert!(!server.admits(&token).await);
    server
        .post("/v1/auth/step-up", &renewed, proof)
        .await
        .problem(401, "invalid-credentials");
    let path = format!("/v1/me/mfa/{}", added["id"].as_str().unwrap());
    server.delete(&path, &renewed).await.expect(204);
    server
        .login(&ann.email, PASSWORD)
        .await
        .expect(200)
        .field("access_token");
}

#[tokio::test]
async fn a_copy_of_the_phone_is_noticed_and_told_to_the_log() {
    let server = server().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    let mut phone = Phone::default();
    add(&server, &ann, &mut phone).await;
    let mut thief = phone.copy();
    let answer = answered(&question(&server, &ann).await, &mut phone).await;
    server.answer(&answer).await.expect(200);
    let answer = answered(&question(&server, &ann).await, &mut thief).await;
    server.answer(&answer).await.problem(401, "passkey-count-went-back");
    let log = server.whole_log(&owner).await;
    let told = log
        .iter()
        .filter(|entry| entry["reason"] == "passkey-count-went-back" && entry["actor"]["id"] == json!(ann.id));
    assert_eq!(told.count(), 1, "{log:?}");
}

#[tokio::test]
async fn what_another_site_or_another_time_made_is_refused() {
    let server = server().await;
    let owner = server.owner().await;
    let ann = server.person(&owner, 2).await;
    let confirm = "/v1/me/mfa/passkeys/confirm";
    let blog = created(&server, &ann, &mut Phone::default(), "https://blog.gate.example.org").await;
    server
        .post(confirm, &ann.token, blog)
        .await
        .problem(422, "invalid-passkey");
    let late = created(&server, &ann, &mut Phone::default(), ORIGIN).await;
    server
        .superuser("update identity.mfa_challenge set created_at = created_at - interval '6 minutes', expires_at = expires_at - interval '6 minutes'")
        .await;
    server
        .post(confirm, &ann.token, late)
        .await
        .problem(422, "invalid-challenge");
    let mut large = created(&server, &ann, &mut Phone::default(), ORIGIN).await;
    large["passkey"]["response"]["attestationObject"] = json!("A".repeat(30_000));
    let place = server.post(confirm, &ann.token, large).await.invalid();
    assert_eq!(place, "/passkey/response/attestationObject");
    let bob = server.person(&owner, 2).await;
    let of_ann = created(&server, &ann, &mut Phone::default(), ORIGIN).await;
    server
        .post(confirm, &bob.token, of_ann)
        .await
        .problem(422, "invalid-challenge");
    assert_eq!(
        server.get("/v1/me/mfa", &ann.token).await.expect(200).json()["items"],
        json!([])
    );
}

#[tokio::test]
async fn without_a_public_name_there_are_no_passkeys() {
    let server = Server::start().await;
    let ann = server.person(&server.owner().await, 2).await;
    server
        .post("/v1/me/mfa/passkeys", &ann.token, json!({}))
        .await
        .problem(409, "passkeys-not-configured");
}
