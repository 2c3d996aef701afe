//! What of a policy file may be handed to others.

use super::{ParsePolicy, Policy};

/// The witnesses, groups and quorum of a policy file, without the logs it lists and without addresses: what somebody else needs to
/// check cosignatures of one log, and nothing about who else has logs.
///
/// # Errors
/// [`ParsePolicy`] for a text that is no policy.
pub fn excerpt(bytes: &[u8]) -> Result<Vec<u8>, ParsePolicy> {
    Policy::parse(bytes)?;
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
        let items: Vec<&[u8]> = line.split(blank).filter(|item| !item.is_empty()).collect();
        let kept = match items.first() {
            Some(&b"witness") => items.len().min(3),
            Some(&(b"group" | b"quorum")) => items.len(),
            _ => continue,
        };
        out.extend(items.get(..kept).unwrap_or_default().join(&b' '));
        out.push(b'\n');
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cosignature::{Cosigner, Scheme};
    use crate::note::NoteSigner;

    #[test]
    fn witnesses_and_quorum_stay_and_logs_and_addresses_go() {
        let witness = |seed: u8| {
            let name = format!("witness.example/{seed}").parse().unwrap();
            let cosigner = Cosigner::from_seed(name, Scheme::Ed25519, &[seed; 32]).unwrap();
            cosigner.verifier().to_string()
        };
        let log = NoteSigner::from_seed("log.example/secret".parse().unwrap(), &[9; 32]).unwrap();
        let text = format!(
            "# ours\nlog {}\nwitness a {} https://inside.example/a\n witness\tb {}\ngroup two all a b\n\nquorum two\n",
            log.verifier(),
            witness(1),
            witness(2)
        );
        let told = excerpt(text.as_bytes()).unwrap();
        let expected = format!(
            "witness a {}\nwitness b {}\ngroup two all a b\nquorum two\n",
            witness(1),
            witness(2)
        );
        assert_eq!(String::from_utf8_lossy(&told), expected);
        let (all, part) = (Policy::parse(text.as_bytes()).unwrap(), Policy::parse(&told).unwrap());
        assert_eq!((part.witnesses().len(), part.logs().len()), (all.witnesses().len(), 0));
        assert!(excerpt(b"quorum nobody\n").is_err());
    }
}
