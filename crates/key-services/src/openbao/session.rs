//! The token: logged in when needed, renewed before its lease ends, given up when it is refused.
use std::time::Duration;

use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::{Auth, OpenBao};
use crate::{Credential, fault::Fault, http::Answer};

/// A token and its lease.
#[derive(Debug)]
pub struct Session {
    token: SecretString,
    /// Since when it is used because another one was refused.
    replaced: Option<Instant>,
    lease: Option<Lease>,
}

#[derive(Debug, Clone, Copy)]
struct Lease {
    /// How long it was when we logged in.
    first: Duration,
    renew_at: Instant,
    ends: Instant,
    renewable: bool,
}

/// `auth` of an answer.
#[derive(Deserialize)]
struct LoggedIn {
    auth: Granted,
}

#[derive(Deserialize)]
struct Granted {
    client_token: SecretString,
    lease_duration: u64,
    renewable: bool,
}

/// `data` of `auth/token/lookup-self`.
#[derive(Deserialize)]
struct LookedUp {
    data: OwnToken,
}

#[derive(Deserialize)]
struct OwnToken {
    ttl: u64,
    renewable: bool,
}

impl Lease {
    /// None for a token without an end.
    fn new(seconds: u64, renewable: bool, first: Option<Duration>) -> Option<Self> {
        let length = Duration::from_secs(seconds).min(Duration::from_secs(3600 * 24 * 365));
        let now = Instant::now();
        (seconds > 0).then(|| Self {
            first: first.unwrap_or(length),
            renew_at: now + length.mul_f64(2.0 / 3.0),
            ends: now + length,
            renewable,
        })
    }
}

impl OpenBao {
    /// A token that is valid as far as we know. Whoever comes while one is fetched waits for it.
    pub(super) async fn token(&self) -> Result<SecretString, Fault> {
        let mut held = self.session.lock().await;
        if let (Auth::Token(kept), Some(session)) = (&self.auth, held.as_ref())
            && !same(&read(kept)?, &session.token)
        {
            *held = None;
        }
        let now = Instant::now();
        let Some(session) = held
            .as_mut()
            .filter(|session| session.lease.is_none_or(|lease| now < lease.ends))
        else {
            return Ok(held.insert(self.log_in().await?).token.clone());
        };
        if session.lease.is_none_or(|lease| now < lease.renew_at) {
            return Ok(session.token.clone());
        }
        match self.go_on(session).await {
            Ok(next) => *session = next,
            // What is left of the lease is used; the next try is not made with each call.
            Err(_) => {
                if let Some(lease) = &mut session.lease {
                    lease.renew_at = now + self.limits.timeout;
                }
            }
        }
        Ok(session.token.clone())
    }

    /// Whether another token is worth a try after `token` was refused. It may simply be allowed too little: no more than one new session
    /// in the time of one call.
    pub(super) async fn refused(&self, token: &SecretString) -> bool {
        let mut held = self.session.lock().await;
        let Some(session) = held.as_ref().filter(|session| same(&session.token, token)) else {
            return true;
        };
        if session
            .replaced
            .is_some_and(|since| since.elapsed() < self.limits.timeout)
        {
            return false;
        }
        let Ok(mut next) = self.log_in().await else {
            return false;
        };
        let another = !same(&next.token, token);
        next.replaced = Some(Instant::now());
        *held = Some(next);
        another
    }

    /// Renews; where that can't be done, or brings less than half of what there was, logs in anew.
    async fn go_on(&self, session: &Session) -> Result<Session, Fault> {
        let first = session.lease.map(|lease| lease.first);
        if session.lease.is_some_and(|lease| lease.renewable) {
            let renew = self.at(["auth", "token", "renew-self"]);
            let answer = self
                .ask(&Method::POST, &renew, Some(&session.token), Some(&json!({})))
                .await;
            if let Ok(LoggedIn { auth }) = answer.and_then(|answer| answer.ok()) {
                let brought = Duration::from_secs(auth.lease_duration);
                if matches!(self.auth, Auth::Token(_)) || first.is_none_or(|first| brought * 2 >= first) {
                    return Ok(Session {
                        token: auth.client_token,
                        replaced: session.replaced,
                        lease: Lease::new(auth.lease_duration, auth.renewable, first),
                    });
                }
            }
        }
        self.log_in().await
    }

    async fn log_in(&self) -> Result<Session, Fault> {
        let (mount, body) = match &self.auth {
            Auth::Token(kept) => return self.look_up(read(kept)?).await,
            Auth::AppRole {
                mount,
                role_id,
                secret_id,
            } => (
                mount,
                json!({"role_id": role_id, "secret_id": read(secret_id)?.expose_secret()}),
            ),
            Auth::Jwt { mount, role, jwt } => (mount, json!({"role": role, "jwt": read(jwt)?.expose_secret()})),
        };
        let url = self.at(["auth"].into_iter().chain(mount.split('/')).chain(["login"]));
        let answer = self.ask(&Method::POST, &url, None, Some(&body)).await?;
        let LoggedIn { auth } = match answer.status {
            200 => answer.json()?,
            400 | 401 | 403 | 404 => return Err(Fault::Denied("the log-in is refused")),
            status => return Err(Fault::of_status(status)),
        };
        Ok(Session {
            lease: Lease::new(auth.lease_duration, auth.renewable, None),
            token: auth.client_token,
            replaced: None,
        })
    }

    /// What there is to know of a token that somebody gave us. One that may not look itself up is used as it is.
    async fn look_up(&self, token: SecretString) -> Result<Session, Fault> {
        let url = self.at(["auth", "token", "lookup-self"]);
        let answer: Answer = self.ask(&Method::GET, &url, Some(&token), None).await?;
        let lease = match answer.status {
            403 => None,
            _ => {
                let LookedUp { data } = answer.ok()?;
                Lease::new(data.ttl, data.renewable, None)
            }
        };
        Ok(Session {
            token,
            replaced: None,
            lease,
        })
    }
}

fn read(kept: &Credential) -> Result<SecretString, Fault> {
    let value = kept
        .read()
        .map_err(|_| Fault::Denied("our own credential can't be read"))?;
    Ok(SecretString::from(value.expose_secret().trim_end()))
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    a.expose_secret().as_bytes().ct_eq(b.expose_secret().as_bytes()).into()
}
