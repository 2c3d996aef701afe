//! Passkeys through the doorway: added, asked for, proved again, and what is no proof.
use aws_lc_rs::{
    digest,
    signature::{Ed25519KeyPair, KeyPair},
};
use data_encoding::BASE64URL_NOPAD;
use keepgate_identity::{
    ListFactors, PasskeyAdded, RemoveFactor,
    passkey::{Asserted, Created, user_handle},
};
use keepgate_kernel::{Level, SessionId, TenantId};
use keepgate_policy::{Credential, ErrorKind, ErrorKind::Refused, Factors, OpContext};

use super::{
    house::{House, ORIGIN, cases, context, now},
    second_factors::{DEAD, OPERATOR, WRONG, add_app, answer, asked},
};
use crate::{Proofs, SecondAnswer};

/// An authenticator of one key, written here from the specification a second time.
struct Passkey {
    key: Ed25519KeyPair,
    id: Vec<u8>,
    count: u32,
}

impl Passkey {
    fn new() -> Self {
        let key = Ed25519KeyPair::generate().unwrap();
        let id = key.public_key().as_ref()[..16].to_vec();
        Self { key, id, count: 0 }
    }

    fn data(&mut self, flags: u8) -> Vec<u8> {
        self.count += 1;
        let party = digest::digest(&digest::SHA256, b"gate.example.org");
        [party.as_ref(), &[flags], &self.count.to_be_bytes()].concat()
    }

    fn create(&mut self, challenge: &str) -> Created {
        let public = self.key.public_key().as_ref().to_vec();
        let cose = [&[0xa4, 1, 1, 3, 0x27, 0x20, 6, 0x21, 0x58, 0x20][..], &public].concat();
        let data = [&self.data(0x45)[..], &[0; 16], &[0, 16], &self.id, &cose].concat();
        let length = u8::try_from(data.len()).unwrap();
        let head = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58";
        Created {
            id: self.id.clone(),
            client_data: client("webauthn.create", challenge),
            attestation: [head.as_slice(), &[length], &data].concat(),
        }
    }

    fn get(&mut self, challenge: &str) -> Asserted {
        let (client_data, data) = (client("webauthn.get", challenge), self.data(5));
        let hash = digest::digest(&digest::SHA256, &client_data);
        Asserted {
            id: self.id.clone(),
            signature: self.key.sign(&[&data, hash.as_ref()].concat()).as_ref().to_vec(),
            authenticator_data: data,
            client_data,
            user_handle: None,
        }
    }
}

fn client(kind: &str, challenge: &str) -> Vec<u8> {
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{ORIGIN}"}}"#).into_bytes()
}

fn session(caller: &OpContext) -> SessionId {
    match caller.credential() {
        Credential::Session(session) => session,
        other => panic!("{other:?}"),
    }
}

/// The challenge of a new passkey for `caller`, and what else the browser is told.
async fn begin(house: &House, caller: &OpContext) -> (String, String) {
    let command = house.mfa.begin_passkey(caller, session(caller), "key".into()).unwrap();
    let wanted = house.behind(caller, &command).await.unwrap();
    (
        wanted.challenge.ceremony().to_owned(),
        house.mfa.creation(&wanted).unwrap(),
    )
}

async fn confirm(house: &House, caller: &OpContext, created: &Created) -> Result<PasskeyAdded, ErrorKind> {
    let command = house
        .mfa
        .confirm_passkey(caller, session(caller), created)
        .await
        .unwrap();
    house.behind(caller, &command).await
}

async fn add(house: &House, caller: &OpContext) -> (Passkey, PasskeyAdded) {
    let mut passkey = Passkey::new();
    let (challenge, _) = begin(house, caller).await;
    let added = confirm(house, caller, &passkey.create(&challenge)).await.unwrap();
    (passkey, added)
}

fn proof(passkey: &mut Passkey, challenge: &str) -> SecondAnswer {
    SecondAnswer::Passkey(Box::new(passkey.get(challenge)))
}

async fn it_is_asked_for_and_opens_a_session_of_two(house: &House) {
    let operator = house.caller(Level::Operator);
    let (mut passkey, added) = add(house, &operator).await;
    assert_eq!(added.recovery_codes.len(), 10);
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    assert_eq!(question.passkeys, [passkey.id.clone()]);
    let request = house.mfa.request(&question.challenge, &question.passkeys).unwrap();
    let challenge = question.challenge.ceremony();
    assert!(request.contains(challenge) && request.contains(&BASE64URL_NOPAD.encode(&passkey.id)));
    let expose = question.challenge.expose();
    let (session, _) = answer(house, expose, proof(&mut passkey, challenge), at).await.unwrap();
    assert_eq!(session.factors, Factors::Two);
    assert!(house.enters(&context(&session)).await);
    let again = answer(house, expose, proof(&mut passkey, challenge), at).await;
    assert_eq!(again.unwrap_err(), DEAD, "a challenge is answered once");
}

async fn a_signature_is_for_one_challenge(house: &House) {
    let (mut passkey, _) = add(house, &house.caller(Level::Operator)).await;
    let at = now();
    let first = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let second = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let foreign = proof(&mut passkey, first.challenge.ceremony());
    let refused = answer(house, second.challenge.expose(), foreign, at).await;
    assert_eq!(refused.unwrap_err(), WRONG);
    let own = proof(&mut passkey, second.challenge.ceremony());
    answer(house, second.challenge.expose(), own, at).await.unwrap();
}

async fn a_count_that_goes_back_is_refused_and_told(house: &House) {
    let operator = house.caller(Level::Operator);
    let (mut passkey, _) = add(house, &operator).await;
    let at = now();
    passkey.count = 0;
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let copied = proof(&mut passkey, question.challenge.ceremony());
    let refused = answer(house, question.challenge.expose(), copied, at).await;
    assert_eq!(refused.unwrap_err(), Refused("passkey-count-went-back"));
    passkey.count = 0;
    let command = house.mfa.begin_step_up(&operator, session(&operator)).unwrap();
    house.behind(&operator, &command).await.unwrap();
    let proofs = Proofs {
        second: Some(proof(&mut passkey, command.challenge.ceremony())),
        ..Proofs::default()
    };
    let step_up = house.mfa.step_up(&operator, session(&operator), proofs).await.unwrap();
    let refused = house.behind(&operator, &step_up).await;
    assert_eq!(refused.unwrap_err(), Refused("passkey-count-went-back"));
}

async fn the_passkey_of_somebody_else_proves_nothing(house: &House) {
    add(house, &house.caller(Level::Operator)).await;
    let (mut foreign, _) = add(house, &house.caller(Level::Supervisor)).await;
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let proved = proof(&mut foreign, question.challenge.ceremony());
    let refused = answer(house, question.challenge.expose(), proved, at).await;
    assert_eq!(refused.unwrap_err(), WRONG);
}

async fn a_new_one_answers_who_asked_in_that_session_and_for_that(house: &House) {
    let (operator, other) = (house.caller(Level::Operator), house.caller(Level::Supervisor));
    let (challenge, _) = begin(house, &operator).await;
    let mut passkey = Passkey::new();
    let created = passkey.create(&challenge);
    assert_eq!(
        confirm(house, &other, &created).await.unwrap_err(),
        DEAD,
        "somebody else"
    );
    let elsewhere = context(&house.log_in(OPERATOR).await.unwrap());
    assert_eq!(
        confirm(house, &elsewhere, &created).await.unwrap_err(),
        DEAD,
        "another session"
    );
    confirm(house, &operator, &created).await.unwrap();
    assert_eq!(confirm(house, &operator, &created).await.unwrap_err(), DEAD, "once");
    // A log-in's challenge adds nothing, and one for adding opens nothing.
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let stolen = Passkey::new().create(question.challenge.ceremony());
    assert_eq!(confirm(house, &operator, &stolen).await.unwrap_err(), DEAD);
    let (adding, _) = begin(house, &operator).await;
    let misused = proof(&mut passkey, &adding);
    let refused = answer(house, &format!("kgm_{adding}"), misused, at).await;
    assert_eq!(refused.unwrap_err(), WRONG);
}

async fn a_credential_is_one_person_s_in_all_tenants(house: &House) {
    let operator = house.caller(Level::Operator);
    let (mut passkey, _) = add(house, &operator).await;
    for level in [Level::Operator, Level::Supervisor, Level::GlobalAdmin] {
        let caller = house.caller(level);
        let (challenge, options) = begin(house, &caller).await;
        let excluded = options.contains(&BASE64URL_NOPAD.encode(&passkey.id));
        assert_eq!(excluded, level == Level::Operator, "{level}");
        let refused = confirm(house, &caller, &passkey.create(&challenge)).await;
        assert_eq!(refused.unwrap_err(), Refused("passkey-known"), "{level}");
    }
}

async fn a_step_up_takes_it_once_in_the_session_that_asked(house: &House) {
    let operator = house.caller(Level::Operator);
    let (mut passkey, _) = add(house, &operator).await;
    let present = session(&operator);
    let command = house.mfa.begin_step_up(&operator, present).unwrap();
    assert_eq!(house.behind(&operator, &command).await.unwrap(), [passkey.id.clone()]);
    let challenge = command.challenge.ceremony();
    let mut step_up = async |caller: &OpContext, challenge: &str| {
        let second = Some(proof(&mut passkey, challenge));
        let proofs = Proofs {
            second,
            ..Proofs::default()
        };
        let command = house.mfa.step_up(caller, session(caller), proofs).await.unwrap();
        house.behind(caller, &command).await
    };
    let at = now();
    let login = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let refused = step_up(&operator, login.challenge.ceremony()).await;
    assert_eq!(
        refused.unwrap_err(),
        Refused("invalid-credentials"),
        "a log-in's challenge"
    );
    let refused = step_up(&house.caller(Level::Supervisor), challenge).await;
    assert_eq!(refused.unwrap_err(), Refused("invalid-credentials"), "somebody else");
    let renewed = context(&step_up(&operator, challenge).await.unwrap());
    assert!(!house.enters(&operator).await && house.enters(&renewed).await);
    let refused = step_up(&renewed, challenge).await;
    assert_eq!(refused.unwrap_err(), Refused("invalid-credentials"), "once");
}

async fn whoever_has_none_is_not_asked_for_it(house: &House) {
    let operator = house.caller(Level::Operator);
    let command = house.mfa.begin_step_up(&operator, session(&operator)).unwrap();
    let refused = house.behind(&operator, &command).await;
    assert_eq!(refused.unwrap_err(), Refused("no-passkey"));
    let (_, codes) = add_app(house, &operator).await;
    let (_, added) = add(house, &operator).await;
    assert_eq!((codes.len(), added.recovery_codes.len()), (10, 0), "the ten there are");
}

async fn what_is_removed_proves_nothing_any_more(house: &House) {
    let operator = house.caller(Level::Operator);
    add_app(house, &operator).await;
    let (mut passkey, added) = add(house, &operator).await;
    let at = now();
    let question = asked(house.log_in_at(OPERATOR, at).await.unwrap());
    let remove = RemoveFactor { factor: added.factor };
    house.behind(&operator, &remove).await.unwrap();
    let proved = proof(&mut passkey, question.challenge.ceremony());
    let refused = answer(house, question.challenge.expose(), proved, at).await;
    assert_eq!(refused.unwrap_err(), WRONG);
    let own = house.behind(&operator, &ListFactors).await.unwrap();
    assert_eq!(own.factors.len(), 1);
}

async fn handles_tell_people_and_tenants_apart(house: &House) {
    let handle = |tenant: TenantId, level| user_handle(tenant, house.caller(level).principal().id);
    let elsewhere = house.caller(Level::GlobalAdmin).tenant();
    let one = handle(house.tenant, Level::Operator);
    assert_eq!(one.len(), 32);
    assert_ne!(one, handle(house.tenant, Level::Supervisor));
    assert_ne!(one, handle(elsewhere, Level::Operator));
}

cases!(
    it_is_asked_for_and_opens_a_session_of_two,
    a_signature_is_for_one_challenge,
    a_count_that_goes_back_is_refused_and_told,
    the_passkey_of_somebody_else_proves_nothing,
    a_new_one_answers_who_asked_in_that_session_and_for_that,
    a_credential_is_one_person_s_in_all_tenants,
    a_step_up_takes_it_once_in_the_session_that_asked,
    whoever_has_none_is_not_asked_for_it,
    what_is_removed_proves_nothing_any_more,
    handles_tell_people_and_tenants_apart,
);
