//! A browser as far as a log-in needs one: keeps cookies for each origin, and follows redirects only when told to.
use std::collections::BTreeMap;

use reqwest::{Certificate, Client, Url, redirect::Policy};

use crate::{Reply, Server};

pub struct Browser {
    client: Client,
    /// Origin and name to value.
    jar: BTreeMap<(String, String), String>,
}

impl Server {
    /// A browser with an empty jar that trusts the service's certificate.
    #[expect(
        clippy::disallowed_methods,
        reason = "it talks to the service under test and to providers on loopback"
    )]
    pub fn browser(&self) -> Browser {
        let ca = std::fs::read(self.ca_cert()).unwrap();
        let client = Client::builder()
            .tls_certs_only([Certificate::from_pem(&ca).unwrap()])
            .no_proxy()
            .redirect(Policy::none())
            .timeout(std::time::Duration::from_secs(30))
            .build()
            .unwrap();
        Browser {
            client,
            jar: BTreeMap::new(),
        }
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

impl Browser {
    /// The cookies it would send to `url`.
    pub fn cookies(&self, url: &str) -> String {
        let origin = origin(&url.parse().unwrap());
        let mine = self.jar.iter().filter(|((home, _), _)| *home == origin);
        let pairs: Vec<String> = mine.map(|((_, name), value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    /// Forgets every cookie.
    pub fn forget(&mut self) {
        self.jar.clear();
    }

    /// One GET, with cookies; no redirect is followed.
    pub async fn visit(&mut self, url: &str) -> Reply {
        let address: Url = url.parse().unwrap();
        let request = self.client.get(address.clone()).header("cookie", self.cookies(url));
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        for line in headers.get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (pair, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = pair.split_once('=').unwrap();
            let key = (origin(&address), name.trim().to_owned());
            if attributes.to_ascii_lowercase().contains("max-age=0") || value.is_empty() {
                self.jar.remove(&key);
            } else {
                self.jar.insert(key, value.to_owned());
            }
        }
        let body = response.bytes().await.unwrap().to_vec();
        Reply { status, headers, body }
    }

    /// Follows redirects from `url` until one leads to `stop`; that address.
    pub async fn follow(&mut self, url: &str, stop: &str) -> String {
        let mut at: Url = url.parse().unwrap();
        for _ in 0..12 {
            let reply = self.visit(at.as_str()).await;
            let to = reply
                .header("location")
                .unwrap_or_else(|| panic!("{at} leads on: {} {}", reply.status, reply.text()));
            at = at.join(to).unwrap();
            if at.as_str().starts_with(stop) {
                return at.into();
            }
        }
        panic!("never came to {stop}");
    }
}
