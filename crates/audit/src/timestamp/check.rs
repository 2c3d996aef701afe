//! Whether an answer is a time stamp of what was asked, by somebody who is trusted with time.
use chrono::DateTime;
use cmpv2::status::PkiStatus;
use cms::{content_info::ContentInfo, signed_data::SignedData};
use der::{
    Decode, Encode,
    asn1::ObjectIdentifier,
    oid::db::{rfc5911, rfc5912},
};
use rustls_pki_types::UnixTime;
use sha2::{Digest, Sha256};
use x509_tsp::{TimeStampResp, TstInfo};

use super::{Query, Stamp, Trust, signer::check_signer};

/// `id-ct-TSTInfo` (RFC 3161 section 2.4.2).
pub(super) const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");

/// Why an answer is no time stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadStamp {
    /// It can't be read. Times with fractions of a second are among what is not read.
    #[error("the answer is no time-stamp response")]
    Malformed,
    /// The authority refused.
    #[error("the authority granted no time stamp")]
    Refused,
    /// It is a stamp of other bytes.
    #[error("the time stamp is of something else")]
    Imprint,
    /// It answers another question: an old answer, or somebody else's.
    #[error("the time stamp answers another question")]
    Nonce,
    /// It was issued under another policy.
    #[error("the time stamp was issued under another policy")]
    Policy,
    /// It is not signed as RFC 3161 and RFC 5816 ask, or the signature does not hold.
    #[error("the signature of the time stamp does not hold")]
    Signature,
    /// Its signer's certificate leads to no trusted root, was not valid then, or is not for time stamps alone.
    #[error("the signer of the time stamp is not trusted with time")]
    Untrusted,
}

impl BadStamp {
    /// The word in metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::Refused => "refused",
            Self::Imprint => "imprint",
            Self::Nonce => "nonce",
            Self::Policy => "policy",
            Self::Signature => "signature",
            Self::Untrusted => "untrusted",
        }
    }
}

impl From<der::Error> for BadStamp {
    fn from(_: der::Error) -> Self {
        Self::Malformed
    }
}

/// Checks the answer `reply` to `query`: granted, about the same bytes, with the same nonce, and all that [`check_token`] asks.
///
/// # Errors
/// [`BadStamp`].
pub fn check_reply(reply: &[u8], query: &Query, trust: &Trust) -> Result<Stamp, BadStamp> {
    let reply = TimeStampResp::from_der(reply)?;
    if !matches!(reply.status.status, PkiStatus::Accepted | PkiStatus::GrantedWithMods) {
        return Err(BadStamp::Refused);
    }
    let token = reply.time_stamp_token.ok_or(BadStamp::Refused)?;
    let (info, stamp) = checked(&token, query.imprint, trust)?;
    if info.nonce.is_none_or(|nonce| nonce.as_bytes() != query.nonce) {
        return Err(BadStamp::Nonce);
    }
    Ok(stamp)
}

/// Checks a token that was kept: over `text`, under the policy asked for, signed by a certificate that the signature names,
/// which is meant for time stamps alone and led to a trusted root when the stamp was made. Nobody is asked: whether the
/// certificate was revoked meanwhile is not looked up.
///
/// # Errors
/// [`BadStamp`].
pub fn check_token(token: &[u8], text: &[u8], trust: &Trust) -> Result<Stamp, BadStamp> {
    let token = ContentInfo::from_der(token)?;
    checked(&token, Sha256::digest(text).into(), trust).map(|(_, stamp)| stamp)
}

fn checked(token: &ContentInfo, imprint: [u8; 32], trust: &Trust) -> Result<(TstInfo, Stamp), BadStamp> {
    if token.content_type != rfc5911::ID_SIGNED_DATA {
        return Err(BadStamp::Malformed);
    }
    let signed: SignedData = token.content.decode_as()?;
    let content = signed.encap_content_info.econtent.as_ref();
    let content = content.filter(|_| signed.encap_content_info.econtent_type == TST_INFO);
    let content = content.ok_or(BadStamp::Malformed)?.value();
    let info = TstInfo::from_der(content)?;
    let told = &info.message_imprint;
    if told.hash_algorithm.oid != rfc5912::ID_SHA_256 || told.hashed_message.as_bytes() != imprint {
        return Err(BadStamp::Imprint);
    }
    if trust.policy.is_some_and(|policy| policy != info.policy) {
        return Err(BadStamp::Policy);
    }
    let time = info.gen_time.to_unix_duration();
    check_signer(&signed, content, trust, UnixTime::since_unix_epoch(time))?;
    let seconds = i64::try_from(time.as_secs()).map_err(|_| BadStamp::Malformed)?;
    let stamp = Stamp {
        token: token.to_der()?,
        at: DateTime::from_timestamp(seconds, 0).ok_or(BadStamp::Malformed)?,
        policy: info.policy.to_string(),
    };
    Ok((info, stamp))
}
