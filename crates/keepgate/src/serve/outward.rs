//! The configured providers, and which of them carries what.
use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use keepgate_api_gateway::TwilioHooks;
use keepgate_audit::archive::ArchiveStore;
use keepgate_channels::{
    Address, Carrier, Carriers, Channel, Reason, WebhookUrl,
    commands::SendOutcome,
    machine::RefusalClass,
    outward::{CallLimits, SmsProvider, SmsRequest, VoiceProvider, VoiceRequest, WebhookRequest, WebhookSender},
    providers::{
        twilio::{Twilio, TwilioConfig},
        webhooks::HttpWebhooks,
    },
};
use keepgate_gate::workers::{Outward, Parcel};
use keepgate_identity::{
    Mailer,
    smtp::{Smtp, SmtpConfig},
};
use keepgate_kernel::{Clock, LiveSecret};
use secrecy::{SecretSlice, SecretString};

use super::{
    archive,
    witnesses::{Authority, Panel},
};
use crate::{
    config::{Config, Mail, Provider, ProviderKind},
    exit::Exit,
    failure::{Failure, chain},
    secrets::{SecretHealth, Secrets},
};

/// What SMS and voice say about a message that has no text of its own: nothing about it but that it waits.
const WAITS: &str = "A message is waiting for you.";

/// Everything that reaches out, made from the configuration.
pub struct Outside {
    /// What the delivery machine may choose from.
    pub carriers: Carriers,
    /// What carries it.
    pub couriers: Couriers,
    /// Who is believed when it calls back.
    pub hooks: TwilioHooks,
    /// What carries mail about accounts, if that is configured.
    pub mailer: Option<Arc<dyn Mailer>>,
    /// Whom checkpoints are taken to.
    pub panel: Option<Panel>,
    /// Who stamps them with the time.
    pub authority: Option<Authority>,
    /// Where archives go.
    pub archives: Option<Arc<dyn ArchiveStore>>,
    /// What is wrong with the secrets of all of them.
    pub health: SecretHealth,
}

/// The configured providers by name.
pub struct Couriers {
    sms: HashMap<String, Arc<dyn SmsProvider>>,
    voice: HashMap<String, Arc<dyn VoiceProvider>>,
    webhooks: Arc<dyn WebhookSender>,
    clock: Arc<dyn Clock>,
}

impl Outside {
    /// Makes the clients of the providers; connects to nothing yet.
    ///
    /// # Errors
    /// Exit code 2 for a provider that can't be used as configured.
    pub fn of(config: &Config, clock: Arc<dyn Clock>, secrets: &Secrets) -> Result<Self, Failure> {
        let webhooks = HttpWebhooks::new(config.webhooks_allow_loopback).map_err(|error| {
            Failure::new(
                Exit::Failed,
                "can't make the client for webhooks",
                chain(&error),
                "report this",
            )
        })?;
        let mut couriers = Couriers {
            sms: HashMap::new(),
            voice: HashMap::new(),
            webhooks: Arc::new(webhooks),
            clock,
        };
        let (mut carriers, mut hooks) = (Vec::new(), TwilioHooks::none());
        for provider in &config.providers {
            let ProviderKind::Twilio = provider.kind;
            let token = secrets.live(&provider.auth_token)?;
            hooks = hooks.with(token.clone(), provider.callback_base.as_str());
            let twilio = Arc::new(twilio(provider, token)?);
            for channel in &provider.channels {
                // Twilio does not recognise a repetition.
                let carrier = |channel| Carrier {
                    name: provider.name.clone(),
                    channel,
                    idempotent: false,
                };
                if *channel == "sms" {
                    carriers.push(carrier(Channel::Sms));
                    couriers.sms.insert(provider.name.clone(), twilio.clone());
                } else {
                    carriers.push(carrier(Channel::Voice));
                    couriers.voice.insert(provider.name.clone(), twilio.clone());
                }
            }
        }
        Ok(Self {
            carriers: Carriers::new(carriers).with_webhooks(),
            couriers,
            hooks,
            mailer: config.mail.as_ref().map(|mail| mailer(mail, secrets)).transpose()?,
            archives: config
                .audit_archive
                .as_ref()
                .map(|place| archive::store(place, secrets))
                .transpose()?,
            health: secrets.health(),
            authority: config.tsa.as_ref().map(Authority::load).transpose()?,
            panel: config.witnesses.as_ref().map(Panel::load).transpose()?,
        })
    }
}

fn mailer(mail: &Mail, secrets: &Secrets) -> Result<Arc<dyn Mailer>, Failure> {
    let read =
        |path: &std::path::PathBuf| std::fs::read(path).map_err(|error| Failure::io("can't read mail.ca_file", &error));
    let login = mail.login.as_ref().map(|(user, password)| {
        let password = secrets.live(password)?;
        Ok::<_, Failure>((user.clone(), password))
    });
    let config = SmtpConfig {
        host: mail.host.clone(),
        port: mail.port,
        security: mail.security,
        ca: mail.ca_file.as_ref().map(read).transpose()?,
        login: login.transpose()?,
        from: mail.from.clone(),
    };
    let smtp = Smtp::new(config).map_err(|error| {
        Failure::usage(
            "can't use the mail server",
            chain(&error),
            "correct [mail] in the configuration",
        )
    })?;
    Ok(Arc::new(smtp))
}

fn twilio(provider: &Provider, auth_token: LiveSecret) -> Result<Twilio, Failure> {
    let config = TwilioConfig {
        base_url: Some(provider.base_url.clone()),
        account_sid: provider.account_sid.clone(),
        auth_token,
        from: provider.from.clone(),
        callback_base: provider.callback_base.clone(),
    };
    Twilio::new(config).map_err(|error| {
        Failure::usage(
            format!("can't use provider {}", provider.name),
            chain(&error),
            "correct its table in the configuration",
        )
    })
}

#[async_trait]
impl Outward for Couriers {
    async fn carry(&self, parcel: Parcel) -> SendOutcome {
        let left = parcel.until - self.clock.now();
        let limits = CallLimits {
            timeout: left.to_std().unwrap_or(Duration::ZERO),
            budget_seconds: parcel.budget_seconds,
        };
        match (parcel.channel, parcel.address.clone()) {
            (Channel::Sms, Address::Phone(to)) => match self.sms.get(&parcel.provider) {
                Some(provider) => {
                    provider
                        .send(SmsRequest {
                            attempt: parcel.attempt,
                            to,
                            text: words(&parcel),
                            limits,
                        })
                        .await
                }
                None => refused("provider-not-configured"),
            },
            (Channel::Voice, Address::Phone(to)) => match self.voice.get(&parcel.provider) {
                Some(provider) => {
                    let locale = parcel.locale.clone();
                    provider
                        .call(VoiceRequest {
                            attempt: parcel.attempt,
                            to,
                            text: words(&parcel),
                            locale,
                            limits,
                        })
                        .await
                }
                None => refused("provider-not-configured"),
            },
            (Channel::Internet, Address::Webhook(url)) => match webhook(&parcel, url, limits, &*self.clock) {
                Some(request) => self.webhooks.post(request).await,
                None => refused("webhook-not-registered"),
            },
            _ => refused("channel-not-carried"),
        }
    }
}

fn words(parcel: &Parcel) -> SecretString {
    parcel
        .text
        .as_ref()
        .map_or(WAITS, |text| text.as_str())
        .to_owned()
        .into()
}

/// `None` without a signing secret: nothing leaves unsigned.
fn webhook(parcel: &Parcel, url: WebhookUrl, limits: CallLimits, clock: &dyn Clock) -> Option<WebhookRequest> {
    let secret = String::from_utf8(parcel.secret.as_ref()?.to_vec()).ok()?;
    Some(WebhookRequest {
        id: parcel.attempt.to_string(),
        url,
        secret: secret.into(),
        seeds: parcel
            .seeds
            .iter()
            .map(|seed| SecretSlice::from(seed.bytes().to_vec()))
            .collect(),
        content_type: parcel.content_type.clone(),
        body: SecretSlice::from(parcel.payload.to_vec()),
        headers: vec![
            ("keepgate-message-id".into(), parcel.message.to_string()),
            ("keepgate-priority".into(), parcel.priority.as_str().into()),
            (
                "keepgate-accepted-at".into(),
                keepgate_kernel::format_time(parcel.accepted_at),
            ),
        ],
        at: clock.now(),
        limits,
    })
}

/// Not this way, perhaps another.
fn refused(reason: &str) -> SendOutcome {
    SendOutcome::Refused {
        class: RefusalClass::Step,
        reason: Reason::new(reason),
        retry_after_seconds: None,
    }
}

impl std::fmt::Debug for Couriers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Couriers")
            .field("sms", &self.sms.keys())
            .field("voice", &self.voice.keys())
            .finish_non_exhaustive()
    }
}
