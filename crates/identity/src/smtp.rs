//! Mail by SMTP (RFC 5321), over TLS that is demanded, never offered.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use keepgate_kernel::LiveSecret;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor,
    address::AddressError,
    message::{Mailbox, header::ContentType},
    transport::smtp::{
        authentication::Credentials,
        client::{Certificate, Tls, TlsParameters},
        extension::ClientId,
    },
};
use secrecy::{ExposeSecret, SecretString};

use crate::{MailError, Mailer, OutgoingMail};

/// How long one step of the dialogue may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How the connection is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// TLS from the first byte (RFC 8314).
    Implicit,
    /// STARTTLS (RFC 3207), without which nothing is said.
    StartTls,
    /// Nothing. On loopback only.
    Plain,
}

/// Where mail is handed in.
#[derive(Debug, Clone)]
pub struct SmtpConfig {
    /// The host, which its certificate names.
    pub host: String,
    /// The port.
    pub port: u16,
    /// How the connection is protected.
    pub security: Security,
    /// Certificates to trust beside the public ones, PEM.
    pub ca: Option<Vec<u8>>,
    /// User and password.
    pub login: Option<(String, LiveSecret)>,
    /// The sender.
    pub from: String,
}

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SmtpConfigError {
    /// The sender is no address.
    #[error("the sender is not an address")]
    From(#[source] AddressError),
    /// Without TLS passwords and codes would be readable on the way.
    #[error("mail without TLS is for loopback only")]
    Plain,
    /// The certificates can't be read, or TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[source] lettre::transport::smtp::Error),
}

/// A client of one mail server.
pub struct Smtp {
    config: SmtpConfig,
    tls: Tls,
    open: Mutex<Open>,
    from: Mailbox,
}

type Transport = AsyncSmtpTransport<Tokio1Executor>;

/// The connections, and the password they logged in with.
struct Open {
    transport: Transport,
    password: Option<SecretString>,
}

impl Smtp {
    /// A client. Connects to nothing yet.
    ///
    /// # Errors
    /// [`SmtpConfigError`].
    pub fn new(config: SmtpConfig) -> Result<Self, SmtpConfigError> {
        let from = config.from.parse().map_err(SmtpConfigError::From)?;
        let loopback = config.host == "localhost"
            || config
                .host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback());
        let tls = match config.security {
            Security::Plain if !loopback => return Err(SmtpConfigError::Plain),
            Security::Plain => Tls::None,
            Security::Implicit => Tls::Wrapper(parameters(&config)?),
            Security::StartTls => Tls::Required(parameters(&config)?),
        };
        let password = config.login.as_ref().map(|(_, password)| password.current());
        let transport = transport(&config, &tls, password.as_ref());
        Ok(Self {
            config,
            tls,
            open: Mutex::new(Open { transport, password }),
            from,
        })
    }

    /// The transport with the newest password.
    fn transport(&self) -> Transport {
        let newest = self.config.login.as_ref().map(|(_, password)| password.current());
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let text = ExposeSecret::expose_secret;
        if newest.as_ref().map(text) != open.password.as_ref().map(text) {
            open.transport = transport(&self.config, &self.tls, newest.as_ref());
            open.password = newest;
        }
        open.transport.clone()
    }
}

fn transport(config: &SmtpConfig, tls: &Tls, password: Option<&SecretString>) -> Transport {
    let builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&config.host)
        .port(config.port)
        .tls(tls.clone())
        // Not this machine's name: it is nobody's business.
        .hello_name(ClientId::Domain("keepgate.invalid".into()))
        .timeout(Some(PATIENCE));
    let login = config.login.as_ref().zip(password);
    match login {
        Some(((user, _), password)) => {
            builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()))
        }
        None => builder,
    }
    .build()
}

fn parameters(config: &SmtpConfig) -> Result<TlsParameters, SmtpConfigError> {
    let mut builder = TlsParameters::builder(config.host.clone());
    if let Some(ca) = &config.ca {
        builder = builder.add_root_certificate(Certificate::from_pem(ca).map_err(SmtpConfigError::Tls)?);
    }
    builder.build().map_err(SmtpConfigError::Tls)
}

/// Answers that are about this mail or its address (RFC 5321, section 4.2.3). Others for good, such as 535 to a wrong password or
/// 554 to whoever may not hand in anything, are the operator's to mend, and the mail waits.
const fn never(code: Option<u16>) -> bool {
    matches!(code, Some(501 | 550..=553 | 555 | 556))
}

#[async_trait]
impl Mailer for Smtp {
    async fn send(&self, mail: &OutgoingMail) -> Result<(), MailError> {
        let to = mail.to.as_str().parse().map_err(|_| MailError::Never)?;
        let message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(mail.subject)
            .message_id(Some(format!("<{}@{}>", mail.id, self.from.email.domain())))
            .header(ContentType::TEXT_PLAIN)
            .body(mail.text.clone())
            .map_err(|_| MailError::Never)?;
        match self.transport().send(message).await {
            Ok(_) => Ok(()),
            Err(error) => {
                // Not the error's text: a server's answer may repeat an address.
                let code = error.status().map(|code| code.to_string());
                tracing::warn!(
                    code,
                    tls = error.is_tls(),
                    timeout = error.is_timeout(),
                    "mail was not taken"
                );
                Err(if never(error.status().map(u16::from)) {
                    MailError::Never
                } else {
                    MailError::Later
                })
            }
        }
    }
}

impl std::fmt::Debug for Smtp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Smtp").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(host: &str, security: Security) -> SmtpConfig {
        SmtpConfig {
            host: host.into(),
            port: 25,
            security,
            ca: None,
            login: None,
            from: "Keepgate <keepgate@example.org>".into(),
        }
    }

    #[test]
    fn a_mail_is_given_up_for_its_own_faults_only() {
        for code in [501, 550, 551, 552, 553, 555, 556] {
            assert!(never(Some(code)), "{code}");
        }
        for code in [None, Some(421), Some(450), Some(454), Some(530), Some(535), Some(554)] {
            assert!(!never(code), "{code:?}");
        }
    }

    #[test]
    fn nothing_goes_over_a_network_without_tls() {
        for (host, security, allowed) in [
            ("mail.example.org", Security::Plain, false),
            ("192.0.2.1", Security::Plain, false),
            ("localhost.example.org", Security::Plain, false),
            ("127.0.0.1", Security::Plain, true),
            ("localhost", Security::Plain, true),
        ] {
            assert_eq!(Smtp::new(config(host, security)).is_ok(), allowed, "{host}");
        }
        let wrong = SmtpConfig {
            from: "nobody".into(),
            ..config("localhost", Security::Plain)
        };
        assert!(matches!(Smtp::new(wrong), Err(SmtpConfigError::From(_))));
    }
}
