//! Section 7.1, by what fails it.
use ciborium::{Value, cbor};

use super::{
    super::{Algorithm, Created, Credential, NewPasskey, PasskeyError},
    forge::{CHALLENGE, Forge, Key, ORIGIN, client_data, encoded, party},
};

type Lie = fn(&mut Forge);

fn verify(created: &Created) -> Result<NewPasskey, PasskeyError> {
    created.verify(&party(), CHALLENGE)
}

#[test]
fn what_is_right_is_taken_with_both_algorithms_and_both_formats() {
    for (key, algorithm) in [
        (Key::p256 as fn() -> Key, Algorithm::Es256),
        (Key::ed25519, Algorithm::Ed25519),
    ] {
        for format in ["none", "packed"] {
            let mut forge = Forge::create(key());
            forge.format = format;
            let new = verify(&forge.created()).unwrap();
            assert_eq!(
                (new.id, new.credential.algorithm(), new.count),
                (vec![7; 32], algorithm, 0)
            );
            let record = new.credential.to_record();
            assert_eq!(Credential::from_record(&record), Some(new.credential), "{format}");
        }
    }
    let mut synced = Forge::create(Key::p256());
    synced.flags |= 0b1_1000;
    verify(&synced.created()).unwrap();
}

fn param(forge: &mut Forge, label: i64, value: Value) {
    forge.cose.retain(|(key, _)| *key != Value::from(label));
    forge.cose.push((label.into(), value));
}

const LIES: &[(&str, Lie, PasskeyError)] = &[
    (
        "an assertion",
        |f| f.client_data = client_data("webauthn.get", CHALLENGE, ORIGIN),
        PasskeyError::Type,
    ),
    (
        "another challenge",
        |f| f.client_data = client_data("webauthn.create", "AAAA", ORIGIN),
        PasskeyError::Challenge,
    ),
    (
        "a padded challenge",
        |f| f.client_data = client_data("webauthn.create", &format!("{CHALLENGE}="), ORIGIN),
        PasskeyError::Challenge,
    ),
    (
        "another site",
        |f| f.client_data = client_data("webauthn.create", CHALLENGE, "https://evil.example"),
        PasskeyError::Origin,
    ),
    (
        "plain http",
        |f| f.client_data = f.client_data.replace("https", "http"),
        PasskeyError::Origin,
    ),
    (
        "another port",
        |f| f.client_data = f.client_data.replace("example.org", "example.org:8443"),
        PasskeyError::Origin,
    ),
    (
        "a host below",
        |f| f.client_data = f.client_data.replace("//gate", "//x.gate"),
        PasskeyError::Origin,
    ),
    (
        "a slash too many",
        |f| f.client_data = f.client_data.replace("org\"", "org/\""),
        PasskeyError::Origin,
    ),
    (
        "framed",
        |f| f.client_data = f.client_data.replace("false", "true"),
        PasskeyError::CrossOrigin,
    ),
    (
        "framed, by name",
        |f| f.client_data = f.client_data.replace("{", "{\"topOrigin\":\"https://evil.example\","),
        PasskeyError::CrossOrigin,
    ),
    (
        "a second type",
        |f| f.client_data = f.client_data.replace("{", "{\"type\":\"webauthn.create\","),
        PasskeyError::ClientData,
    ),
    ("no JSON", |f| f.client_data.push('x'), PasskeyError::ClientData),
    ("an empty client", |f| f.client_data.clear(), PasskeyError::ClientData),
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
    (
        "a parent domain",
        |f| f.party = "example.org",
        PasskeyError::RelyingParty,
    ),
    ("nobody there", |f| f.flags &= !1, PasskeyError::UserPresence),
    ("nobody verified", |f| f.flags &= !0b100, PasskeyError::UserVerification),
    (
        "backed up and not eligible",
        |f| f.flags |= 0b1_0000,
        PasskeyError::Backup,
    ),
    ("no credential", |f| f.flags &= !0b0100_0000, PasskeyError::Credential),
    ("a byte too many", |f| f.tail = vec![0], PasskeyError::AuthenticatorData),
    (
        "extensions announced only",
        |f| f.flags |= 0b1000_0000,
        PasskeyError::AuthenticatorData,
    ),
    (
        "extensions that are no map",
        |f| {
            f.flags |= 0b1000_0000;
            f.tail = vec![0x01];
        },
        PasskeyError::AuthenticatorData,
    ),
    ("a short id", |f| f.id = vec![7; 15], PasskeyError::Credential),
    ("a long id", |f| f.id = vec![7; 1024], PasskeyError::Credential),
    ("a long name", |f| f.named = vec![7; 1024], PasskeyError::TooLarge),
    (
        "an id named otherwise",
        |f| f.named = vec![8; 32],
        PasskeyError::Credential,
    ),
    ("RS256", |f| param(f, 3, (-257).into()), PasskeyError::Algorithm),
    ("ES384", |f| param(f, 3, (-35).into()), PasskeyError::Algorithm),
    (
        "EdDSA with a P-256 key",
        |f| param(f, 3, (-8).into()),
        PasskeyError::Algorithm,
    ),
    (
        "no algorithm",
        |f| f.cose.retain(|(key, _)| *key != Value::from(3)),
        PasskeyError::Algorithm,
    ),
    ("an RSA key", |f| param(f, 1, 3.into()), PasskeyError::Algorithm),
    ("another curve", |f| param(f, -1, 2.into()), PasskeyError::Key),
    (
        "no curve",
        |f| f.cose.retain(|(key, _)| *key != Value::from(-1)),
        PasskeyError::Key,
    ),
    (
        "off its curve",
        |f| param(f, -2, Value::Bytes(vec![1; 32])),
        PasskeyError::Key,
    ),
    (
        "a short coordinate",
        |f| param(f, -2, Value::Bytes(vec![1; 31])),
        PasskeyError::Key,
    ),
    (
        "a compressed point",
        |f| param(f, -3, Value::Bool(true)),
        PasskeyError::Key,
    ),
    (
        "its own private key",
        |f| param(f, -4, Value::Bytes(vec![1; 32])),
        PasskeyError::Key,
    ),
    (
        "a key with a name",
        |f| param(f, 2, Value::Bytes(vec![1])),
        PasskeyError::Key,
    ),
    (
        "a label twice",
        |f| {
            let twice = f.cose[0].clone();
            f.cose.push(twice);
        },
        PasskeyError::Key,
    ),
    ("U2F", |f| f.format = "fido-u2f", PasskeyError::Attestation),
    ("android", |f| f.format = "android-key", PasskeyError::Attestation),
    (
        "none with a statement",
        |f| f.statement = Some(cbor!({"alg" => -7}).unwrap()),
        PasskeyError::Attestation,
    ),
    (
        "packed with certificates",
        |f| {
            f.format = "packed";
            let sig = Value::Bytes(f.signature());
            f.statement = Some(cbor!({"alg" => -7, "sig" => sig, "x5c" => []}).unwrap());
        },
        PasskeyError::Attestation,
    ),
    (
        "packed with another algorithm",
        |f| {
            f.format = "packed";
            let sig = Value::Bytes(f.signature());
            f.statement = Some(cbor!({"alg" => -8, "sig" => sig}).unwrap());
        },
        PasskeyError::Attestation,
    ),
    (
        "packed by another key",
        |f| {
            f.format = "packed";
            let sig = Value::Bytes(Key::p256().sign(&f.data()));
            f.statement = Some(cbor!({"alg" => -7, "sig" => sig}).unwrap());
        },
        PasskeyError::Signature,
    ),
    (
        "something behind the object",
        |f| f.object_tail = vec![0],
        PasskeyError::Attestation,
    ),
    (
        "a large object",
        |f| f.object_tail = vec![0; 16_384],
        PasskeyError::TooLarge,
    ),
];

#[test]
fn every_lie_is_refused_for_what_it_is() {
    for (what, lie, error) in LIES {
        let mut forge = Forge::create(Key::p256());
        lie(&mut forge);
        assert_eq!(verify(&forge.created()), Err(*error), "{what}");
    }
}

#[test]
fn an_object_with_other_members_or_a_member_twice_is_refused() {
    let forge = Forge::create(Key::p256());
    let good = |name: &str| match name {
        "fmt" => Value::from("none"),
        "attStmt" => Value::Map(Vec::new()),
        _ => Value::Bytes(forge.data()),
    };
    for names in [
        &["fmt", "attStmt"][..],
        &["fmt", "attStmt", "authData", "authData"],
        &["fmt", "attStmt", "attStmt"],
        &["fmt", "attStmt", "authdata"],
    ] {
        let pairs = names.iter().map(|name| ((*name).into(), good(name))).collect();
        let created = Created {
            attestation: encoded(&Value::Map(pairs)),
            ..forge.created()
        };
        assert_eq!(verify(&created), Err(PasskeyError::Attestation), "{names:?}");
    }
}

#[test]
fn authenticator_data_cut_anywhere_is_refused() {
    let forge = Forge::create(Key::ed25519());
    let data = forge.data();
    for length in 0..data.len() {
        let data = Value::Bytes(data[..length].to_vec());
        let object = cbor!({"fmt" => "none", "attStmt" => {}, "authData" => data}).unwrap();
        let created = Created {
            attestation: encoded(&object),
            ..forge.created()
        };
        assert!(verify(&created).is_err(), "{length}");
    }
}
