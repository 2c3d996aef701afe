//! What is asked.
use cms::cert::x509::spki::AlgorithmIdentifier;
use der::{
    Encode,
    asn1::{Int, ObjectIdentifier, OctetString},
    oid::db::rfc5912::ID_SHA_256,
};
use sha2::{Digest, Sha256};
use x509_tsp::{MessageImprint, TimeStampReq, TspVersion};

/// A question about some bytes, to be asked once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// SHA-256 of the bytes.
    pub imprint: [u8; 32],
    /// Ties the answer to this question: a positive number of eight bytes.
    pub nonce: [u8; 8],
    pub(super) policy: Option<ObjectIdentifier>,
}

impl Query {
    /// A question about `bytes`, under the policy that `trust` asks for. `random` is used once and told to nobody before; 62 bits
    /// of it count.
    #[must_use]
    pub fn about(bytes: &[u8], random: u64, trust: &super::Trust) -> Self {
        // Positive and without leading zeros, so that DER has one spelling for it.
        let nonce = (random >> 2) | (1 << 62);
        Self {
            imprint: Sha256::digest(bytes).into(),
            nonce: nonce.to_be_bytes(),
            policy: trust.policy,
        }
    }

    /// The `TimeStampReq` in DER, which asks for the certificates too.
    ///
    /// # Errors
    /// None for what [`Query::about`] makes.
    pub fn to_der(&self) -> Result<Vec<u8>, der::Error> {
        TimeStampReq {
            version: TspVersion::V1,
            message_imprint: MessageImprint {
                hash_algorithm: AlgorithmIdentifier {
                    oid: ID_SHA_256,
                    parameters: None,
                },
                hashed_message: OctetString::new(self.imprint.as_slice())?,
            },
            req_policy: self.policy,
            nonce: Some(Int::new(&self.nonce)?),
            cert_req: true,
            extensions: None,
        }
        .to_der()
    }
}
