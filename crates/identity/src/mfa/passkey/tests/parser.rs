//! The readers take anything without falling over.
use proptest::prelude::*;

use super::{
    super::{Asserted, Created, Credential, OnRecord, PasskeyError},
    forge::{CHALLENGE, Forge, Key, ORIGIN, client_data, encoded, party},
};

fn asserted_with(data: Vec<u8>) -> Result<u32, PasskeyError> {
    let forge = Forge::get(Key::ed25519());
    let credential = Credential::from_cose(ciborium::Value::Map(forge.cose.clone()), false).unwrap();
    let record = OnRecord {
        credential: &credential,
        count: 0,
        user_handle: &[1; 32],
    };
    let asserted = Asserted {
        authenticator_data: data,
        ..forge.asserted()
    };
    asserted.verify(&party(), CHALLENGE, record)
}

fn created_with(client_data: Vec<u8>, attestation: Vec<u8>) -> bool {
    let created = Created {
        id: vec![7; 32],
        client_data,
        attestation,
    };
    let _ = created.challenge();
    created.verify(&party(), CHALLENGE).is_ok()
}

fn good_client() -> Vec<u8> {
    client_data("webauthn.create", CHALLENGE, ORIGIN).into_bytes()
}

proptest! {
    #[test]
    fn no_bytes_are_a_passkey(client in prop::collection::vec(any::<u8>(), 0..200), object in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(!created_with(client, object.clone()));
        prop_assert!(!created_with(good_client(), object));
    }

    #[test]
    fn no_authenticator_data_is_signed(data in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(asserted_with(data).is_err());
    }

    #[test]
    fn no_bytes_fell_the_reader_of_what_is_on_record(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
        let _ = Credential::from_record(&bytes);
        let form = [&[1, 1, 0], bytes.as_slice()].concat();
        prop_assert!(Credential::from_record(&form).is_none_or(|key| key.to_record() == form));
    }

    #[test]
    fn a_right_one_with_bytes_replaced_never_fells_the_reader(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut object = Forge::create(Key::ed25519()).created().attestation;
        for (at, byte) in flips {
            let at = at.index(object.len());
            object[at] = byte;
        }
        let _ = created_with(good_client(), object);
    }
}

#[test]
fn deep_and_boastful_objects_are_refused() {
    let deep = [vec![0x81; 10_000], vec![0x00]].concat();
    assert!(!created_with(good_client(), deep));
    for head in [0x9b_u8, 0xbb, 0x5b, 0x7b] {
        let boast = [vec![head], vec![0xff; 8]].concat();
        assert!(!created_with(good_client(), boast), "{head:x}");
    }
    let endless = encoded(&ciborium::Value::Map(Vec::new()));
    assert!(!created_with(good_client(), endless));
}
