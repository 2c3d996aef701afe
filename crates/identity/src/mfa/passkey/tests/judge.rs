//! 1Password's software authenticator and client, on RustCrypto: none of it is ours, and it shares no cryptography with us.
use keepgate_kernel::{PrincipalId, PrincipalKind, TenantId, Uuid};
use passkey_authenticator::{Authenticator, MemoryStore, UiHint, UserCheck, UserValidationMethod};
use passkey_client::{Client, DefaultClientData};
use passkey_crypto::{coset::iana, rust_crypto::RustCryptoBackend};
use passkey_types::{
    Passkey,
    ctap2::{Aaguid, Ctap2Error},
    webauthn,
};

use super::{
    super::{
        Algorithm, Asserted, Created, NewPasskey, OnRecord, PasskeyError, creation_options, request_options,
        user_handle,
    },
    forge::{CHALLENGE, ORIGIN, party},
};

/// Somebody in front of the authenticator.
struct Somebody {
    verified: bool,
}

#[async_trait::async_trait]
impl UserValidationMethod for Somebody {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck {
            presence: true,
            verification: self.verified,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

type Phone = Client<MemoryStore, Somebody, RustCryptoBackend, public_suffix::PublicSuffixList, ()>;

fn phone(alg: iana::Algorithm, counts: bool) -> Phone {
    let mut authenticator = Authenticator::new(
        Aaguid::new_empty(),
        MemoryStore::new(),
        Somebody { verified: true },
        RustCryptoBackend,
    );
    authenticator.set_algorithms(&[alg]).unwrap();
    authenticator.set_make_credentials_with_signature_counter(counts);
    Client::new(authenticator)
}

fn handle() -> Vec<u8> {
    let principal = PrincipalId::from_parts(PrincipalKind::User, Uuid::from_u128(2));
    user_handle(TenantId::from_uuid(Uuid::from_u128(1)), principal)
}

async fn register(phone: &mut Phone, origin: &str) -> Created {
    let options = creation_options(&party(), CHALLENGE, &handle(), "ann@example.org", &[]);
    let options = serde_json::from_value(serde_json::json!({"publicKey": options})).unwrap();
    let made = phone
        .register(&origin.parse::<url::Url>().unwrap(), options, DefaultClientData)
        .await
        .unwrap();
    Created {
        id: made.raw_id.to_vec(),
        client_data: made.response.client_data_json.to_vec(),
        attestation: made.response.attestation_object.to_vec(),
    }
}

async fn prove(phone: &mut Phone, new: &NewPasskey) -> Asserted {
    let options = request_options(&party(), CHALLENGE, std::slice::from_ref(&new.id));
    let options: webauthn::CredentialRequestOptions =
        serde_json::from_value(serde_json::json!({"publicKey": options})).unwrap();
    let made = phone
        .authenticate(&ORIGIN.parse::<url::Url>().unwrap(), options, DefaultClientData)
        .await
        .unwrap();
    Asserted {
        id: made.raw_id.to_vec(),
        client_data: made.response.client_data_json.to_vec(),
        authenticator_data: made.response.authenticator_data.to_vec(),
        signature: made.response.signature.to_vec(),
        user_handle: made.response.user_handle.map(|handle| handle.to_vec()),
    }
}

fn record<'a>(new: &'a NewPasskey, count: i64, handle: &'a [u8]) -> OnRecord<'a> {
    OnRecord {
        credential: &new.credential,
        count,
        user_handle: handle,
    }
}

#[tokio::test]
async fn what_it_makes_is_taken_and_what_it_signs_is_believed_once_each_count() {
    for (alg, ours) in [
        (iana::Algorithm::ES256, Algorithm::Es256),
        (iana::Algorithm::EdDSA, Algorithm::Ed25519),
    ] {
        let mut phone = phone(alg, true);
        let new = register(&mut phone, ORIGIN).await.verify(&party(), CHALLENGE).unwrap();
        assert_eq!(new.credential.algorithm(), ours);
        let handle = handle();
        let first = prove(&mut phone, &new).await;
        assert_eq!(first.user_handle.as_deref(), Some(handle.as_slice()));
        let count = first
            .verify(&party(), CHALLENGE, record(&new, new.count.into(), &handle))
            .unwrap();
        assert!(count > new.count);
        let replayed = first.verify(&party(), CHALLENGE, record(&new, count.into(), &handle));
        assert_eq!(replayed, Err(PasskeyError::Count));
        let next = prove(&mut phone, &new).await;
        next.verify(&party(), CHALLENGE, record(&new, count.into(), &handle))
            .unwrap();
    }
}

#[tokio::test]
async fn one_that_keeps_no_count_is_believed_too() {
    let mut phone = phone(iana::Algorithm::ES256, false);
    let new = register(&mut phone, ORIGIN).await.verify(&party(), CHALLENGE).unwrap();
    let handle = handle();
    for _ in 0..2 {
        let proof = prove(&mut phone, &new).await;
        assert_eq!(proof.verify(&party(), CHALLENGE, record(&new, 0, &handle)), Ok(0));
    }
}

#[tokio::test]
async fn a_page_below_our_host_gets_a_passkey_from_it_and_none_from_us() {
    let mut phone = phone(iana::Algorithm::ES256, false);
    let made = register(&mut phone, "https://blog.gate.example.org").await;
    assert_eq!(made.verify(&party(), CHALLENGE), Err(PasskeyError::Origin));
}

#[tokio::test]
async fn a_passkey_of_another_phone_signs_in_vain() {
    let (mut one, mut other) = (
        phone(iana::Algorithm::ES256, false),
        phone(iana::Algorithm::ES256, false),
    );
    let new = register(&mut one, ORIGIN).await.verify(&party(), CHALLENGE).unwrap();
    let foreign = register(&mut other, ORIGIN).await.verify(&party(), CHALLENGE).unwrap();
    let proof = prove(&mut other, &foreign).await;
    let handle = handle();
    let refused = proof.verify(&party(), CHALLENGE, record(&new, 0, &handle));
    assert_eq!(refused, Err(PasskeyError::Signature));
}
