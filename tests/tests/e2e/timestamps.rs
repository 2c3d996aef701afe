//! Time stamps over the log of logs: openssl is the authority, and openssl is the judge.
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use data_encoding::BASE64;
use keepgate_audit::{
    timestamp::{
        BadStamp, DueStamp, NotStamped, Query, Stamp, StampedLogs, TimestampAuthority, Trust, check_reply, check_token,
        stamp,
    },
    witness::{LogCheckpoint, META_LOG, Unreachable},
};
use keepgate_merkle::{
    checkpoint::Checkpoint,
    hash::{Hash, leaf_hash},
    note::{Note, NoteSigner},
    tlog_proof::TlogProof,
};
use keepgate_store::StoreError;
use keepgate_tests::{Authority, Options, Server, eventually, run};
use serde_json::Value;

const EC: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

fn trust(authority: &Authority) -> Trust {
    Trust::from_pem(authority.root().as_bytes()).unwrap()
}

/// The token over `text`, and what openssl calls the time in it.
async fn token(authority: &Authority, text: &[u8]) -> Stamp {
    let query = Query::about(text, 7, &trust(authority));
    let reply = authority.answer(&query.to_der().unwrap()).await;
    check_reply(&reply, &query, &trust(authority)).unwrap()
}

#[tokio::test]
async fn a_token_counts_only_for_its_bytes_its_question_its_policy_and_its_root() {
    for key in ["rsa:2048", EC] {
        let (authority, other) = (Authority::new(key).await, Authority::new(EC).await);
        let trusted = trust(&authority);
        let query = Query::about(b"text", 1 << 40, &trusted);
        let reply = authority.answer(&query.to_der().unwrap()).await;
        let good = check_reply(&reply, &query, &trusted).unwrap();
        assert_eq!(good.policy, "1.2.3.4.1");
        assert_eq!(check_token(&good.token, b"text", &trusted), Ok(good.clone()));
        authority.verify(&good.token, "text").await.unwrap();

        let again = Query::about(b"text", 1 << 41, &trusted);
        assert_eq!(check_reply(&reply, &again, &trusted), Err(BadStamp::Nonce));
        let elsewhere = Query::about(b"texT", 1 << 40, &trusted);
        assert_eq!(check_reply(&reply, &elsewhere, &trusted), Err(BadStamp::Imprint));
        assert_eq!(check_token(&good.token, b"texT", &trusted), Err(BadStamp::Imprint));
        let strict = trusted.clone().under("1.2.3.4.2").unwrap();
        assert_eq!(check_token(&good.token, b"text", &strict), Err(BadStamp::Policy));
        assert_eq!(
            check_token(&good.token, b"text", &trust(&other)),
            Err(BadStamp::Untrusted)
        );
        // What is asked for is what is given; what is not offered is refused.
        let asked = Query::about(b"text", 1, &strict);
        let reply = authority.answer(&asked.to_der().unwrap()).await;
        assert_eq!(check_reply(&reply, &asked, &strict).unwrap().policy, "1.2.3.4.2");
        let foreign = trusted.clone().under("1.2.3.4.9").unwrap();
        let asked = Query::about(b"text", 1, &foreign);
        let reply = authority.answer(&asked.to_der().unwrap()).await;
        assert_eq!(check_reply(&reply, &asked, &foreign), Err(BadStamp::Refused));

        // No byte of it may be another: what is signed, the signature, the certificates.
        for at in 0..good.token.len() {
            let mut edited = good.token.clone();
            edited[at] ^= 1;
            if let Ok(stamp) = check_token(&edited, b"text", &trusted) {
                assert_eq!((stamp.at, &stamp.policy), (good.at, &good.policy), "byte {at}");
            }
        }
        for cut in [0, 1, good.token.len() / 2, good.token.len() - 1] {
            assert_eq!(
                check_token(&good.token[..cut], b"text", &trusted),
                Err(BadStamp::Malformed)
            );
        }
    }
    assert!(Trust::from_pem(b"no certificate").is_err());
}

/// openssl stamps with nothing but a fit certificate, but it signs anything as CMS: the same content by other signers.
#[tokio::test]
async fn only_a_certificate_that_is_for_time_stamps_alone_and_says_so_critically_counts() {
    let authority = Authority::new(EC).await;
    let trusted = trust(&authority);
    let good = token(&authority, b"text").await;
    authority.put("good", &good.token);
    authority
        .openssl("cms -verify -noverify -inform DER -in good -binary -out content")
        .await
        .unwrap();
    let sign = |name: &'static str, how: &'static str| {
        let line = format!(
            "cms -sign -in content -binary -nodetach -outform DER -econtent_type 1.2.840.113549.1.9.16.1.4 {how} \
             -signer {name}.pem -inkey {name}.key -certfile ca.pem -out {name}.token"
        );
        let authority = &authority;
        async move {
            authority.openssl(&line).await.unwrap();
            std::fs::read(authority.path().join(format!("{name}.token"))).unwrap()
        }
    };
    let signed = sign("tsa", "-cades -md sha256").await;
    assert_eq!(
        check_token(&signed, b"text", &trusted).unwrap().at,
        good.at,
        "the fit one"
    );
    let unnamed = sign("tsa", "-md sha256").await;
    assert_eq!(
        check_token(&unnamed, b"text", &trusted),
        Err(BadStamp::Signature),
        "without the certificate's hash in what is signed"
    );
    for name in ["meek", "both", "server", "none"] {
        authority.certificate(name, EC).await;
        let signed = sign(name, "-cades -md sha256").await;
        assert_eq!(
            check_token(&signed, b"text", &trusted),
            Err(BadStamp::Untrusted),
            "{name}"
        );
    }
}

/// Keeps what it is given.
#[derive(Default)]
struct Kept(Mutex<Vec<Stamp>>);

#[async_trait]
impl StampedLogs for Kept {
    async fn due_stamp(&self) -> Result<DueStamp, StoreError> {
        Err(StoreError::Conflict)
    }

    async fn put_stamp(&self, _: &LogCheckpoint, stamp: &Stamp) -> Result<(), StoreError> {
        self.0.lock().unwrap().push(stamp.clone());
        Ok(())
    }
}

/// Gives one answer, whatever the question.
struct Fixed(Result<Vec<u8>, Unreachable>);

#[async_trait]
impl TimestampAuthority for Fixed {
    async fn stamp(&self, _: Vec<u8>) -> Result<Vec<u8>, Unreachable> {
        self.0.clone()
    }
}

#[tokio::test]
async fn whatever_an_authority_answers_nothing_is_kept_but_a_good_token() {
    let authority = Authority::new(EC).await;
    let trusted = trust(&authority);
    let origin = "gate.example/audit/meta";
    let signer = NoteSigner::from_seed(origin.parse().unwrap(), &[3; 32]).unwrap();
    let checkpoint = Checkpoint {
        origin: origin.into(),
        size: 1,
        root: Hash::from_bytes([4; 32]),
    };
    let text = checkpoint.to_string();
    let of = LogCheckpoint {
        tenant: META_LOG,
        origin: origin.into(),
        size: 1,
        root: checkpoint.root,
        note: signer.sign(&text).unwrap(),
    };
    let (kept, random) = (Kept::default(), 1 << 50);
    let asked = Query::about(text.as_bytes(), random, &trusted);
    let good = authority.answer(&asked.to_der().unwrap()).await;
    let yesterday = Query::about(text.as_bytes(), 5, &trusted).to_der().unwrap();
    let other = Query::about(b"another log", random, &trusted).to_der().unwrap();
    for (answer, word) in [
        (Err(Unreachable), "unreachable"),
        (Ok(Vec::new()), "malformed"),
        (Ok(b"<html>500</html>".to_vec()), "malformed"),
        (Ok(authority.answer(b"no question").await), "refused"),
        (Ok(authority.answer(&yesterday).await), "nonce"),
        (Ok(authority.answer(&other).await), "imprint"),
    ] {
        let failed = stamp(&kept, &Fixed(answer), &trusted, &of, random).await;
        assert_eq!(failed.unwrap_err().as_str(), word);
    }
    let stranger = trust(&Authority::new(EC).await);
    let failed = stamp(&kept, &Fixed(Ok(good.clone())), &stranger, &of, random).await;
    assert!(matches!(failed, Err(NotStamped::Bad(BadStamp::Untrusted))));
    assert!(kept.0.lock().unwrap().is_empty());
    let made = stamp(&kept, &Fixed(Ok(good)), &trusted, &of, random).await.unwrap();
    assert_eq!(*kept.0.lock().unwrap(), [made]);
}

/// A gateway with some history that then asks the authority at `url` and trusts `root`, and its owner's token.
async fn gateway(authority: &Arc<Authority>, root: String) -> (Server, String) {
    authority.close();
    let url = authority.serve().await;
    let options = Options {
        config: format!("audit.tsa_url = \"{url}\"\naudit.tsa_ca_file = \"{{dir}}/root.pem\"\n"),
        files: vec![("root.pem".into(), root)],
    };
    let mut server = Server::with(options).await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    authority.open();
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    (server, owner)
}

async fn metrics(server: &Server) -> String {
    let asked = server.another_client().get(server.admin_url("/metrics"));
    asked.send().await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn the_log_of_logs_is_time_stamped_and_openssl_believes_the_token() {
    let authority = Arc::new(Authority::new("rsa:2048").await);
    let (server, owner) = gateway(&authority, authority.root()).await;
    let told: Value = eventually("a time stamp", || async {
        let reply = server.get("/v1/audit/meta/timestamp", &owner).await;
        (reply.status == 200).then(|| reply.json())
    })
    .await;
    let token = BASE64.decode(told["token"].as_str().unwrap().as_bytes()).unwrap();
    let note: Note = told["checkpoint"].as_str().unwrap().parse().unwrap();
    let stamped: Checkpoint = note.text().parse().unwrap();
    assert_eq!(told["size"], stamped.size);
    authority.verify(&token, note.text()).await.unwrap();
    assert!(
        authority
            .verify(&token, &note.text().replacen('\n', "x\n", 1))
            .await
            .is_err()
    );
    let kept = server
        .superuser("select count(*) || ' ' || max(size) from audit.meta_timestamp")
        .await;
    assert_eq!(kept, format!("1 {}", stamped.size));
    assert_eq!(authority.asked(), 1, "once an hour");

    // The own log's state is in what was stamped.
    let path = format!("/v1/audit/meta/proof?size={}", stamped.size);
    let reply = server.get(&path, &owner).await;
    let proof: TlogProof = reply.expect(200).text().parse().unwrap();
    assert_eq!(proof.checkpoint.text(), note.text());
    let own = Note::parse(&proof.extra).unwrap();
    let vkey = server.get("/v1/audit/meta/vkey", &owner).await.expect(200).text();
    let keys = [vkey.lines().next().unwrap().parse().unwrap()];
    proof
        .verify(&leaf_hash(own.text().as_bytes()), &stamped.origin, &keys)
        .unwrap();
    let earliest = server.get("/v1/audit/meta/timestamp?size=1", &owner).await.expect(200);
    assert_eq!(earliest.json()["size"], stamped.size);
    server
        .get("/v1/audit/meta/timestamp?size=99999999", &owner)
        .await
        .problem(404, "no-such-part");
    server.get("/v1/audit/meta/timestamp", &server.key()).await.expect(403);
    bundle_is_stamped(&server, &authority, &owner).await;
    let told = metrics(&server).await;
    assert!(
        told.contains(r#"keepgate_tsa_stamps_total{outcome="done"} 1"#),
        "{told}"
    );
    let entry = server
        .superuser("select count(*) from audit.entry where action = 'audit.log' and entity = 'meta-log:timestamp' and outcome = 'done'")
        .await;
    assert!(entry.parse::<u32>().unwrap() >= 2, "reading it is an entry: {entry}");
}

#[tokio::test]
async fn a_token_of_an_authority_that_leads_to_another_root_is_not_kept() {
    let (authority, other) = (Arc::new(Authority::new(EC).await), Authority::new(EC).await);
    let (server, owner) = gateway(&authority, other.root()).await;
    eventually("the refusal", || async {
        server.log().contains("is not trusted with time").then_some(())
    })
    .await;
    server
        .get("/v1/audit/meta/timestamp", &owner)
        .await
        .problem(404, "no-such-part");
    assert_eq!(server.superuser("select count(*) from audit.meta_timestamp").await, "0");
    assert!(
        metrics(&server)
            .await
            .contains(r#"keepgate_tsa_stamps_total{outcome="untrusted"}"#)
    );
}

/// A bundle carries the stamp, openssl believes it there, and `audit verify` checks all of it offline.
async fn bundle_is_stamped(server: &Server, authority: &Authority, owner: &str) {
    let tar = authority.path().join("bundle.tar");
    std::fs::write(
        &tar,
        &server
            .get("/v1/audit/export?format=bundle", owner)
            .await
            .expect(200)
            .body,
    )
    .unwrap();
    let dir = authority.path().join("bundle");
    std::fs::create_dir(&dir).unwrap();
    let unpacked = tokio::process::Command::new("tar")
        .arg("-xf")
        .arg(&tar)
        .arg("-C")
        .arg(&dir)
        .status();
    assert!(unpacked.await.unwrap().success());
    let read = |name: &str| std::fs::read(dir.join(name)).unwrap();
    assert!(
        String::from_utf8(read("README.txt"))
            .unwrap()
            .contains("openssl ts -verify -data time-text")
    );
    let text = String::from_utf8(read("time-text")).unwrap();
    authority.verify(&read("time-stamp"), &text).await.unwrap();

    let key = server.get("/v1/audit/log/vkey", owner).await.expect(200).text();
    let (key, root) = (key.trim().to_owned(), authority.path().join("ca.pem"));
    let stranger = Authority::new(EC).await;
    let verify = |how: &'static str, ca: std::path::PathBuf| {
        let place = if how == "--dir" { &dir } else { &tar };
        let (place, ca) = (place.to_str().unwrap(), ca.to_str().unwrap());
        let arguments = ["audit", "verify", "--json", "--key", &key, "--tsa-ca", ca, how, place];
        run(arguments.map(str::to_owned))
    };
    let told: Value = serde_json::from_str(&verify("--bundle", root.clone()).await.expect(0).out).unwrap();
    assert!(told["stamped"]["size"].as_u64().unwrap() >= 1, "{told}");
    assert!(told["stamped"]["at"].as_str().unwrap().starts_with("20"), "{told}");
    let refused = verify("--bundle", stranger.path().join("ca.pem")).await.expect(1);
    assert!(refused.out.contains("not trusted with time"), "{}", refused.out);
    // Another time's token, another log's proof, none at all.
    let (token, proof) = (read("time-stamp"), read("time-proof"));
    std::fs::write(
        dir.join("time-stamp"),
        self::token(authority, b"something else").await.token,
    )
    .unwrap();
    let refused = verify("--dir", root.clone()).await.expect(1);
    assert!(refused.out.contains("is of something else"), "{}", refused.out);
    std::fs::write(dir.join("time-stamp"), &token).unwrap();
    verify("--dir", root.clone()).await.expect(0);
    let mut other: TlogProof = String::from_utf8(proof.clone()).unwrap().parse().unwrap();
    let text = String::from_utf8(other.extra.clone()).unwrap();
    other.extra = text.replacen('\n', "\n1", 1).into_bytes();
    std::fs::write(dir.join("time-proof"), other.to_string()).unwrap();
    let refused = verify("--dir", root.clone()).await.expect(1);
    assert!(refused.out.contains("does not contain the log"), "{}", refused.out);
    std::fs::remove_file(dir.join("time-proof")).unwrap();
    verify("--dir", root.clone()).await.expect(3);
}
