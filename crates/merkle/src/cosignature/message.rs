//! What a cosigner signs.

use crate::checkpoint::Checkpoint;
use crate::note::KeyName;

/// The header of Ed25519 cosignatures: domain separation.
const HEADER_V1: &str = "cosignature/v1";
/// The label of ML-DSA-44 cosignatures, 12 bytes.
const LABEL_SUBTREE_V1: &[u8; 12] = b"subtree/v1\n\0";

/// The message of an Ed25519 cosignature over the whole text of the note.
pub(super) fn ed25519(time: u64, text: &str) -> Vec<u8> {
    format!("{HEADER_V1}\ntime {time}\n{text}").into_bytes()
}

/// The `cosigned_message` of an ML-DSA-44 cosignature over a whole tree; `None` if a name is longer than 255 bytes.
pub(super) fn ml_dsa_44(cosigner: &KeyName, time: u64, checkpoint: &Checkpoint) -> Option<Vec<u8>> {
    let mut message = LABEL_SUBTREE_V1.to_vec();
    push_short(&mut message, cosigner.as_str())?;
    message.extend_from_slice(&time.to_be_bytes());
    push_short(&mut message, &checkpoint.origin)?;
    message.extend_from_slice(&0_u64.to_be_bytes());
    message.extend_from_slice(&checkpoint.size.to_be_bytes());
    message.extend_from_slice(checkpoint.root.as_bytes());
    Some(message)
}

/// `opaque text<1..2^8-1>` of RFC 8446 section 3.4.
fn push_short(message: &mut Vec<u8>, text: &str) -> Option<()> {
    message.push(u8::try_from(text.len()).ok().filter(|length| *length > 0)?);
    message.extend_from_slice(text.as_bytes());
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hash::Hash;

    fn checkpoint(origin: &str) -> Checkpoint {
        Checkpoint {
            origin: origin.to_owned(),
            size: 258,
            root: Hash::from_bytes([7; 32]),
        }
    }

    #[test]
    fn the_message_of_ml_dsa_is_the_structure_of_the_document_byte_for_byte() {
        let message = ml_dsa_44(&"w/1".parse().unwrap(), 1, &checkpoint("l/1")).unwrap();
        let mut wanted = b"subtree/v1\n\0\x03w/1".to_vec();
        wanted.extend([0, 0, 0, 0, 0, 0, 0, 1]);
        wanted.extend(b"\x03l/1");
        wanted.extend([0; 8]);
        wanted.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        wanted.extend([7; 32]);
        assert_eq!(message, wanted);
    }

    #[test]
    fn a_name_that_one_byte_can_t_count_has_no_message() {
        let long = "l".repeat(256);
        assert!(ml_dsa_44(&"w/1".parse().unwrap(), 1, &checkpoint(&long)).is_none());
        assert!(ml_dsa_44(&long.parse().unwrap(), 1, &checkpoint("l/1")).is_none());
        assert!(ml_dsa_44(&"w".repeat(255).parse().unwrap(), 1, &checkpoint("l/1")).is_some());
    }

    #[test]
    fn the_message_of_ed25519_has_two_lines_before_the_text() {
        assert_eq!(
            ed25519(1_679_315_147, "a\n1\n"),
            b"cosignature/v1\ntime 1679315147\na\n1\n"
        );
    }
}
