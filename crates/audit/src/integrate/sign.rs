//! Signing.
use keepgate_merkle::{
    checkpoint::Checkpoint,
    cosignature::{CosignerKey, cosignatures},
    note::Note,
    tree::Frontier,
};

use super::{LogFault, LogKeys, SignedHead};

/// Size and root of a tree.
pub(crate) fn state_of(frontier: &Frontier) -> SignedHead {
    SignedHead {
        size: frontier.size(),
        root: frontier.root(),
    }
}

/// The text that a checkpoint signs, and the leaf it becomes in the log of logs.
pub(crate) fn body(origin: &str, state: SignedHead) -> String {
    checkpoint(origin, state).to_string()
}

fn checkpoint(origin: &str, state: SignedHead) -> Checkpoint {
    Checkpoint {
        origin: origin.to_owned(),
        size: state.size,
        root: state.root,
    }
}

/// The signed note for a log of this state, read back with the signers' own public keys before anybody sees it. `at` is in
/// POSIX seconds: ML-DSA-44 signatures carry a time.
pub(crate) fn sign(origin: &str, state: SignedHead, keys: &LogKeys, at: u64) -> Result<String, LogFault> {
    let checkpoint = checkpoint(origin, state);
    let text = checkpoint.to_string();
    let mut signers = keys.signers();
    let mut note: Option<Note> = None;
    for signer in &mut signers {
        note = Some(match note {
            None => checkpoint.sign(signer)?,
            Some(note) => note.with_signature(signer.signature(&text)?)?,
        });
    }
    let mut note = note.ok_or(LogFault::HeadChanged)?;
    for cosigner in keys.cosigners() {
        note = note.with_signature(cosigner.cosign(&text, at)?)?;
    }
    let verifiers = keys.verifiers();
    let open = Checkpoint::open(note.to_string().as_bytes(), origin, &verifiers);
    open.map_err(LogFault::BadSignature)?;
    let seconds: Vec<CosignerKey> = keys.cosigners().map(|cosigner| cosigner.verifier().clone()).collect();
    let held = cosignatures(&note, &seconds).map_or(0, |found| found.len());
    if held == seconds.len() {
        Ok(note.to_string())
    } else {
        Err(LogFault::HeadChanged)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepgate_merkle::{
        cosignature::{Cosigner, Scheme},
        hash::leaf_hash,
        note::{NoteSigner, VerifierKey},
    };

    fn signer(seed: u8) -> NoteSigner {
        NoteSigner::from_seed("gate.example/audit/x".parse().unwrap(), &[seed; 32]).unwrap()
    }

    #[test]
    fn a_checkpoint_carries_the_signature_of_every_key_and_each_verifies_alone() {
        let origin = "gate.example/audit/x";
        let cosigner = Cosigner::from_seed(origin.parse().unwrap(), Scheme::MlDsa44, &[3; 32]).unwrap();
        let post_quantum = cosigner.verifier().clone();
        let keys = LogKeys::new(signer(2), vec![signer(1)], vec![cosigner]);
        let state = SignedHead {
            size: 7,
            root: leaf_hash(b"x"),
        };
        let note = sign(origin, state, &keys, 1_800_000_000).unwrap();
        let opens = |key: VerifierKey| Checkpoint::open(note.as_bytes(), origin, &[key]).is_ok();
        assert!(opens(signer(2).verifier().clone()) && opens(signer(1).verifier().clone()));
        assert!(!opens(signer(9).verifier().clone()));
        let note: Note = note.parse().unwrap();
        let known = [post_quantum];
        let found = cosignatures(&note, &known).unwrap();
        assert_eq!(found.first().unwrap().time, 1_800_000_000);
    }
}
