//! Section 7.2, by what fails it.
use super::{
    super::{Asserted, Credential, OnRecord, PasskeyError},
    forge::{CHALLENGE, Forge, Key, ORIGIN, client_data, party},
};

type Lie = fn(&mut Forge);

fn credential(forge: &Forge) -> Credential {
    Credential::from_cose(ciborium::Value::Map(forge.cose.clone()), false).unwrap()
}

fn verify(asserted: &Asserted, credential: &Credential, count: i64) -> Result<u32, PasskeyError> {
    let record = OnRecord {
        credential,
        count,
        user_handle: &[1; 32],
    };
    asserted.verify(&party(), CHALLENGE, record)
}

#[test]
fn what_is_right_is_taken_with_both_algorithms() {
    for key in [Key::p256(), Key::ed25519()] {
        let mut forge = Forge::get(key);
        let credential = credential(&forge);
        assert_eq!(verify(&forge.asserted(), &credential, 5), Ok(6));
        forge.user_handle = None;
        assert_eq!(
            verify(&forge.asserted(), &credential, 5),
            Ok(6),
            "the handle may be missing"
        );
        forge.flags |= 0b1000_0000;
        forge.tail = vec![0xa0];
        assert_eq!(
            verify(&forge.asserted(), &credential, 5),
            Ok(6),
            "extensions are read over"
        );
    }
}

const LIES: &[(&str, Lie, PasskeyError)] = &[
    (
        "a registration",
        |f| f.client_data = client_data("webauthn.create", CHALLENGE, ORIGIN),
        PasskeyError::Type,
    ),
    (
        "another challenge",
        |f| f.client_data = client_data("webauthn.get", "AAAA", ORIGIN),
        PasskeyError::Challenge,
    ),
    (
        "another site",
        |f| f.client_data = client_data("webauthn.get", CHALLENGE, "https://evil.example"),
        PasskeyError::Origin,
    ),
    (
        "framed",
        |f| f.client_data = f.client_data.replace("false", "true"),
        PasskeyError::CrossOrigin,
    ),
    (
        "framed, by name",
        |f| {
            f.client_data = f
                .client_data
                .replace("{", "{\"topOrigin\":null,\"topOrigin\":\"https://evil.example\",")
        },
        PasskeyError::ClientData,
    ),
    (
        "a large client",
        |f| f.client_data.push_str(&" ".repeat(4096)),
        PasskeyError::TooLarge,
    ),
    (
        "another relying party",
        |f| f.party = "evil.example",
        PasskeyError::RelyingParty,
    ),
    ("nobody there", |f| f.flags &= !1, PasskeyError::UserPresence),
    ("nobody verified", |f| f.flags &= !0b100, PasskeyError::UserVerification),
    (
        "backed up and not eligible",
        |f| f.flags |= 0b1_0000,
        PasskeyError::Backup,
    ),
    ("has become another kind", |f| f.flags |= 0b1000, PasskeyError::Backup),
    ("a byte too many", |f| f.tail = vec![0], PasskeyError::AuthenticatorData),
    ("a large tail", |f| f.tail = vec![0; 8192], PasskeyError::TooLarge),
    ("another key", |f| f.key = Key::p256(), PasskeyError::Signature),
    ("another algorithm", |f| f.key = Key::ed25519(), PasskeyError::Signature),
    (
        "another account",
        |f| f.user_handle = Some(vec![2; 32]),
        PasskeyError::UserHandle,
    ),
    (
        "no account",
        |f| f.user_handle = Some(Vec::new()),
        PasskeyError::UserHandle,
    ),
    (
        "a large account",
        |f| f.user_handle = Some(vec![1; 65]),
        PasskeyError::TooLarge,
    ),
    ("a large id", |f| f.named = vec![7; 1024], PasskeyError::TooLarge),
    ("the count of before", |f| f.count = 5, PasskeyError::Count),
    ("a count that went back", |f| f.count = 4, PasskeyError::Count),
    ("a count that is no longer kept", |f| f.count = 0, PasskeyError::Count),
];

#[test]
fn every_lie_is_refused_for_what_it_is() {
    for (what, lie, error) in LIES {
        let mut forge = Forge::get(Key::p256());
        let credential = credential(&forge);
        lie(&mut forge);
        assert_eq!(verify(&forge.asserted(), &credential, 5), Err(*error), "{what}");
    }
}

#[test]
fn a_count_that_was_never_kept_stays_at_zero() {
    let mut forge = Forge::get(Key::ed25519());
    forge.count = 0;
    assert_eq!(verify(&forge.asserted(), &credential(&forge), 0), Ok(0));
    forge.count = u32::MAX;
    assert_eq!(verify(&forge.asserted(), &credential(&forge), 0), Ok(u32::MAX));
}

#[test]
fn what_was_signed_can_t_be_changed_afterwards() {
    for key in [Key::p256(), Key::ed25519()] {
        let forge = Forge::get(key);
        let (credential, good) = (credential(&forge), forge.asserted());
        for at in 0..good.authenticator_data.len() {
            let mut bad = good.clone();
            bad.authenticator_data[at] ^= 1;
            assert!(verify(&bad, &credential, 5).is_err(), "data, byte {at}");
        }
        for at in 0..good.signature.len() {
            let mut bad = good.clone();
            bad.signature[at] ^= 1;
            assert!(verify(&bad, &credential, 5).is_err(), "signature, byte {at}");
        }
        // Members that nobody checks are signed too.
        let mut bad = good.clone();
        bad.client_data.push(b' ');
        assert_eq!(verify(&bad, &credential, 5), Err(PasskeyError::Signature));
        let mut bad = good;
        bad.signature = vec![0; 257];
        assert_eq!(verify(&bad, &credential, 5), Err(PasskeyError::TooLarge));
    }
}
