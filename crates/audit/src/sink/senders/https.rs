//! A POST for each batch.
use keepgate_outward::{SecretError, retry_after, sign, sign_publicly};
use reqwest::{Client, header};
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::{broken, unanswered};
use crate::sink::{Destination, HttpsAuth, Parcel, Record, Sent, SinkSecret};

pub(super) async fn send(client: &Client, url: Url, auth: HttpsAuth, to: &Destination, parcel: &Parcel) -> Sent {
    let id = format!("{}-{}", to.sink, parcel.name());
    let records = parcel.records(to.sink);
    let body = body(auth, &parcel.origin, &records);
    let timestamp = parcel.at.timestamp();
    let call = client.post(url).header("webhook-id", &id);
    let call = match (auth, &to.secret) {
        (HttpsAuth::Bearer, Some(SinkSecret::Token(token))) => call
            .bearer_auth(token.expose_secret())
            .header(header::CONTENT_TYPE, "application/jsonl"),
        (HttpsAuth::Splunk, Some(SinkSecret::Token(token))) => call
            .header(header::AUTHORIZATION, format!("Splunk {}", token.expose_secret()))
            .header(header::CONTENT_TYPE, "application/json"),
        (HttpsAuth::Signature, Some(SinkSecret::Signing(key))) => match signatures(key, to, &id, timestamp, &body) {
            Ok(signature) => call
                .header(header::CONTENT_TYPE, "application/jsonl")
                .header("webhook-timestamp", timestamp.to_string())
                .header("webhook-signature", signature),
            Err(_) => return broken("credentials-unreadable"),
        },
        _ => return broken("credentials-unreadable"),
    };
    // The answer's body is never read: nothing a receiver says is kept.
    match call.body(body).send().await {
        Ok(response) => judge(response.status().as_u16(), retry_after(&response)),
        Err(error) => unanswered(&error),
    }
}

/// By the secret that the receiver knows, and by the tenant's keys.
fn signatures(
    secret: &SecretString,
    to: &Destination,
    id: &str,
    timestamp: i64,
    body: &str,
) -> Result<String, SecretError> {
    let mut all = sign(secret, id, timestamp, body.as_bytes())?;
    for seed in &to.signs {
        all.push(' ');
        all.push_str(&sign_publicly(seed.expose_secret(), id, timestamp, body.as_bytes())?);
    }
    Ok(all)
}

/// One record a line; for Splunk each in the envelope of its collector.
fn body(auth: HttpsAuth, origin: &str, records: &[Record]) -> String {
    let line = |record: &Record| match auth {
        HttpsAuth::Bearer | HttpsAuth::Signature => format!("{}\n", record.text),
        HttpsAuth::Splunk => format!(
            "{{\"time\":{}.{:06},\"source\":{},\"sourcetype\":\"keepgate:audit\",\"event\":{}}}\n",
            record.at.timestamp(),
            record.at.timestamp_subsec_micros(),
            serde_json::Value::from(origin),
            record.text
        ),
    };
    records.iter().map(line).collect()
}

/// 400, 413 and 422 speak of what was sent; everything else of the receiver, or of what lies between.
fn judge(status: u16, retry_after: Option<u32>) -> Sent {
    let reason = format!("http-{status}");
    match status {
        200..=299 => Sent::Accepted,
        400 | 413 | 422 => Sent::Rejected(reason),
        408 | 425 | 429 | 500..=599 => Sent::Later { reason, retry_after },
        _ => Sent::Broken(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_speaks_of_the_records_is_a_refusal_of_them() {
        for status in [200, 202, 204] {
            assert_eq!(judge(status, None), Sent::Accepted);
        }
        for status in [400, 413, 422] {
            assert!(matches!(judge(status, None), Sent::Rejected(_)), "{status}");
        }
        for status in [301, 307, 401, 403, 404, 405, 410] {
            assert!(matches!(judge(status, None), Sent::Broken(_)), "{status}");
        }
        for status in [408, 429, 500, 502, 503] {
            assert!(
                matches!(
                    judge(status, Some(7)),
                    Sent::Later {
                        retry_after: Some(7),
                        ..
                    }
                ),
                "{status}"
            );
        }
    }
}
