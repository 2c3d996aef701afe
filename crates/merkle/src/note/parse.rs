//! Reading and writing notes, without judging their signatures.

use std::fmt;
use std::str::FromStr;

use super::key_name::{KeyId, KeyName, KeyNameError};
use crate::base64;

/// How many signature lines a note may have. The signed-note document asks for at least 16.
pub const MAX_SIGNATURES: usize = 64;
/// How long a note may be, in bytes: 64 post-quantum signatures and room for the text.
pub const MAX_NOTE_BYTES: usize = 512 * 1024;

/// What a signature line begins with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// One signature line, not yet checked against any key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoteSignature {
    name: KeyName,
    id: KeyId,
    bytes: Vec<u8>,
}

impl NoteSignature {
    /// A signature made elsewhere, for instance by a key service or a witness. `bytes` leaves out the key id.
    pub const fn new(name: KeyName, id: KeyId, bytes: Vec<u8>) -> Self {
        Self { name, id, bytes }
    }

    /// The name of the key that claims to have signed.
    pub const fn name(&self) -> &KeyName {
        &self.name
    }

    /// The id of the key that claims to have signed.
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// The signature without the key id; its form depends on the key's type.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// A note as it was read: well formed, but nobody has checked a signature. Its text form is the note, byte for byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    text: String,
    signatures: Vec<NoteSignature>,
}

/// Why bytes are not a note, or a text can't become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseNote {
    /// More than [`MAX_NOTE_BYTES`].
    #[error("the note is longer than {MAX_NOTE_BYTES} bytes")]
    TooLong,
    /// Not valid UTF-8.
    #[error("the note is not UTF-8")]
    NotUtf8,
    /// A control character other than the newline.
    #[error("the note contains a control character")]
    ControlCharacter,
    /// The text is empty or does not end in a newline.
    #[error("the text of a note must end in a newline")]
    TextEnd,
    /// No empty line divides text and signatures, or no signature follows it.
    #[error("the note has no signature lines after an empty line")]
    NoSignatures,
    /// More than [`MAX_SIGNATURES`] signature lines.
    #[error("the note has more than {MAX_SIGNATURES} signatures")]
    TooManySignatures,
    /// A signature line is not em dash, name and base64, each divided by one space and ended by a newline.
    #[error("a signature line of the note is malformed")]
    SignatureLine,
    /// The name on a signature line can't be one.
    #[error("a signature line of the note has no valid key name")]
    SignatureName(#[source] KeyNameError),
    /// The base64 of a signature line is not canonical, or holds no signature after the key id.
    #[error("a signature of the note must be canonical base64 of a key id and a signature")]
    SignatureBytes,
}

impl Note {
    /// A note from its parts. Refuses what [`Note::parse`] would not read back.
    pub fn new(text: String, signatures: Vec<NoteSignature>) -> Result<Self, ParseNote> {
        check_text(&text)?;
        let note = Self { text, signatures };
        // Reading it back applies every limit in one place.
        Self::parse(note.to_string().as_bytes())
    }

    /// Reads a note. Its signatures are not checked: see [`Note::open`].
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseNote> {
        if bytes.len() > MAX_NOTE_BYTES {
            return Err(ParseNote::TooLong);
        }
        let note = std::str::from_utf8(bytes).map_err(|_| ParseNote::NotUtf8)?;
        refuse_control_characters(note)?;
        // The text may contain empty lines: the last one divides.
        let (text, lines) = note.rsplit_once("\n\n").ok_or(ParseNote::NoSignatures)?;
        let lines = lines.strip_suffix('\n').ok_or(if lines.is_empty() {
            ParseNote::NoSignatures
        } else {
            ParseNote::SignatureLine
        })?;
        if lines.split('\n').count() > MAX_SIGNATURES {
            return Err(ParseNote::TooManySignatures);
        }
        let signatures = lines.split('\n').map(parse_line).collect::<Result<_, _>>()?;
        Ok(Self {
            text: format!("{text}\n"),
            signatures,
        })
    }

    /// The signed text, with its last newline. Don't trust it before [`Note::open`] succeeded.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The signature lines, in order.
    pub fn signatures(&self) -> &[NoteSignature] {
        &self.signatures
    }

    /// The same note with one more signature line, for instance a witness's.
    pub fn with_signature(mut self, signature: NoteSignature) -> Result<Self, ParseNote> {
        self.signatures.push(signature);
        Self::new(self.text, self.signatures)
    }
}

/// Whether `text` can be the text of a note: ends in a newline, holds no other control character.
pub fn check_text(text: &str) -> Result<(), ParseNote> {
    refuse_control_characters(text)?;
    if text.ends_with('\n') {
        Ok(())
    } else {
        Err(ParseNote::TextEnd)
    }
}

fn refuse_control_characters(text: &str) -> Result<(), ParseNote> {
    if text.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
        Err(ParseNote::ControlCharacter)
    } else {
        Ok(())
    }
}

fn parse_line(line: &str) -> Result<NoteSignature, ParseNote> {
    let (name, text) = line
        .strip_prefix(LINE_START)
        .and_then(|rest| rest.split_once(' '))
        .ok_or(ParseNote::SignatureLine)?;
    let name = name.parse().map_err(ParseNote::SignatureName)?;
    let bytes = base64::decode(text).ok_or(ParseNote::SignatureBytes)?;
    match bytes.split_first_chunk::<4>() {
        Some((id, signature)) if !signature.is_empty() => {
            Ok(NoteSignature::new(name, KeyId::from_bytes(*id), signature.to_vec()))
        }
        _ => Err(ParseNote::SignatureBytes),
    }
}

impl FromStr for Note {
    type Err = ParseNote;

    fn from_str(text: &str) -> Result<Self, ParseNote> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for NoteSignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = [self.id.as_bytes().as_slice(), &self.bytes].concat();
        writeln!(f, "{LINE_START}{} {}", self.name, base64::encode(&bytes))
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.signatures.iter().try_for_each(|signature| signature.fmt(f))
    }
}
