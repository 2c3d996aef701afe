//! Receivers that nobody here wrote: rsyslog over TLS, a strict RFC 5424 parser, an S3-compatible store, and what signs for it.
use std::{os::unix::fs::PermissionsExt, path::Path};

use keepgate_tests::{Answer, Options, Server, StandIn, eventually, indices, receiver_check};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair};
use serde_json::{Value, json};
use sha2::Digest;
use tokio::process::{Child, Command};

use crate::{
    judges::{ask, installed, missing, moto, moto_server, pip, quiet},
    sinks::{LOOPBACK, add, path, size, when},
};

const PARSER: &str = "syslog-rfc5424-parser==0.3.2";

pub struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub fn pem(&self) -> String {
        self.0.pem()
    }

    pub fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        // Else it bears the authority's name, and OpenSSL takes it for one that signed itself.
        params.distinguished_name.push(DnType::CommonName, "siem");
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        (params.signed_by(&key, &self.0).unwrap().pem(), key.serialize_pem())
    }
}

/// An rsyslog that demands a certificate of the authority, and writes messages as they came to `out`.
async fn rsyslog(dir: &Path, authority: &Authority) -> (Child, u16) {
    let (cert, key) = authority.issue();
    for (name, content) in [("ca.pem", authority.0.pem()), ("cert.pem", cert), ("key.pem", key)] {
        std::fs::write(dir.join(name), content).unwrap();
    }
    let at = dir.display();
    let config = format!(
        "global(workDirectory=\"{at}\" maxMessageSize=\"64k\" defaultNetstreamDriverCAFile=\"{at}/ca.pem\"\n\
           defaultNetstreamDriverCertFile=\"{at}/cert.pem\" defaultNetstreamDriverKeyFile=\"{at}/key.pem\")\n\
         module(load=\"imtcp\" streamDriver.name=\"ossl\" streamDriver.mode=\"1\" streamDriver.authMode=\"x509/certvalid\")\n\
         template(name=\"raw\" type=\"string\" string=\"%rawmsg%\\n\")\n\
         input(type=\"imtcp\" port=\"0\" address=\"127.0.0.1\" listenPortFileName=\"{at}/port\")\n\
         action(type=\"omfile\" file=\"{at}/out\" template=\"raw\")\n"
    );
    std::fs::write(dir.join("rsyslog.conf"), config).unwrap();
    let mut command = Command::new("rsyslogd");
    command
        .arg("-n")
        .arg("-f")
        .arg(dir.join("rsyslog.conf"))
        .arg("-i")
        .arg(dir.join("pid"));
    let child = quiet(command);
    let port = eventually("rsyslog's port", || async {
        std::fs::read_to_string(dir.join("port")).ok()?.trim().parse().ok()
    })
    .await;
    (child, port)
}

fn have_rsyslog() -> bool {
    let ossl = [
        "/usr/lib/x86_64-linux-gnu/rsyslog",
        "/usr/lib/aarch64-linux-gnu/rsyslog",
        "/usr/lib/rsyslog",
        "/usr/lib64/rsyslog",
    ];
    Path::new("/usr/sbin/rsyslogd").exists() && ossl.iter().any(|dir| Path::new(dir).join("lmnsd_ossl.so").exists())
}

#[tokio::test]
async fn rsyslog_gets_the_log_over_tls_and_a_strict_parser_reads_it() {
    if !have_rsyslog() {
        return missing("rsyslog with rsyslog-openssl");
    }
    let parser = installed(PARSER, "syslog_rfc5424_parser", |aside| pip(aside, &[PARSER])).await;
    let dir = tempfile::tempdir().unwrap();
    std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let authority = Authority::new();
    let (_child, port) = rsyslog(dir.path(), &authority).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let target = |client: Option<(String, String)>| {
        let mut target = json!({"kind": "syslog", "host": "127.0.0.1", "port": port, "ca_pem": authority.0.pem()});
        if let Some((cert, key)) = client {
            target["client_cert_pem"] = json!(cert);
            target["client_key_pem"] = json!(key);
        }
        target
    };
    // Without the certificate that it demands, rsyslog takes nothing.
    let sink = add(
        &server,
        &owner,
        json!({"name": "syslog", "from_index": 0, "batch_size": 10, "target": target(None)}),
    )
    .await;
    let trial = server
        .press(&format!("{}/test", path(&sink)), &owner)
        .await
        .expect(200)
        .json();
    assert_ne!(trial["outcome"], "accepted", "{trial}");
    server
        .patch(&path(&sink), &owner, json!({"target": target(Some(authority.issue()))}))
        .await
        .expect(200);
    let until = size(&server, &owner).await;
    when(&server, &owner, &sink, |sink| {
        sink["next_index"].as_u64() >= Some(until)
    })
    .await;
    let messages: Vec<String> = eventually("rsyslog wrote it", || async {
        let out = std::fs::read_to_string(dir.path().join("out")).ok()?;
        let lines: Vec<String> = out
            .lines()
            .filter(|line| line.contains("keepgate@32473"))
            .map(str::to_owned)
            .collect();
        (lines.len() as u64 >= until).then_some(lines)
    })
    .await;
    let records: Vec<String> = messages
        .iter()
        .map(|line| line[line.find("] {").unwrap() + 2..].to_owned())
        .collect();
    assert_eq!(
        indices(&records)[..usize::try_from(until).unwrap()],
        (0..until).collect::<Vec<_>>()
    );
    let (whole, said) = receiver_check(&records, None).await;
    assert!(whole, "{said}");
    let Some(parser) = parser else { return missing(PARSER) };
    let mut command = Command::new("python3");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/syslog5424.py"))
        .arg(parser);
    let parsed = ask(command, &json!(messages)).await;
    for (read, record) in parsed.as_array().unwrap().iter().zip(&records) {
        let record: Value = serde_json::from_str(record).unwrap();
        assert_eq!(
            (&read["facility"], &read["appname"]),
            (&json!("audit"), &json!("keepgate")),
            "{read}"
        );
        assert_eq!(read["msgid"], record["leaf"]["action"]);
        let place = &read["sd"]["keepgate@32473"];
        assert_eq!(place["index"], json!(record["index"].to_string()));
        assert_eq!(
            (&place["leaf_hash"], &place["origin"]),
            (&record["leaf_hash"], &record["origin"])
        );
        let told: Value = serde_json::from_str(read["msg"].as_str().unwrap()).unwrap();
        assert_eq!(told, record);
    }
}

fn s3(endpoint: &str) -> Value {
    json!({"kind": "s3", "endpoint": endpoint, "region": "us-east-1", "bucket": "logs", "prefix": "kg/a/",
        "access_key_id": "AKIAEXAMPLE", "secret_access_key": "hush/+="})
}

async fn judge(packages: &Path, asked: Value) -> Value {
    let mut command = Command::new("python3");
    command
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("judges/s3.py"))
        .arg(packages);
    ask(command, &asked).await
}

#[tokio::test]
async fn moto_keeps_objects_that_hold_the_log_in_the_order_of_their_names() {
    let Some(packages) = moto().await else { return };
    let (_child, port) = moto_server(&packages).await;
    judge(&packages, json!({"port": port, "make": true})).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let target = s3(&format!("http://127.0.0.1:{port}"));
    let sink = json!({"name": "s3", "from_index": 0, "batch_size": 4, "max_delay_seconds": 0, "target": target});
    let sink = add(&server, &owner, sink).await;
    let until = size(&server, &owner).await;
    when(&server, &owner, &sink, |sink| {
        sink["next_index"].as_u64() >= Some(until)
    })
    .await;
    let kept = judge(&packages, json!({"port": port})).await;
    let tenant = server.boot["tenant"].as_str().unwrap();
    let mut records = Vec::new();
    for object in kept["objects"].as_array().unwrap() {
        let (name, body) = (object[0].as_str().unwrap(), object[1].as_str().unwrap());
        let lines: Vec<String> = body.lines().map(str::to_owned).collect();
        let range = indices(&lines);
        let wanted = format!("kg/a/{tenant}/{:012}-{:012}.jsonl", range[0], range[range.len() - 1]);
        assert_eq!(name, wanted);
        records.extend(lines);
    }
    let (whole, said) = receiver_check(&records, None).await;
    assert!(whole && indices(&records)[0] == 0, "{said}");
}

#[tokio::test]
async fn botocore_signs_an_object_as_we_do() {
    let Some(packages) = moto().await else { return };
    let store = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let sink = add(&server, &owner, json!({"name": "s3", "target": s3(&store.url)})).await;
    let trial = server.press(&format!("{}/test", path(&sink)), &owner).await;
    assert_eq!(trial.expect(200).json()["outcome"], "accepted");
    let put = &store.wait_for(1).await[0];
    let header = |name: &str| put.header(name).unwrap().to_owned();
    let sum = data_encoding::BASE64.encode(&sha2::Sha256::digest(&put.body));
    assert_eq!(
        header("x-amz-checksum-sha256"),
        sum,
        "the body is part of what is signed"
    );
    let headers = json!({"host": header("host"), "content-type": header("content-type"), "x-amz-checksum-sha256": sum});
    let put = json!({"url": format!("{}{}", store.url, put.path), "headers": headers, "id": "AKIAEXAMPLE", "secret": "hush/+="});
    let said = judge(&packages, json!({ "put": put })).await;
    assert_eq!(said["given"], said["wanted"]);
}

#[tokio::test]
async fn moto_keeps_an_archive_that_is_read_back_before_the_month_goes() {
    const TENANT: &str = "01910000-0000-7000-8000-00000000000b";
    let Some(packages) = moto().await else { return };
    let (_child, port) = moto_server(&packages).await;
    judge(&packages, json!({"port": port, "make": true})).await;
    let options = Options::config(&format!(
        "audit.archive_url = \"http://127.0.0.1:{port}/logs/kg\"\naudit.archive_access_key = \"AKIAEXAMPLE\"\n\
         audit.archive_secret_key = \"secret://file{{dir}}/s3.key\"\n"
    ));
    let dir = Server::home(&options);
    let key = dir.path().join("s3.key");
    std::fs::write(&key, "hush/+=\n").unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let mut server = Server::on(dir, options).await;
    let old = format!("{}; {}", crate::old_months::NEW, crate::old_months::OLD);
    server.past_the_guard(&old.replace("TENANT", TENANT)).await;
    let asked = async |server: &Server, sql: &str| server.superuser(&sql.replace("TENANT", TENANT)).await;
    eventually("the old entries are signed", || async {
        let size = "select coalesce(max(size), 0) from audit.checkpoint where tenant_id = 'TENANT'";
        (asked(&server, size).await == "600").then_some(())
    })
    .await;
    server.kill().await;
    server.start_again().await;
    eventually("the month is removed", || async {
        (asked(&server, "select audit.min_index('TENANT')").await == "512").then_some(())
    })
    .await;
    let kept = judge(&packages, json!({"port": port})).await;
    let objects = kept["objects"].as_array().unwrap();
    let tenant = keepgate_kernel::TenantId::from_uuid(TENANT.parse().unwrap());
    let named = |name: &str| {
        let name = format!("kg/{tenant}/0-512/{name}");
        let found = objects.iter().find(|object| object[0] == name.as_str());
        found.unwrap_or_else(|| panic!("{name} is not kept")).clone()
    };
    for name in [
        "checkpoint",
        "vkey",
        "README.txt",
        "tile/entries/000",
        "tile/entries/001",
        "tile/0/000",
        "tile/1/000.p/2",
    ] {
        named(name);
    }
    let manifest = named("manifest.json");
    let hash = data_encoding::HEXLOWER.encode(&sha2::Sha256::digest(manifest[1].as_str().unwrap()));
    let noted = "select place || ' ' || encode(manifest, 'hex') from audit.archive where tenant_id = 'TENANT'";
    assert_eq!(
        asked(&server, noted).await,
        format!("http://127.0.0.1:{port}/logs/kg {hash}")
    );
}
