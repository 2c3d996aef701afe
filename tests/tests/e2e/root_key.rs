//! The root key in OpenBao: it never comes here, and what happens while OpenBao is away.
use keepgate_tests::{Options, Reply, Server, eventually, message};
use reqwest::Method;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{judges::openbao::OpenBao, sinks::metrics};

const POLICY: &str = include_str!("../../../docs/security/openbao.hcl");

/// A configuration whose root key is in `bao`.
pub async fn options(bao: &OpenBao) -> Options {
    bao.admin("POST", "transit/keys/keepgate", json!({})).await;
    let config = format!(
        "[keys]\nservice = \"openbao\"\nname = \"transit/keepgate\"\n[openbao]\nurl = \"{}\"\nca_file = \"{{dir}}/bao.pem\"\nauth = \"token\"\n\
         token = \"secret://file{{dir}}/bao.token\"\n",
        bao.url
    );
    let files = vec![
        ("bao.pem".to_owned(), bao.ca_pem.clone()),
        ("bao.token".to_owned(), bao.token(POLICY).await),
    ];
    Options { config, files }
}

async fn with_root_in(bao: &OpenBao) -> Server {
    Server::with(options(bao).await).await
}

async fn log_in(server: &Server, body: &Value) -> Reply {
    server.send(Method::POST, "/v1/auth/login", None, &[], body).await
}

#[tokio::test]
async fn what_openbao_wrapped_opens_after_a_start_and_no_key_file_is_made() {
    let Some(bao) = OpenBao::start().await else { return };
    let mut server = with_root_in(&bao).await;
    assert!(
        !server.data_dir().join("keys/kek").exists(),
        "the root key never comes here"
    );
    let owner = server.owner().await;
    let to = server.recipient(&owner, "sms", "+15005550009").await;
    let body = message(&to, "payload");
    let first = server
        .post_once("/v1/messages", &owner, "once", &body)
        .await
        .expect(202)
        .text();
    let wrapped = server
        .superuser(
            "select distinct kek from (select kek from keys.data_key union all select kek from keys.signing_key \
        union all select kek from keys.instance_key union all select kek from identity.signing_key) k",
        )
        .await;
    assert_eq!(wrapped.trim(), "openbao:transit/keepgate:v1");
    assert_eq!(server.stop().await, Some(0));

    bao.signal(Signal::STOP);
    let refused = server.start_in_vain().await.expect(3).err;
    assert!(refused.contains("the key service did not answer in time"), "{refused}");
    bao.signal(Signal::CONT);
    // A rotation there: older versions go on opening.
    bao.admin("POST", "transit/keys/keepgate/rotate", json!({})).await;
    server.start_again().await;
    let again = server
        .post_once("/v1/messages", &owner, "once", &body)
        .await
        .expect(202);
    assert_eq!(again.text(), first, "the sealed answer opened");
    assert_eq!(server.stop().await, Some(0));

    // A version that must not be used any more ends it all, and says so.
    bao.admin(
        "POST",
        "transit/keys/keepgate/config",
        json!({"min_decryption_version": 2}),
    )
    .await;
    let refused = server.start_in_vain().await.expect(4).err;
    assert!(refused.contains("not in use any more"), "{refused}");
}

#[tokio::test]
async fn opened_keys_survive_an_outage_and_unopened_ones_stay_shut() {
    let Some(bao) = OpenBao::start().await else { return };
    let server = with_root_in(&bao).await;
    let owner = server.owner().await;
    let to = server.recipient(&owner, "sms", "+15005550009").await;
    server.accept(&owner, message(&to, "before")).await;
    bao.signal(Signal::STOP);
    // The tenant's key is open.
    server.accept(&owner, message(&to, "meanwhile")).await;
    server.get("/v1/me", &owner).await.expect(200);
    // The platform's is not: whoever fails to log in there can't be written down, and so is not answered.
    let stranger = json!({"email": "nobody@example.org", "password": "correct horse battery staple"});
    let shut = log_in(&server, &stranger).await.expect(503);
    assert!(shut.header("retry-after").is_some());
    let told = metrics(&server).await;
    assert!(told.lines().any(|line| line == "keepgate_key_service_up 0"), "{told}");
    assert!(server.log().contains("THE KEY SERVICE FAILS"));
    bao.signal(Signal::CONT);
    eventually("the key service is back", || async {
        let reply = log_in(&server, &stranger).await;
        (reply.status == 401).then_some(())
    })
    .await;
    server.accept(&owner, message(&to, "after")).await;
}
