//! Receivers on loopback: one that listens to the end, one that does not, one that nobody believes.
use std::sync::Arc;

use keepgate_kernel::{SinkId, TenantId, Timestamp};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, server::WebPkiClientVerifier};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::sink::{Content, HttpsAuth, SinkFormat, SinkSecret};

fn at() -> Timestamp {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn parcel() -> Parcel {
    Parcel {
        origin: "gate.example/audit/x".into(),
        format: SinkFormat::Jsonl,
        at: at(),
        content: Content::Test,
    }
}

struct House {
    ca: CertifiedIssuer<'static, KeyPair>,
}

impl House {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { ca }
    }

    /// Certificate and key, PEM, for this machine.
    fn issue(&self) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        (params.signed_by(&key, &self.ca).unwrap().pem(), key.serialize_pem())
    }

    /// A receiver of one connection: what it read, if it listened to the end.
    async fn receiver(&self, listens: bool, asks: bool) -> (u16, JoinHandle<Option<Vec<u8>>>) {
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
        let (cert, key) = self.issue();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = if asks {
            let mut roots = rustls::RootCertStore::empty();
            roots.add(self.ca.der().clone()).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
                .build()
                .unwrap();
            builder.with_client_cert_verifier(verifier)
        } else {
            builder.with_no_client_auth()
        };
        let chain = vec![CertificateDer::from_pem_slice(cert.as_bytes()).unwrap()];
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(builder.with_single_cert(chain, key).unwrap()));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let mut tls = acceptor.accept(stream).await.ok()?;
            let mut heard = vec![0; 4];
            if !listens {
                tls.read_exact(&mut heard).await.ok()?;
                return None; // and hangs up in the middle
            }
            heard.clear();
            tls.read_to_end(&mut heard).await.ok()?;
            tls.shutdown().await.ok()?;
            Some(heard)
        });
        (port, task)
    }

    fn destination(&self, port: u16, ca: Option<String>, client: Option<(String, String)>) -> Destination {
        let (client_cert_pem, secret) = client.map_or((None, None), |(cert, key)| {
            (Some(cert), Some(SinkSecret::ClientKey(key.into())))
        });
        Destination {
            sink: SinkId::new(at()),
            tenant: TenantId::new(at()),
            target: Target::Syslog {
                host: "127.0.0.1".into(),
                port,
                ca_pem: ca,
                client_cert_pem,
            },
            secret,
            signs: Vec::new(),
        }
    }
}

fn near() -> Senders {
    Senders::new(true.into())
}

#[tokio::test]
async fn a_receiver_that_listens_to_the_end_has_it() {
    let house = House::new();
    let (port, heard) = house.receiver(true, false).await;
    let to = house.destination(port, Some(house.ca.pem()), None);
    assert_eq!(near().send(&to, &parcel()).await, Sent::Accepted);
    let heard = String::from_utf8(heard.await.unwrap().unwrap()).unwrap();
    let (count, message) = heard.split_once(' ').unwrap();
    assert_eq!(count.parse::<usize>().unwrap(), message.len());
    assert!(
        message.starts_with("<110>1 ") && message.contains("\"test\":true"),
        "{message}"
    );
}

#[tokio::test]
async fn a_receiver_that_hangs_up_has_nothing() {
    let house = House::new();
    let (port, _heard) = house.receiver(false, false).await;
    let to = house.destination(port, Some(house.ca.pem()), None);
    assert_eq!(near().send(&to, &parcel()).await, later("connection-broken"));
}

#[tokio::test]
async fn nobody_but_the_named_authorities_is_believed() {
    let (house, other) = (House::new(), House::new());
    for ca in [None, Some(other.ca.pem())] {
        let (port, _heard) = house.receiver(true, false).await;
        let to = house.destination(port, ca, None);
        assert_eq!(near().send(&to, &parcel()).await, broken("certificate-not-trusted"));
    }
}

#[tokio::test]
async fn a_receiver_that_asks_for_a_certificate_gets_it() {
    let house = House::new();
    let (port, heard) = house.receiver(true, true).await;
    let to = house.destination(port, Some(house.ca.pem()), Some(house.issue()));
    assert_eq!(near().check(&to), Ok(()));
    assert_eq!(near().send(&to, &parcel()).await, Sent::Accepted);
    assert!(heard.await.unwrap().is_some());
    let (port, _heard) = house.receiver(true, true).await;
    let without = house.destination(port, Some(house.ca.pem()), None);
    assert_eq!(
        near().send(&without, &parcel()).await,
        broken("certificate-not-trusted")
    );
}

#[tokio::test]
async fn without_leave_nothing_leads_into_this_machine() {
    let house = House::new();
    let (port, _heard) = house.receiver(true, false).await;
    let far = Senders::new(Reach::default());
    let mut to = house.destination(port, Some(house.ca.pem()), None);
    assert_eq!(far.check(&to), Err("address-not-public"));
    assert_eq!(far.send(&to, &parcel()).await, broken("address-not-public"));
    to.secret = Some(SinkSecret::Token("t".into()));
    for url in [
        "http://127.0.0.1:9/",
        "https://127.0.0.1:9/",
        "https://10.0.0.1/",
        "https://169.254.169.254/",
    ] {
        to.target = Target::Https {
            url: url.into(),
            auth: HttpsAuth::Bearer,
            ca_pem: None,
        };
        assert_eq!(far.check(&to), Err("address-not-public"), "{url}");
        assert_eq!(far.send(&to, &parcel()).await, broken("address-not-public"), "{url}");
    }
    to.target = Target::Https {
        url: format!("https://localhost:{port}/"),
        auth: HttpsAuth::Bearer,
        ca_pem: None,
    };
    assert_eq!(far.check(&to), Ok(()), "a name is looked at when it is called");
    assert_eq!(far.send(&to, &parcel()).await, broken("address-not-public"));
}

#[tokio::test]
async fn what_can_t_be_read_is_refused_before_it_is_kept() {
    let house = House::new();
    let bad_ca = house.destination(9, Some("nonsense".into()), None);
    assert_eq!(near().check(&bad_ca), Err("certificates-unreadable"));
    let bad_key = house.destination(9, None, Some((house.issue().0, "nonsense".into())));
    assert_eq!(near().check(&bad_key), Err("client-key-unreadable"));
    let others_key = house.destination(9, None, Some((house.issue().0, house.issue().1)));
    assert_eq!(near().check(&others_key), Err("client-key-unreadable"));
}
