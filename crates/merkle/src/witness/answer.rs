//! The body of a witness's 200.

use crate::cosignature::{CosignerKey, OpenCosignatures, cosignatures};
use crate::note::{MAX_NOTE_BYTES, Note, NoteSignature, ParseNote};

/// Why an answer brings no cosignature.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadAnswer {
    /// It is no sequence of signature lines.
    #[error("the witness's answer is no sequence of signature lines")]
    Malformed(#[from] ParseNote),
    /// A cosignature in it is wrong.
    #[error("the witness's cosignature does not hold")]
    Wrong(#[from] OpenCosignatures),
    /// No known key has cosigned.
    #[error("the witness's answer holds no cosignature of its known key")]
    NotCosigned,
    /// A witness never leaves the time out.
    #[error("the witness's cosignature has no time")]
    NoTime,
}

/// The lines of `answer` that keys in `known` made over `checkpoint`, each checked. Lines of other keys are ignored.
///
/// # Errors
/// [`ReadAnswer`].
pub fn read_answer(answer: &[u8], checkpoint: &Note, known: &[CosignerKey]) -> Result<Vec<NoteSignature>, ReadAnswer> {
    if answer.len() > MAX_NOTE_BYTES {
        return Err(ParseNote::TooLong.into());
    }
    let body = [checkpoint.text().as_bytes(), b"\n", answer].concat();
    let note = Note::parse(&body)?;
    if note.text() != checkpoint.text() {
        return Err(ParseNote::SignatureLine.into());
    }
    let found = cosignatures(&note, known)?;
    if found.is_empty() {
        return Err(ReadAnswer::NotCosigned);
    }
    if found.iter().any(|cosigned| cosigned.time == 0) {
        return Err(ReadAnswer::NoTime);
    }
    let ours = |line: &&NoteSignature| {
        known
            .iter()
            .any(|key| key.name() == line.name() && key.id() == line.id())
    };
    Ok(note.signatures().iter().filter(ours).cloned().collect())
}
