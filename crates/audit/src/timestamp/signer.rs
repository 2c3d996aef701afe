//! Who signed a token (RFC 5652 section 5, RFC 3161 sections 2.3 and 2.4.2, RFC 5816).
use cms::{
    cert::{
        CertificateChoices,
        x509::{Certificate, attr::Attribute, ext::pkix::ExtendedKeyUsage, spki::AlgorithmIdentifierOwned},
    },
    signed_data::{SignedData, SignerInfo},
};
use der::{
    Any, Encode, Sequence,
    asn1::{ObjectIdentifier, OctetString},
    oid::db::{rfc5280, rfc5911, rfc5912},
};
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm, UnixTime};
use sha2::{Digest, Sha256, Sha384, Sha512};
use webpki::{EndEntityCert, KeyUsage, aws_lc_rs as algorithms};

use super::{BadStamp, Trust, check::TST_INFO};

/// `id-kp-timeStamping`, the content of its DER.
const TIME_STAMPING: &[u8] = &[0x2B, 6, 1, 5, 5, 7, 3, 8];

#[derive(Sequence)]
struct EssCertIdV2 {
    #[asn1(optional = "true")]
    hash_algorithm: Option<AlgorithmIdentifierOwned>,
    cert_hash: OctetString,
    #[asn1(optional = "true")]
    issuer_serial: Option<Any>,
}

#[derive(Sequence)]
struct SigningCertificateV2 {
    certs: Vec<EssCertIdV2>,
    #[asn1(optional = "true")]
    policies: Option<Any>,
}

/// Checks that one signer signed `content`, and that it is trusted with time at `time`.
pub(super) fn check_signer(signed: &SignedData, content: &[u8], trust: &Trust, time: UnixTime) -> Result<(), BadStamp> {
    let [signer] = signed.signer_infos.0.as_slice() else {
        return Err(BadStamp::Signature);
    };
    let named = check_attributes(signer, content)?;
    let all = certificates(signed)?;
    let own = all.iter().find(|(_, der)| named.is_hash_of(der));
    let (certificate, der) = own.ok_or(BadStamp::Signature)?;
    check_signature(signer, der)?;
    check_purpose(certificate)?;
    let chain: Vec<CertificateDer<'static>> = all.iter().map(|(_, der)| der.clone()).collect();
    check_chain(der, &chain, trust, time)
}

/// The certificate that a signature names.
struct Named {
    algorithm: ObjectIdentifier,
    hash: Vec<u8>,
}

impl Named {
    fn is_hash_of(&self, certificate: &CertificateDer<'_>) -> bool {
        digest(self.algorithm, certificate).is_some_and(|hash| hash == self.hash)
    }
}

fn digest(algorithm: ObjectIdentifier, bytes: &[u8]) -> Option<Vec<u8>> {
    match algorithm {
        rfc5912::ID_SHA_256 => Some(Sha256::digest(bytes).to_vec()),
        rfc5912::ID_SHA_384 => Some(Sha384::digest(bytes).to_vec()),
        rfc5912::ID_SHA_512 => Some(Sha512::digest(bytes).to_vec()),
        _ => None,
    }
}

/// The one value of the one attribute of this kind.
fn attribute(signer: &SignerInfo, kind: ObjectIdentifier) -> Result<&Any, BadStamp> {
    let mut found = signer
        .signed_attrs
        .iter()
        .flat_map(|attributes| attributes.iter())
        .filter(|attribute: &&Attribute| attribute.oid == kind);
    match (found.next().map(|attribute| attribute.values.as_slice()), found.next()) {
        (Some([value]), None) => Ok(value),
        _ => Err(BadStamp::Signature),
    }
}

/// What is signed must say what it is, hash to the content, and name the signer's certificate.
fn check_attributes(signer: &SignerInfo, content: &[u8]) -> Result<Named, BadStamp> {
    let kind: ObjectIdentifier = attribute(signer, rfc5911::ID_CONTENT_TYPE)?.decode_as()?;
    let told: OctetString = attribute(signer, rfc5911::ID_MESSAGE_DIGEST)?.decode_as()?;
    let computed = digest(signer.digest_alg.oid, content).ok_or(BadStamp::Signature)?;
    if kind != TST_INFO || told.as_bytes() != computed {
        return Err(BadStamp::Signature);
    }
    let named: SigningCertificateV2 = attribute(signer, rfc5911::ID_AA_SIGNING_CERTIFICATE_V_2)?.decode_as()?;
    let first = named.certs.into_iter().next().ok_or(BadStamp::Signature)?;
    Ok(Named {
        algorithm: first
            .hash_algorithm
            .map_or(rfc5912::ID_SHA_256, |algorithm| algorithm.oid),
        hash: first.cert_hash.into_bytes(),
    })
}

fn certificates(signed: &SignedData) -> Result<Vec<(&Certificate, CertificateDer<'static>)>, BadStamp> {
    let mut found = Vec::new();
    for choice in signed.certificates.iter().flat_map(|set| set.0.iter()) {
        if let CertificateChoices::Certificate(certificate) = choice {
            found.push((certificate, certificate.to_der()?.into()));
        }
    }
    Ok(found)
}

fn check_signature(signer: &SignerInfo, own: &CertificateDer<'_>) -> Result<(), BadStamp> {
    let message = signer.signed_attrs.as_ref().ok_or(BadStamp::Signature)?.to_der()?;
    let own = EndEntityCert::try_from(own).map_err(|_| BadStamp::Untrusted)?;
    let holds = |algorithm: &&dyn SignatureVerificationAlgorithm| {
        own.verify_signature(*algorithm, &message, signer.signature.as_bytes())
            .is_ok()
    };
    if candidates(signer).iter().any(holds) {
        Ok(())
    } else {
        Err(BadStamp::Signature)
    }
}

/// The algorithms that the signature may mean; the certificate's key decides among them.
fn candidates(signer: &SignerInfo) -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let (named, hash) = (signer.signature_algorithm.oid, signer.digest_alg.oid);
    match (named, hash) {
        (rfc5912::RSA_ENCRYPTION | rfc5912::SHA_256_WITH_RSA_ENCRYPTION, rfc5912::ID_SHA_256) => {
            vec![algorithms::RSA_PKCS1_2048_8192_SHA256]
        }
        (rfc5912::RSA_ENCRYPTION | rfc5912::SHA_384_WITH_RSA_ENCRYPTION, rfc5912::ID_SHA_384) => {
            vec![algorithms::RSA_PKCS1_2048_8192_SHA384]
        }
        (rfc5912::RSA_ENCRYPTION | rfc5912::SHA_512_WITH_RSA_ENCRYPTION, rfc5912::ID_SHA_512) => {
            vec![algorithms::RSA_PKCS1_2048_8192_SHA512]
        }
        (rfc5912::ECDSA_WITH_SHA_256, rfc5912::ID_SHA_256) => {
            vec![algorithms::ECDSA_P256_SHA256, algorithms::ECDSA_P384_SHA256]
        }
        (rfc5912::ECDSA_WITH_SHA_384, rfc5912::ID_SHA_384) => {
            vec![algorithms::ECDSA_P256_SHA384, algorithms::ECDSA_P384_SHA384]
        }
        (rfc5912::ECDSA_WITH_SHA_512, rfc5912::ID_SHA_512) => {
            vec![algorithms::ECDSA_P256_SHA512, algorithms::ECDSA_P384_SHA512]
        }
        _ => Vec::new(),
    }
}

/// The certificate is for time stamps and for nothing else, and says so critically (RFC 3161 section 2.3).
fn check_purpose(own: &Certificate) -> Result<(), BadStamp> {
    match own.tbs_certificate.get::<ExtendedKeyUsage>() {
        Ok(Some((true, ExtendedKeyUsage(purposes)))) if purposes == [rfc5280::ID_KP_TIME_STAMPING] => Ok(()),
        _ => Err(BadStamp::Untrusted),
    }
}

fn check_chain(
    own: &CertificateDer<'_>,
    all: &[CertificateDer<'static>],
    trust: &Trust,
    time: UnixTime,
) -> Result<(), BadStamp> {
    let end = EndEntityCert::try_from(own).map_err(|_| BadStamp::Untrusted)?;
    let usage = KeyUsage::required(TIME_STAMPING);
    end.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &trust.roots,
        all,
        time,
        usage,
        None,
        None,
    )
    .map(|_| ())
    .map_err(|_| BadStamp::Untrusted)
}
