//! The adapters against a peer on the loopback interface: what they send, and what they make of every kind of answer.
#![cfg(feature = "providers")]
#[cfg(test)]
mod peer;

#[cfg(test)]
mod adapters {
    use std::time::Duration;

    use keepgate_channels::{
        PhoneNumber, WebhookUrl,
        commands::SendOutcome,
        machine::RefusalClass,
        outward::{CallLimits, SmsProvider, SmsRequest, VoiceProvider, VoiceRequest, WebhookRequest, WebhookSender},
        providers::{
            ClientError,
            twilio::{Twilio, TwilioConfig},
            webhooks::{HttpWebhooks, sign, sign_publicly, signing_secret},
        },
    };
    use keepgate_kernel::{AttemptId, LiveSecret, Timestamp};
    use secrecy::SecretString;
    use url::Url;

    use super::peer::{Peer, Reply, closed};

    const SID: &str = "AC00000000000000000000000000000001";

    fn now() -> Timestamp {
        "2026-01-02T03:04:05Z".parse().unwrap()
    }

    fn config(base: &Url) -> TwilioConfig {
        TwilioConfig {
            base_url: Some(base.clone()),
            account_sid: SID.into(),
            auth_token: SecretString::from("token").into(),
            from: "+15005550006".into(),
            callback_base: "https://gw.example/".parse().unwrap(),
        }
    }

    fn limits(timeout: Duration) -> CallLimits {
        CallLimits {
            timeout,
            budget_seconds: 120,
        }
    }

    fn sms() -> SmsRequest {
        SmsRequest {
            attempt: AttemptId::new(now()),
            to: PhoneNumber::parse("+14155552345").unwrap(),
            text: SecretString::from("a & b = ü"),
            limits: limits(Duration::from_secs(10)),
        }
    }

    async fn sent(replies: Vec<Reply>, request: SmsRequest) -> (SendOutcome, Peer) {
        let peer = Peer::start(replies).await;
        let outcome = Twilio::new(config(&peer.url)).unwrap().send(request).await;
        (outcome, peer)
    }

    fn reason(outcome: &SendOutcome) -> &str {
        match outcome {
            SendOutcome::Refused { reason, .. } | SendOutcome::Unknown { reason } => reason.as_str(),
            SendOutcome::Accepted { .. } => "accepted",
        }
    }

    #[tokio::test]
    async fn a_changed_token_is_used_at_once_and_the_one_before_only_after_a_refusal() {
        let token = LiveSecret::from(SecretString::from("old"));
        let basic = |token: &str| {
            let basic = data_encoding::BASE64.encode(format!("{SID}:{token}").as_bytes());
            Some(format!("Basic {basic}"))
        };
        let refused = || Reply::json(401, r#"{"code":20003,"message":"m","more_info":"i","status":401}"#);
        let taken = || Reply::json(201, r#"{"sid":"SM1","status":"queued"}"#);
        for (overlap, replies, tokens, outcome) in [
            (3600, vec![taken()], &["new"][..], "accepted"),
            (3600, vec![refused(), taken()], &["new", "old"][..], "accepted"),
            (3600, vec![refused(), refused()], &["new", "old"][..], "twilio-20003"),
            (0, vec![refused()], &["new"][..], "twilio-20003"),
        ] {
            let peer = Peer::start(replies).await;
            let twilio = Twilio::new(TwilioConfig {
                auth_token: token.clone(),
                ..config(&peer.url)
            });
            token.turn("old".into(), Duration::ZERO);
            token.turn("new".into(), Duration::from_secs(overlap));
            let told = twilio.unwrap().send(sms()).await;
            assert_eq!(reason(&told), outcome);
            let seen: Vec<_> = peer
                .requests()
                .iter()
                .map(|seen| seen.header("authorization").map(str::to_owned))
                .collect();
            let wanted: Vec<_> = tokens.iter().map(|token| basic(token)).collect();
            assert_eq!(seen, wanted);
        }
    }

    #[tokio::test]
    async fn a_text_is_sent_as_a_form_with_the_attempt_in_its_callback() {
        let request = sms();
        let (outcome, peer) = sent(
            vec![Reply::json(201, r#"{"sid":"SM1","status":"queued"}"#)],
            request.clone(),
        )
        .await;
        assert_eq!(
            outcome,
            SendOutcome::Accepted {
                provider_ref: Some("SM1".into()),
                queue_seconds: 0,
                delivered: false
            }
        );
        let seen = peer.only();
        assert_eq!(
            seen.line,
            format!("POST /2010-04-01/Accounts/{SID}/Messages.json HTTP/1.1")
        );
        assert_eq!(seen.header("content-type"), Some("application/x-www-form-urlencoded"));
        let basic = data_encoding::BASE64.encode(format!("{SID}:token").as_bytes());
        assert_eq!(seen.header("authorization"), Some(format!("Basic {basic}").as_str()));
        let callback = format!("https://gw.example/v1/hooks/twilio/message?attempt={}", request.attempt);
        for (name, value) in [
            ("To", "+14155552345"),
            ("From", "+15005550006"),
            ("Body", "a & b = ü"),
            ("StatusCallback", callback.as_str()),
            ("ValidityPeriod", "120"),
            ("ContentRetention", "discard"),
            ("AddressRetention", "obfuscate"),
        ] {
            assert_eq!(seen.field(name).as_deref(), Some(value), "{name}");
        }
        assert_eq!(seen.form().len(), 7, "and nothing else");
    }

    #[tokio::test]
    async fn a_call_carries_its_words_and_asks_for_a_key() {
        let peer = Peer::start(vec![Reply::json(
            201,
            r#"{"sid":"CA1","status":"queued","queue_time":"1500"}"#,
        )])
        .await;
        let request = VoiceRequest {
            attempt: AttemptId::new(now()),
            to: PhoneNumber::parse("+14155552345").unwrap(),
            text: SecretString::from("pump <7> & valve"),
            locale: Some("de-AT".into()),
            limits: limits(Duration::from_secs(10)),
        };
        let outcome = Twilio::new(config(&peer.url)).unwrap().call(request.clone()).await;
        assert_eq!(
            outcome,
            SendOutcome::Accepted {
                provider_ref: Some("CA1".into()),
                queue_seconds: 2,
                delivered: false
            }
        );
        let seen = peer.only();
        let twiml = seen.field("Twiml").unwrap();
        assert!(
            twiml.contains("<Say loop=\"2\" language=\"de-AT\">pump &lt;7&gt; &amp; valve Press 1"),
            "{twiml}"
        );
        assert!(twiml.contains(&format!(
            "action=\"https://gw.example/v1/hooks/twilio/digits?attempt={}\"",
            request.attempt
        )));
        assert_eq!(seen.field("Timeout").as_deref(), Some("20"));
    }

    #[tokio::test]
    async fn a_lost_or_ambiguous_answer_is_unknown_and_sent_once() {
        let short = SmsRequest {
            limits: limits(Duration::from_millis(300)),
            ..sms()
        };
        for (reply, why) in [
            (Reply::Hang, "connection-broken"),
            (Reply::Silence, "timeout"),
            (
                Reply::json(500, r#"{"code":20500,"message":"Internal"}"#),
                "twilio-20500",
            ),
            (Reply::json(503, "<html>"), "http-503"),
        ] {
            let (outcome, peer) = sent(vec![reply], short.clone()).await;
            assert!(matches!(outcome, SendOutcome::Unknown { .. }), "{outcome:?}");
            assert_eq!(reason(&outcome), why);
            peer.only();
        }
    }

    #[tokio::test]
    async fn a_refusal_tells_what_may_still_help() {
        let later = Reply::Answer(429, vec![("retry-after", "7".into())], r#"{"code":20429}"#.into());
        let (outcome, peer) = sent(vec![later], sms()).await;
        assert!(
            matches!(
                &outcome,
                SendOutcome::Refused {
                    class: RefusalClass::Retry,
                    retry_after_seconds: Some(7),
                    ..
                }
            ),
            "{outcome:?}"
        );
        peer.only();
        for (status, code, class) in [
            (400, 21_211, RefusalClass::Target),
            (400, 21_610, RefusalClass::Target),
            (401, 20_003, RefusalClass::Step),
        ] {
            let (outcome, _) = sent(
                vec![Reply::json(status, &format!(r#"{{"code":{code},"message":"x"}}"#))],
                sms(),
            )
            .await;
            assert_eq!(reason(&outcome), format!("twilio-{code}"));
            assert!(matches!(outcome, SendOutcome::Refused { class: got, .. } if got == class));
        }
    }

    #[tokio::test]
    async fn what_never_left_may_be_tried_again() {
        let outcome = Twilio::new(config(&closed().await)).unwrap().send(sms()).await;
        assert!(
            matches!(
                outcome,
                SendOutcome::Refused {
                    class: RefusalClass::Retry,
                    ..
                }
            ),
            "{outcome:?}"
        );
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = Peer::start(vec![Reply::json(201, "{}")]).await;
        let redirect = Reply::Answer(307, vec![("location", elsewhere.url.to_string())], String::new());
        let (outcome, _) = sent(vec![redirect.clone()], sms()).await;
        assert_eq!(reason(&outcome), "http-307");
        let hook = Peer::start(vec![redirect]).await;
        let posted = HttpWebhooks::new(true).unwrap().post(post(&hook.url)).await;
        assert_eq!(reason(&posted), "http-307");
        assert_eq!(
            elsewhere.requests().len(),
            0,
            "credentials and content stay where they were sent"
        );
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut_off() {
        let (outcome, _) = sent(vec![Reply::json(201, &"x".repeat(4 * 1024 * 1024))], sms()).await;
        assert!(matches!(outcome, SendOutcome::Accepted { provider_ref: None, .. }));
    }

    #[test]
    fn a_configuration_that_can_t_work_is_refused() {
        let base: Url = "http://127.0.0.1:1/".parse().unwrap();
        let with = |change: fn(&mut TwilioConfig)| {
            let mut config = config(&base);
            change(&mut config);
            Twilio::new(config).map(|_| ())
        };
        assert!(with(|_| {}).is_ok());
        assert!(matches!(
            with(|it| it.account_sid = "SK1".into()),
            Err(ClientError::Account)
        ));
        assert!(matches!(
            with(|it| it.account_sid = "AC/../x".into()),
            Err(ClientError::Account)
        ));
        assert!(matches!(
            with(|it| it.from = "not a sender at all".into()),
            Err(ClientError::Sender)
        ));
        assert!(matches!(
            with(|it| it.base_url = Some("http://sms.example".parse().unwrap())),
            Err(ClientError::BaseUrl)
        ));
        assert!(matches!(
            with(|it| it.callback_base = "http://gw.example".parse().unwrap()),
            Err(ClientError::BaseUrl)
        ));
        let shown = format!("{:?}", Twilio::new(config(&base)).unwrap());
        assert!(!shown.contains("token"), "{shown}");
    }

    fn post(url: &Url) -> WebhookRequest {
        WebhookRequest {
            id: "att_1".into(),
            url: WebhookUrl::parse(url.as_str()).unwrap(),
            secret: signing_secret(&[7; 32]),
            seeds: vec![vec![1; 32].into(), vec![2; 32].into()],
            content_type: "application/cbor".into(),
            body: vec![0xff, 0x00, 0x01].into(),
            headers: vec![("keepgate-message".into(), "msg_1".into())],
            at: now(),
            limits: limits(Duration::from_millis(500)),
        }
    }

    #[tokio::test]
    async fn a_webhook_is_posted_byte_for_byte_and_signed() {
        let peer = Peer::start(vec![Reply::json(204, "")]).await;
        let outcome = HttpWebhooks::new(true).unwrap().post(post(&peer.url)).await;
        assert_eq!(
            outcome,
            SendOutcome::Accepted {
                provider_ref: None,
                queue_seconds: 0,
                delivered: true
            }
        );
        let seen = peer.only();
        assert_eq!(
            (seen.line.as_str(), seen.body.as_slice()),
            ("POST / HTTP/1.1", &[0xff, 0x00, 0x01][..])
        );
        let mut signatures = vec![sign(&signing_secret(&[7; 32]), "att_1", now().timestamp(), &seen.body).unwrap()];
        for seed in [[1; 32], [2; 32]] {
            signatures.push(sign_publicly(&seed, "att_1", now().timestamp(), &seen.body).unwrap());
        }
        let signature = signatures.join(" ");
        for (name, value) in [
            ("content-type", "application/cbor"),
            ("webhook-id", "att_1"),
            ("webhook-timestamp", now().timestamp().to_string().as_str()),
            ("webhook-signature", signature.as_str()),
            ("keepgate-message", "msg_1"),
        ] {
            assert_eq!(seen.header(name), Some(value), "{name}");
        }
    }

    #[tokio::test]
    async fn an_endpoint_s_answer_decides_what_is_tried_again() {
        for (reply, expected) in [
            (Reply::json(410, ""), Some(RefusalClass::Target)),
            (Reply::json(404, ""), Some(RefusalClass::Target)),
            (Reply::json(429, ""), Some(RefusalClass::Retry)),
            (Reply::json(500, ""), None),
            (Reply::json(504, ""), None),
            (Reply::Hang, None),
            (Reply::Silence, None),
        ] {
            let peer = Peer::start(vec![reply.clone()]).await;
            let outcome = HttpWebhooks::new(true).unwrap().post(post(&peer.url)).await;
            let class = match outcome {
                SendOutcome::Refused { class, .. } => Some(class),
                SendOutcome::Unknown { .. } => None,
                SendOutcome::Accepted { .. } => panic!("{reply:?} is no success"),
            };
            assert_eq!(class, expected, "{reply:?}");
            peer.only();
        }
        let gone = HttpWebhooks::new(true).unwrap().post(post(&closed().await)).await;
        assert_eq!(
            gone,
            SendOutcome::Unknown {
                reason: keepgate_channels::Reason::new("unreachable")
            }
        );
    }

    #[tokio::test]
    async fn a_webhook_leads_to_no_private_address_by_number_or_by_name() {
        let peer = Peer::start(vec![Reply::json(200, "")]).await;
        let port = peer.url.port().unwrap();
        let sender = HttpWebhooks::new(false).unwrap();
        for url in [
            format!("http://127.0.0.1:{port}/"),
            format!("https://127.0.0.1:{port}/"),
            format!("https://localhost:{port}/"),
            format!("https://[::1]:{port}/"),
            "https://169.254.169.254/latest".into(),
            "https://10.0.0.1/".into(),
            "https://2130706433/".into(),
            "https://0x7f.1/".into(),
        ] {
            let outcome = sender.post(post(&url.parse().unwrap())).await;
            assert_eq!(reason(&outcome), "address-not-public", "{url}");
        }
        assert_eq!(peer.requests().len(), 0);
        let private = HttpWebhooks::new(true)
            .unwrap()
            .post(post(&"https://10.0.0.1/".parse().unwrap()))
            .await;
        assert_eq!(reason(&private), "address-not-public", "the switch opens loopback only");
    }

    #[tokio::test]
    async fn a_header_that_can_t_be_written_is_refused_and_nothing_is_sent() {
        let peer = Peer::start(vec![Reply::json(200, "")]).await;
        let odd = WebhookRequest {
            content_type: "text/plain\r\nx: y".into(),
            ..post(&peer.url)
        };
        assert_eq!(
            reason(&HttpWebhooks::new(true).unwrap().post(odd).await),
            "invalid-request"
        );
        assert_eq!(peer.requests().len(), 0);
    }
}
