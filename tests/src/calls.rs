//! Requests to a running service.
use reqwest::Method;
use serde_json::Value;

use crate::{Reply, Server};

impl Server {
    pub async fn raw(
        &self,
        method: Method,
        url: &str,
        bearer: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> Reply {
        self.attempt(method, url, bearer, headers, body)
            .await
            .expect("the service answers")
    }

    /// As [`Server::raw`], for when the service may be gone.
    pub async fn attempt(
        &self,
        method: Method,
        url: &str,
        bearer: Option<&str>,
        headers: &[(&str, &str)],
        body: Option<Vec<u8>>,
    ) -> reqwest::Result<Reply> {
        let mut request = self.client().request(method, url);
        if let Some(bearer) = bearer {
            request = request.bearer_auth(bearer);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        // A stream has no end to wait for: its head is the answer.
        let endless = headers
            .get("content-type")
            .is_some_and(|kind| kind == "text/event-stream");
        let body = if endless {
            Vec::new()
        } else {
            response.bytes().await?.to_vec()
        };
        Ok(Reply { status, headers, body })
    }

    pub async fn get(&self, path: &str, bearer: &str) -> Reply {
        self.raw(Method::GET, &self.url(path), Some(bearer), &[], None).await
    }

    pub async fn delete(&self, path: &str, bearer: &str) -> Reply {
        self.raw(Method::DELETE, &self.url(path), Some(bearer), &[], None).await
    }

    pub async fn send(
        &self,
        method: Method,
        path: &str,
        bearer: Option<&str>,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Reply {
        let headers = [&[("content-type", "application/json")], headers].concat();
        self.raw(
            method,
            &self.url(path),
            bearer,
            &headers,
            Some(body.to_string().into_bytes()),
        )
        .await
    }

    pub async fn post(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::POST, path, Some(bearer), &[], &body).await
    }

    /// A POST that may be repeated under `key`.
    pub async fn post_once(&self, path: &str, bearer: &str, key: &str, body: &Value) -> Reply {
        self.send(Method::POST, path, Some(bearer), &[("idempotency-key", key)], body)
            .await
    }

    /// A POST without a body.
    pub async fn press(&self, path: &str, bearer: &str) -> Reply {
        self.raw(Method::POST, &self.url(path), Some(bearer), &[], None).await
    }

    pub async fn put(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::PUT, path, Some(bearer), &[], &body).await
    }

    pub async fn patch(&self, path: &str, bearer: &str, body: Value) -> Reply {
        self.send(Method::PATCH, path, Some(bearer), &[], &body).await
    }

    /// A GET without a credential.
    pub async fn open(&self, path: &str) -> Reply {
        self.raw(Method::GET, &self.url(path), None, &[], None).await
    }
}
