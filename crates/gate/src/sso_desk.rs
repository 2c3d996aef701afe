//! Preparing a log-in through an identity provider: what happens before anybody is known, and outside any transaction.

use keepgate_crypto_keys::{Place, Purpose};
use keepgate_identity::LoggedIn;
use keepgate_kernel::{Entity, PrincipalId, PrincipalKind, SessionId, TenantId};
use keepgate_policy::{Credential, OpContext};
use keepgate_sso::{
    LOGIN_LIFE, PendingLink, PendingLogin, Provider, ProviderName, State, Ticket,
    oidc::{Callback, OidcError, RelyingParty, Verified},
};
use keepgate_store::StoreError;
use secrecy::SecretString;
use url::Url;

use crate::{
    Failure, Service,
    operations::{
        DropMappedLevel, LinkAccount, LinkRefusal, SsoLogin, SsoLoginError, StartLink, StartLinkError, StartSso,
        StartSsoError, groups,
    },
};

/// Where to send somebody, and what their browser keeps meanwhile.
#[derive(Debug)]
pub struct Started {
    /// The provider's authorisation endpoint, with everything it needs.
    pub location: Url,
    /// For the cookie that only the callback reads.
    pub ticket: Ticket,
}

/// The query of a callback (RFC 6749 section 4.1.2, RFC 9207).
#[derive(Debug, Clone, Default)]
pub struct CallbackQuery {
    /// `state`.
    pub state: Option<String>,
    /// `code`.
    pub code: Option<SecretString>,
    /// `iss`.
    pub issuer: Option<String>,
}

/// What came of a visit to a provider.
#[derive(Debug)]
pub enum Finished {
    /// A session.
    Opened(LoggedIn),
    /// The account is linked to the person who wished it.
    Linked(ProviderName),
}

/// Sends people to their provider and takes them back.
#[derive(Debug)]
pub struct SsoDesk {
    gate: Service,
    party: RelyingParty,
    platform: TenantId,
}

/// A log-in as far as it is believed: where it belongs, and what came of it.
struct Answer {
    context: OpContext,
    entity: Entity,
    wish: Option<PendingLink>,
    outcome: Result<(Provider, Verified), Refusal>,
}

impl Answer {
    /// No log-in of anybody's: told to the platform's log.
    fn unknown(context: OpContext, word: &'static str) -> Self {
        Self {
            context,
            entity: Entity::collection("logins"),
            wish: None,
            outcome: Err(Refusal::Word(word)),
        }
    }
}

/// A log-in that has just been used up, its provider as it is now, and the sealed secret.
struct Used {
    login: PendingLogin,
    wish: Option<PendingLink>,
    provider: Option<Provider>,
    sealed: Option<Vec<u8>>,
}

enum Refusal {
    Word(&'static str),
    Unavailable,
}

impl SsoDesk {
    /// A desk over the doorway of log-ins.
    #[must_use]
    pub const fn new(gate: Service, party: RelyingParty, platform: TenantId) -> Self {
        Self { gate, party, platform }
    }

    /// Where a client secret is sealed for.
    #[must_use]
    pub fn place(tenant: TenantId, provider: &ProviderName) -> Place {
        Place {
            tenant,
            purpose: Purpose::SsoSecret,
            table: "sso.provider",
            column: "secret",
            row: provider.row(),
        }
    }

    /// Begins a log-in in `tenant`; `seen` says which request asks.
    ///
    /// # Errors
    /// [`StartSsoError`]; nobody learns whether a tenant exists.
    pub async fn start(
        &self,
        seen: &OpContext,
        tenant: TenantId,
        name: &str,
    ) -> Result<Started, Failure<StartSsoError>> {
        let nowhere = Entity::collection("sso-providers");
        let Ok(name) = name.parse::<ProviderName>() else {
            return self.no_start(seen, StartSso::not_found(nowhere)).await;
        };
        let context = seen.as_system(tenant);
        let provider = match self.gate.store().begin(&context).await {
            Ok(mut tx) => tx.provider(&name).await.map_err(Failure::Store)?,
            Err(StoreError::Revoked) => return self.no_start(seen, StartSso::not_found(nowhere)).await,
            Err(error) => return Err(Failure::Store(error)),
        };
        let Some(provider) = provider else {
            return self.no_start(&context, StartSso::not_found(nowhere)).await;
        };
        let secrets = State::random(tenant).and_then(|state| Ticket::random().map(|ticket| (state, ticket)));
        let Ok((state, ticket)) = secrets else {
            return self.no_start(&context, StartSso::unavailable(name.entity())).await;
        };
        let location = match self.party.begin(&provider, &state, &ticket, context.at()).await {
            Ok(location) => location,
            Err(error) => {
                tracing::warn!(provider = %name, reason = error.reason(), "identity provider can't be used");
                return self.no_start(&context, StartSso::unavailable(name.entity())).await;
            }
        };
        let login = PendingLogin {
            state: state.hash(),
            binding: ticket.hash(),
            provider: name,
            issuer: provider.issuer,
            expires_at: context.at() + LOGIN_LIFE,
        };
        self.gate.perform(&context, &StartSso::begun(login)).await?;
        Ok(Started { location, ticket })
    }

    /// Begins the linking of an account of provider `name` to `caller`, whose wish goes on record through `gate`.
    ///
    /// # Errors
    /// [`StartLinkError`].
    pub async fn start_link(
        &self,
        gate: &Service,
        caller: &OpContext,
        name: &str,
    ) -> Result<Started, Failure<StartLinkError>> {
        let nowhere = Entity::collection("sso-providers");
        let worker = caller.as_system(caller.tenant());
        let provider = match name.parse::<ProviderName>() {
            Ok(name) => {
                let mut tx = self.gate.store().begin(&worker).await.map_err(Failure::Store)?;
                tx.provider(&name).await.map_err(Failure::Store)?
            }
            Err(_) => None,
        };
        let refuse = |entity, refusal| async move {
            match gate.perform(caller, &StartLink::refused(entity, refusal)).await {
                Ok(_) => Failure::Command(StartLinkError::NotFound),
                Err(failure) => failure,
            }
        };
        // Whoever came with a key is refused by the policy, whatever the command says.
        let (Some(provider), Credential::Session(session)) = (provider, caller.credential()) else {
            return Err(refuse(nowhere, LinkRefusal::NotFound).await);
        };
        let entity = provider.name.entity();
        let secrets = State::random(caller.tenant()).and_then(|state| Ticket::random().map(|ticket| (state, ticket)));
        let Ok((state, ticket)) = secrets else {
            return Err(refuse(entity, LinkRefusal::Unavailable).await);
        };
        let Ok(location) = self.party.begin(&provider, &state, &ticket, caller.at()).await else {
            return Err(refuse(entity, LinkRefusal::Unavailable).await);
        };
        let login = PendingLogin {
            state: state.hash(),
            binding: ticket.hash(),
            provider: provider.name,
            issuer: provider.issuer,
            expires_at: caller.at() + LOGIN_LIFE,
        };
        let principal = caller.principal().id;
        let link = PendingLink {
            login,
            principal,
            session,
        };
        gate.perform(caller, &StartLink::begun(link)).await?;
        Ok(Started { location, ticket })
    }

    async fn no_start(&self, context: &OpContext, command: StartSso) -> Result<Started, Failure<StartSsoError>> {
        match self.gate.perform(context, &command).await {
            Ok(_) => Err(Failure::Command(StartSsoError::NotFound)),
            Err(failure) => Err(failure),
        }
    }

    /// Takes somebody back: uses the log-in up, exchanges the code, verifies the ID token, and opens a session or links the account.
    /// `cookie` is what the browser kept.
    ///
    /// # Errors
    /// [`SsoLoginError`].
    pub async fn finish(
        &self,
        seen: &OpContext,
        query: &CallbackQuery,
        cookie: Option<&str>,
    ) -> Result<Finished, Failure<SsoLoginError>> {
        let (session, newcomer) = (
            SessionId::new(seen.at()),
            PrincipalId::new(PrincipalKind::User, seen.at()),
        );
        let Answer {
            context,
            entity,
            wish,
            outcome,
        } = self.answer(seen, query, cookie).await.map_err(Failure::Store)?;
        if let Some(wish) = wish {
            let command = match outcome {
                Ok((_, identity)) => LinkAccount::verified(wish, identity),
                Err(Refusal::Word(reason)) => LinkAccount::refused(wish, reason),
                Err(Refusal::Unavailable) => LinkAccount::unavailable(wish),
            };
            let linked = self.gate.perform_for(&context, Some(command.principal()), &command);
            return Ok(Finished::Linked(linked.await?.output));
        }
        let (actor, command) = match outcome {
            Err(Refusal::Word(reason)) => (None, SsoLogin::refused(session, newcomer, entity, reason)),
            Err(Refusal::Unavailable) => (None, SsoLogin::unavailable(session, newcomer, entity)),
            Ok((provider, identity)) => {
                let known = self
                    .known(&context, &provider, &identity)
                    .await
                    .map_err(Failure::Store)?;
                let joins = provider.jit.then_some(newcomer);
                let name = provider.name;
                (known.or(joins), SsoLogin::verified(session, newcomer, name, identity))
            }
        };
        let opened = self.gate.perform_for(&context, actor, &command).await?.output;
        Ok(Finished::Opened(opened))
    }

    /// Whose account it is, if it is anybody's. Who comes without a group loses what groups gave before.
    async fn known(
        &self,
        context: &OpContext,
        provider: &Provider,
        identity: &Verified,
    ) -> Result<Option<PrincipalId>, StoreError> {
        let mut tx = self.gate.store().begin(context).await?;
        let account = tx.account_of_subject(&provider.issuer, identity.subject()).await?;
        let groups = groups(&mut *tx, account.as_ref(), identity).await?;
        drop(tx);
        let Some(account) = account else { return Ok(None) };
        let user = account.of.principal;
        let mapped = provider.mapping.of(groups.iter().map(String::as_str));
        if mapped.is_none() {
            let provider = provider.clone();
            let dropped = self
                .gate
                .perform_for(context, Some(user), &DropMappedLevel { user, provider })
                .await;
            dropped.map_err(|failure| match failure {
                Failure::Store(error) | Failure::Command(error) => error,
                Failure::Denied(_) | Failure::KeyReused => StoreError::Forbidden,
            })?;
        }
        Ok(Some(user))
    }

    async fn answer(
        &self,
        seen: &OpContext,
        query: &CallbackQuery,
        cookie: Option<&str>,
    ) -> Result<Answer, StoreError> {
        let nobody = seen.as_system(self.platform);
        let Some(state) = query.state.as_deref().and_then(|text| State::parse(text).ok()) else {
            return Ok(Answer::unknown(nobody, "state-unknown"));
        };
        let Some(ticket) = cookie.and_then(|text| Ticket::parse(text).ok()) else {
            return Ok(Answer::unknown(nobody, "state-of-another-browser"));
        };
        let context = seen.as_system(state.tenant());
        let Some(used) = self.use_up(&context, &state, &ticket).await? else {
            return Ok(Answer::unknown(nobody, "state-unknown"));
        };
        let (entity, wish) = (used.login.provider.entity(), used.wish.clone());
        let outcome = self.believe(&context, query, used, &ticket).await?;
        Ok(Answer {
            context,
            entity,
            wish,
            outcome,
        })
    }

    /// Asks the provider what the code is worth.
    async fn believe(
        &self,
        context: &OpContext,
        query: &CallbackQuery,
        used: Used,
        ticket: &Ticket,
    ) -> Result<Result<(Provider, Verified), Refusal>, StoreError> {
        let Some(provider) = used.provider.filter(|provider| provider.issuer == used.login.issuer) else {
            return Ok(Err(Refusal::Word("provider-not-found")));
        };
        let Some(code) = query.code.clone() else {
            return Ok(Err(Refusal::Word("refused-by-provider")));
        };
        let secret = match used.sealed {
            Some(sealed) => Some(self.secret(&provider, context.tenant(), &sealed).await?),
            None => None,
        };
        let issuer = query.issuer.clone();
        let verified = self
            .party
            .finish(
                &provider,
                secret.as_ref(),
                &Callback { code, issuer },
                ticket,
                context.at(),
            )
            .await;
        Ok(match verified {
            Ok(identity) => Ok((provider, identity)),
            Err(OidcError::Unavailable) => Err(Refusal::Unavailable),
            Err(error) => Err(Refusal::Word(error.reason())),
        })
    }

    /// The log-in, used up in a transaction of its own, so that nothing afterwards brings it back; its provider and sealed secret.
    #[expect(
        clippy::disallowed_methods,
        reason = "bookkeeping: the attempt's own entry follows, whatever becomes of it"
    )]
    async fn use_up(&self, context: &OpContext, state: &State, ticket: &Ticket) -> Result<Option<Used>, StoreError> {
        let mut tx = match self.gate.store().begin(context).await {
            Err(StoreError::Revoked) => return Ok(None),
            other => other?,
        };
        let (login, wish) = match tx.use_login(&state.hash(), &ticket.hash()).await? {
            Some(login) => (login, None),
            None => match tx.use_link(&state.hash(), &ticket.hash()).await? {
                Some(wish) => (wish.login.clone(), Some(wish)),
                None => return Ok(None),
            },
        };
        let provider = tx.provider(&login.provider).await?;
        let sealed = tx.provider_secret(&login.provider).await?;
        tx.commit().await?;
        Ok(Some(Used {
            login,
            wish,
            provider,
            sealed,
        }))
    }

    async fn secret(&self, provider: &Provider, tenant: TenantId, sealed: &[u8]) -> Result<SecretString, StoreError> {
        let opened = self.gate.open(&Self::place(tenant, &provider.name), sealed).await?;
        let text = std::str::from_utf8(&opened).map_err(|_| StoreError::corrupt("sso.provider", "secret"))?;
        Ok(text.to_owned().into())
    }
}
