//! The code for tokens. Sources: RFC 6749 section 4.1.3, RFC 7636 section 4.5.
use std::{future::Future, pin::Pin};

use oauth2::{
    AsyncHttpClient, AuthType, AuthUrl, AuthorizationCode, ClientId, ClientSecret, ExtraTokenFields, PkceCodeVerifier,
    RedirectUrl, RequestTokenError, StandardRevocableToken, StandardTokenResponse, TokenResponse, TokenUrl,
    basic::{BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType},
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use url::Url;

use super::{Fetch, FetchError, HttpRequest, HttpResponse, Metadata, OidcError, fetch::ANSWER};
use crate::{Provider, Ticket};

/// What is ours in the token answer.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct IdToken {
    id_token: Option<String>,
}

impl std::fmt::Debug for IdToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("IdToken(..)")
    }
}

impl ExtraTokenFields for IdToken {}

type Answer = StandardTokenResponse<IdToken, BasicTokenType>;
type Client = oauth2::Client<
    BasicErrorResponse,
    Answer,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
>;

/// Our port, as the crate's HTTP client.
struct Port<'a>(&'a dyn Fetch);

impl<'c> AsyncHttpClient<'c> for Port<'_> {
    type Error = FetchError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, FetchError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        self.0.fetch(request)
    }
}

/// What came for the code. The access token is used for nothing but the check of `at_hash`.
pub(super) struct Tokens {
    pub(super) id_token: SecretString,
    pub(super) access_token: SecretString,
}

pub(super) async fn code(
    http: &dyn Fetch,
    provider: &Provider,
    metadata: &Metadata,
    secret: Option<&SecretString>,
    redirect: &Url,
    code: &SecretString,
    ticket: &Ticket,
) -> Result<Tokens, OidcError> {
    let mut client = Client::new(ClientId::new(provider.client_id.clone()));
    if let Some(secret) = secret {
        client = client.set_client_secret(ClientSecret::new(secret.expose_secret().to_owned()));
    }
    let client = client
        .set_auth_type(if metadata.secret_in_body || secret.is_none() {
            AuthType::RequestBody
        } else {
            AuthType::BasicAuth
        })
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(RedirectUrl::from_url(redirect.clone()));
    let answer = client
        .exchange_code(AuthorizationCode::new(code.expose_secret().to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(ticket.verifier()))
        .request_async(&Port(http))
        .await;
    let answer = answer.map_err(|error| match error {
        RequestTokenError::ServerResponse(_) => OidcError::CodeRefused,
        RequestTokenError::Request(_) | RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            OidcError::Unavailable
        }
    })?;
    let id_token = answer
        .extra_fields()
        .id_token
        .clone()
        .filter(|token| token.len() <= ANSWER);
    Ok(Tokens {
        id_token: id_token.ok_or(OidcError::Unavailable)?.into(),
        access_token: answer.access_token().secret().clone().into(),
    })
}
