//! An authenticator and a browser that lie on request.
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use ciborium::{Value, cbor};

use super::super::{Asserted, Created, RelyingParty};

pub const CHALLENGE: &str = "Y2hhbGxlbmdlLWNoYWxsZW5nZS1jaGFsbGVuZ2UtY2hhbGxlbmdlLWNoYWxsZW5nZS1jaGE";
pub const ORIGIN: &str = "https://gate.example.org";

pub fn party() -> RelyingParty {
    RelyingParty::new("gate.example.org", ORIGIN)
}

pub enum Key {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
}

impl Key {
    pub fn p256() -> Self {
        Self::P256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap())
    }

    pub fn ed25519() -> Self {
        Self::Ed25519(Ed25519KeyPair::generate().unwrap())
    }

    pub fn sign(&self, data: &[u8]) -> Vec<u8> {
        match self {
            Self::P256(key) => key.sign(&SystemRandom::new(), data).unwrap().as_ref().to_vec(),
            Self::Ed25519(key) => key.sign(data).as_ref().to_vec(),
        }
    }

    pub fn alg(&self) -> i64 {
        match self {
            Self::P256(_) => -7,
            Self::Ed25519(_) => -8,
        }
    }

    /// The key in COSE, as pairs.
    pub fn cose(&self) -> Vec<(Value, Value)> {
        let pairs = match self {
            Self::P256(key) => {
                let point = key.public_key().as_ref();
                vec![
                    (1, 2.into()),
                    (3, (-7).into()),
                    (-1, 1.into()),
                    (-2, Value::Bytes(point[1..33].to_vec())),
                    (-3, Value::Bytes(point[33..].to_vec())),
                ]
            }
            Self::Ed25519(key) => vec![
                (1, 1.into()),
                (3, (-8).into()),
                (-1, 6.into()),
                (-2, Value::Bytes(key.public_key().as_ref().to_vec())),
            ],
        };
        pairs
            .into_iter()
            .map(|(label, value)| (Value::from(label), value))
            .collect()
    }
}

pub fn encoded(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).unwrap();
    bytes
}

pub fn hash(bytes: &[u8]) -> Vec<u8> {
    digest::digest(&digest::SHA256, bytes).as_ref().to_vec()
}

/// One ceremony, whose every part may be replaced.
pub struct Forge {
    pub key: Key,
    pub client_data: String,
    pub party: &'static str,
    pub flags: u8,
    pub count: u32,
    pub id: Vec<u8>,
    pub named: Vec<u8>,
    pub cose: Vec<(Value, Value)>,
    /// Behind everything that the authenticator data should hold.
    pub tail: Vec<u8>,
    pub format: &'static str,
    /// `None`: as the format has it.
    pub statement: Option<Value>,
    pub object_tail: Vec<u8>,
    pub user_handle: Option<Vec<u8>>,
}

pub fn client_data(kind: &str, challenge: &str, origin: &str) -> String {
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}

impl Forge {
    /// A registration that is right.
    pub fn create(key: Key) -> Self {
        Self {
            client_data: client_data("webauthn.create", CHALLENGE, ORIGIN),
            party: "gate.example.org",
            flags: 0b0100_0101,
            count: 0,
            id: vec![7; 32],
            named: vec![7; 32],
            cose: key.cose(),
            tail: Vec::new(),
            format: "none",
            statement: None,
            object_tail: Vec::new(),
            user_handle: None,
            key,
        }
    }

    /// An assertion that is right, by a key registered with [`Forge::create`].
    pub fn get(key: Key) -> Self {
        Self {
            client_data: client_data("webauthn.get", CHALLENGE, ORIGIN),
            flags: 0b101,
            count: 6,
            user_handle: Some(vec![1; 32]),
            ..Self::create(key)
        }
    }

    pub fn data(&self) -> Vec<u8> {
        let mut data = [
            hash(self.party.as_bytes()).as_slice(),
            &[self.flags],
            &self.count.to_be_bytes(),
        ]
        .concat();
        if self.flags & 0b0100_0000 != 0 {
            data.extend([0; 16]);
            data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
            data.extend(&self.id);
            data.extend(encoded(&Value::Map(self.cose.clone())));
        }
        data.extend(&self.tail);
        data
    }

    pub fn signature(&self) -> Vec<u8> {
        self.key
            .sign(&[self.data(), hash(self.client_data.as_bytes())].concat())
    }

    pub fn created(&self) -> Created {
        let statement = match (&self.statement, self.format) {
            (Some(statement), _) => statement.clone(),
            (None, "packed") => {
                let (alg, sig) = (self.key.alg(), Value::Bytes(self.signature()));
                cbor!({"alg" => alg, "sig" => sig}).unwrap()
            }
            (None, _) => Value::Map(Vec::new()),
        };
        let (format, data) = (self.format, Value::Bytes(self.data()));
        let object = cbor!({"fmt" => format, "attStmt" => statement, "authData" => data}).unwrap();
        Created {
            id: self.named.clone(),
            client_data: self.client_data.clone().into_bytes(),
            attestation: [encoded(&object), self.object_tail.clone()].concat(),
        }
    }

    pub fn asserted(&self) -> Asserted {
        Asserted {
            id: self.named.clone(),
            client_data: self.client_data.clone().into_bytes(),
            authenticator_data: self.data(),
            signature: self.signature(),
            user_handle: self.user_handle.clone(),
        }
    }
}
