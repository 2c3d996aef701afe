//! Public keys of passkeys: from COSE (RFC 9053), on record, and at work.
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, VerificationAlgorithm};
use ciborium::Value;
use coset::{
    AsCborValue, CoseKey, KeyType, Label, RegisteredLabelWithPrivate,
    iana::{self, Ec2KeyParameter, EllipticCurve, EnumI64, OkpKeyParameter},
};

use super::PasskeyError;

/// The version of the form on record.
const FORM: u8 = 1;
/// An uncompressed point of SEC 1, section 2.3.3.
const UNCOMPRESSED: u8 = 4;

/// How a passkey signs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on P-256 with SHA-256; the signature is DER.
    Es256,
    /// EdDSA on Ed25519.
    Ed25519,
}

impl Algorithm {
    /// All that are accepted, the preferred one first.
    pub const ALL: [Self; 2] = [Self::Ed25519, Self::Es256];

    /// The number in COSE (RFC 9053, section 2).
    #[must_use]
    pub const fn cose(self) -> i64 {
        match self {
            Self::Es256 => -7,
            Self::Ed25519 => -8,
        }
    }

    /// The number on record.
    const fn stored(self) -> u8 {
        match self {
            Self::Es256 => 1,
            Self::Ed25519 => 2,
        }
    }

    fn verification(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Es256 => &ECDSA_P256_SHA256_ASN1,
            Self::Ed25519 => &ED25519,
        }
    }
}

/// The public key of a passkey, and whether it may be on several devices.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    algorithm: Algorithm,
    backup_eligible: bool,
    /// An uncompressed point, or the 32 bytes of Ed25519.
    key: Vec<u8>,
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credential")
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

impl Credential {
    /// Reads a key that holds what its type asks for and nothing else (section 6.5.1).
    pub(super) fn from_cose(value: Value, backup_eligible: bool) -> Result<Self, PasskeyError> {
        let cose = CoseKey::from_cbor_value(value).map_err(|_| PasskeyError::Key)?;
        if !(cose.key_id.is_empty() && cose.key_ops.is_empty() && cose.base_iv.is_empty()) {
            return Err(PasskeyError::Key);
        }
        let (algorithm, key) = match (&cose.alg, &cose.kty) {
            (Some(alg), KeyType::Assigned(iana::KeyType::EC2)) if *alg == is(iana::Algorithm::ES256) => {
                (Algorithm::Es256, point(&cose)?)
            }
            (Some(alg), KeyType::Assigned(iana::KeyType::OKP)) if *alg == is(iana::Algorithm::EdDSA) => {
                (Algorithm::Ed25519, edwards(&cose)?)
            }
            _ => return Err(PasskeyError::Algorithm),
        };
        Self::checked(algorithm, backup_eligible, key)
    }

    /// Reads what is on record; `None` if that is something else.
    #[must_use]
    pub fn from_record(bytes: &[u8]) -> Option<Self> {
        let ([form, algorithm, eligible], key) = bytes.split_first_chunk::<3>()?;
        let algorithm = Algorithm::ALL.into_iter().find(|known| known.stored() == *algorithm)?;
        if *form != FORM || *eligible > 1 {
            return None;
        }
        Self::checked(algorithm, *eligible == 1, key.to_vec()).ok()
    }

    /// What is put on record.
    #[must_use]
    pub fn to_record(&self) -> Vec<u8> {
        let head = [FORM, self.algorithm.stored(), u8::from(self.backup_eligible)];
        [head.as_slice(), &self.key].concat()
    }

    /// How it signs.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    pub(super) const fn is_backup_eligible(&self) -> bool {
        self.backup_eligible
    }

    /// The key is on its curve, or this is an error.
    fn checked(algorithm: Algorithm, backup_eligible: bool, key: Vec<u8>) -> Result<Self, PasskeyError> {
        ParsedPublicKey::new(algorithm.verification(), &key).map_err(|_| PasskeyError::Key)?;
        Ok(Self {
            algorithm,
            backup_eligible,
            key,
        })
    }

    /// Whether `signature` is this key's, over the authenticator data and the hash of the client data.
    pub(super) fn verify(&self, data: &[u8], client_hash: &[u8; 32], signature: &[u8]) -> Result<(), PasskeyError> {
        let key = ParsedPublicKey::new(self.algorithm.verification(), &self.key).map_err(|_| PasskeyError::Key)?;
        let signed = [data, client_hash].concat();
        key.verify_sig(&signed, signature).map_err(|_| PasskeyError::Signature)
    }
}

const fn is(algorithm: iana::Algorithm) -> RegisteredLabelWithPrivate<iana::Algorithm> {
    RegisteredLabelWithPrivate::Assigned(algorithm)
}

/// Exactly these parameters, each 32 bytes but the curve.
fn parameters<const N: usize>(cose: &CoseKey, curve: (i64, EllipticCurve), names: [i64; N]) -> Option<Vec<u8>> {
    if cose.params.len() != N + 1 {
        return None;
    }
    let get = |name: i64| {
        let found = cose.params.iter().find(|(label, _)| *label == Label::Int(name));
        found.map(|(_, value)| value)
    };
    if get(curve.0)?.as_integer()? != curve.1.to_i64().into() {
        return None;
    }
    let parts = names
        .into_iter()
        .map(|name| get(name)?.as_bytes().filter(|bytes| bytes.len() == 32));
    parts
        .collect::<Option<Vec<_>>>()
        .map(|parts| parts.into_iter().flatten().copied().collect())
}

fn point(cose: &CoseKey) -> Result<Vec<u8>, PasskeyError> {
    let curve = (Ec2KeyParameter::Crv.to_i64(), EllipticCurve::P_256);
    let names = [Ec2KeyParameter::X.to_i64(), Ec2KeyParameter::Y.to_i64()];
    let coordinates = parameters(cose, curve, names).ok_or(PasskeyError::Key)?;
    Ok([&[UNCOMPRESSED], coordinates.as_slice()].concat())
}

fn edwards(cose: &CoseKey) -> Result<Vec<u8>, PasskeyError> {
    let curve = (OkpKeyParameter::Crv.to_i64(), EllipticCurve::Ed25519);
    parameters(cose, curve, [OkpKeyParameter::X.to_i64()]).ok_or(PasskeyError::Key)
}
