//! The keys of one log.
use keepgate_merkle::{
    cosignature::Cosigner,
    note::{NoteSigner, VerifierKey},
};

/// What signs a log's checkpoints: its Ed25519 keys, the newest first (two while one follows another), and for those who
/// want it an ML-DSA-44 key beside each (signature type 0x06, the log's own word as much as the other).
#[derive(Debug)]
pub struct LogKeys {
    first: NoteSigner,
    former: Vec<NoteSigner>,
    second: Vec<Cosigner>,
}

impl LogKeys {
    /// Keys of which `first` is the newest.
    #[must_use]
    pub const fn new(first: NoteSigner, former: Vec<NoteSigner>, second: Vec<Cosigner>) -> Self {
        Self { first, former, second }
    }

    /// The Ed25519 signers, newest first.
    pub fn signers(&self) -> impl Iterator<Item = &NoteSigner> {
        std::iter::once(&self.first).chain(&self.former)
    }

    /// The ML-DSA-44 signers, newest first.
    pub fn cosigners(&self) -> impl Iterator<Item = &Cosigner> {
        self.second.iter()
    }

    /// The public halves of [`LogKeys::signers`].
    #[must_use]
    pub fn verifiers(&self) -> Vec<VerifierKey> {
        self.signers().map(|signer| signer.verifier().clone()).collect()
    }

    /// The name all of them sign as.
    #[must_use]
    pub fn name(&self) -> &str {
        self.first.verifier().name().as_str()
    }
}

impl From<NoteSigner> for LogKeys {
    fn from(signer: NoteSigner) -> Self {
        Self::new(signer, Vec::new(), Vec::new())
    }
}
