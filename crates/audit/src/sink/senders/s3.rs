//! An object for each batch, named by its range: a repetition replaces it with the same.
use std::time::Duration;

use data_encoding::BASE64;
use keepgate_outward::retry_after;
use reqwest::Client;
use rusty_s3::{Bucket, Credentials, S3Action, UrlStyle, actions::PutObject};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use url::Url;

use super::{broken, unanswered};
use crate::sink::{Destination, Parcel, Sent, SinkFormat, SinkSecret, Target};

/// How long a signed request is good for.
const GOOD_FOR: Duration = Duration::from_mins(1);
const CHECKSUM: &str = "x-amz-checksum-sha256";

pub(super) async fn send(client: &Client, endpoint: Url, to: &Destination, parcel: &Parcel) -> Sent {
    let (
        Target::S3 {
            region, bucket, prefix, ..
        },
        Some(SinkSecret::S3 {
            access_key_id,
            secret_access_key,
        }),
    ) = (&to.target, &to.secret)
    else {
        return broken("credentials-unreadable");
    };
    let Ok(bucket) = Bucket::new(endpoint, UrlStyle::Path, bucket.clone(), region.clone()) else {
        return broken("invalid-url");
    };
    let credentials = Credentials::new(access_key_id, secret_access_key.expose_secret());
    let body: String = parcel
        .records(to.sink)
        .iter()
        .map(|record| format!("{}\n", record.text))
        .collect();
    let checksum = BASE64.encode(&Sha256::digest(&body));
    let name = name(prefix, to, parcel);
    let mut put = PutObject::new(&bucket, Some(&credentials), &name);
    put.headers_mut().insert(CHECKSUM, checksum.as_str());
    put.headers_mut().insert("content-type", "application/jsonl");
    let url = put.sign(GOOD_FOR);
    let call = client
        .put(url)
        .header(CHECKSUM, &checksum)
        .header("content-type", "application/jsonl")
        .body(body);
    match call.send().await {
        Ok(response) => judge(response.status().as_u16(), retry_after(&response)),
        Err(error) => unanswered(&error.without_url()),
    }
}

fn name(prefix: &str, to: &Destination, parcel: &Parcel) -> String {
    let kind = match parcel.format {
        SinkFormat::Jsonl => "jsonl",
        SinkFormat::Ocsf => "ocsf.jsonl",
    };
    format!("{prefix}{}/{}.{kind}", to.tenant, parcel.name())
}

/// A store does not look at what it keeps: it refuses us, never a record.
fn judge(status: u16, retry_after: Option<u32>) -> Sent {
    let reason = format!("http-{status}");
    match status {
        200..=299 => Sent::Accepted,
        408 | 429 | 500..=599 => Sent::Later { reason, retry_after },
        _ => Sent::Broken(reason),
    }
}
