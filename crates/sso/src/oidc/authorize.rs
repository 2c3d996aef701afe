//! The authorisation request. Sources: OpenID Connect Core 3.1.2.1, RFC 7636.
use data_encoding::BASE64URL_NOPAD;
use url::Url;

use super::Metadata;
use crate::{Provider, State, Ticket};

/// How long ago somebody may have proved at the provider who they are, in seconds: a session opened here counts as a fresh proof for
/// five minutes, so it must be one.
pub(super) const MAX_AGE: i64 = 300;

pub(super) fn url(provider: &Provider, metadata: &Metadata, redirect: &Url, state: &State, ticket: &Ticket) -> Url {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, ticket.verifier().as_bytes());
    let mut url = metadata.authorization_endpoint.clone();
    url.query_pairs_mut()
        .append_pair("response_type", "code")
        .append_pair("client_id", &provider.client_id)
        .append_pair("redirect_uri", redirect.as_str())
        .append_pair("scope", "openid email profile")
        .append_pair("state", &state.expose())
        .append_pair("nonce", &ticket.nonce())
        .append_pair("code_challenge", &BASE64URL_NOPAD.encode(digest.as_ref()))
        .append_pair("code_challenge_method", "S256")
        .append_pair("max_age", &MAX_AGE.to_string());
    url
}
