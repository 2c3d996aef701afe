//! One question to one witness.
use keepgate_merkle::{
    note::NoteSignature,
    witness::{AddCheckpoint, SIZE_MEDIA_TYPE, read_answer},
};
use keepgate_store::StoreError;

use super::{Alarm, AlarmKind, CosignedLogs, Endpoint, LogCheckpoint, Witness, WitnessReply};

/// How often a witness may correct us within one question: once is usual, twice when two instances ask at once.
const CORRECTIONS: usize = 3;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answered {
    /// Its keys cosigned the checkpoint; each line was verified.
    Cosigned(Vec<NoteSignature>),
    /// It has cosigned a larger checkpoint. Whether that is one of ours only the latest checkpoint can tell; if it is
    /// not, this is the alarm.
    Ahead(Alarm),
    /// It has cosigned another past.
    Contradicts(Alarm),
    /// It won't, for a reason that says nothing about the past: a stable word.
    Refused(&'static str),
    /// There was no answer.
    Unreachable,
}

/// Asks `witness` at `endpoint` to cosign `checkpoint`. `old` is the size it cosigned last, as far as the log knows; it
/// corrects us if that is wrong (status 409).
///
/// # Errors
/// [`StoreError`] when the proof can't be built: [`StoreError::Corrupt`] if the log lacks hashes that it must have.
pub async fn ask(
    witness: &dyn Witness,
    logs: &dyn CosignedLogs,
    endpoint: &Endpoint,
    checkpoint: &LogCheckpoint,
    old: u64,
) -> Result<Answered, StoreError> {
    let mut old = old.min(checkpoint.size);
    for _ in 0..CORRECTIONS {
        let request = request(logs, checkpoint, old).await?.to_string();
        let Ok(reply) = witness.add_checkpoint(&endpoint.url, request.clone()).await else {
            return Ok(Answered::Unreachable);
        };
        let alarm = |kind, told| Alarm {
            witness: endpoint.name.clone(),
            kind,
            told,
            request: clip(&request, 20_000),
            answer: clip(&String::from_utf8_lossy(&reply.body), 4_000),
        };
        match reply.status {
            200 => {
                return Ok(match read_answer(&reply.body, &checkpoint.note, &endpoint.keys) {
                    Ok(lines) => Answered::Cosigned(lines),
                    Err(_) => Answered::Refused("bad-cosignature"),
                });
            }
            409 => match told_size(&reply) {
                Some(told) if told > checkpoint.size => {
                    return Ok(Answered::Ahead(alarm(AlarmKind::Ahead, told)));
                }
                Some(told) if told != old => old = told,
                // tlog-witness 1.0.0 answers another root at the same size so.
                Some(told) if told == checkpoint.size => {
                    return Ok(Answered::Contradicts(alarm(AlarmKind::Inconsistent, told)));
                }
                _ => return Ok(Answered::Refused("bad-size")),
            },
            422 => return Ok(Answered::Contradicts(alarm(AlarmKind::Inconsistent, old))),
            status => return Ok(Answered::Refused(word(status))),
        }
    }
    Ok(Answered::Refused("no-agreement"))
}

async fn request(logs: &dyn CosignedLogs, to: &LogCheckpoint, old: u64) -> Result<AddCheckpoint, StoreError> {
    let proof = if 0 < old && old < to.size {
        let found = logs.consistency(to.tenant, old, to.size).await?;
        found.ok_or(StoreError::corrupt("audit.tile", "hashes"))?
    } else {
        Vec::new()
    };
    let checkpoint = to.note.clone();
    Ok(AddCheckpoint { old, proof, checkpoint })
}

/// The size in a 409, which is one line in its own media type.
fn told_size(reply: &WitnessReply) -> Option<u64> {
    let text = std::str::from_utf8(&reply.body).ok()?.strip_suffix('\n')?;
    let size: u64 = text.parse().ok()?;
    (reply.media_type == SIZE_MEDIA_TYPE && size.to_string() == text).then_some(size)
}

const fn word(status: u16) -> &'static str {
    match status {
        400 => "malformed",
        403 => "key-not-trusted",
        404 => "log-unknown",
        429 => "too-many-requests",
        500..=599 => "witness-failed",
        _ => "unexpected-status",
    }
}

fn clip(text: &str, most: usize) -> String {
    text.chars().filter(|c| *c != '\0').take(most).collect()
}
