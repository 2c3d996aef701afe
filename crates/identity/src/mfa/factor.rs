//! Second factors on record.
use keepgate_kernel::{FactorId, PrincipalId, Timestamp};

/// What kind of thing proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FactorKind {
    /// An authenticator app (RFC 6238).
    Totp,
    /// A passkey (WebAuthn).
    Passkey,
}

impl FactorKind {
    /// The word in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Totp => "totp",
            Self::Passkey => "passkey",
        }
    }

    /// The kind that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Totp, Self::Passkey]
            .into_iter()
            .find(|kind| kind.as_str() == word)
    }
}

/// A factor as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactorRecord {
    /// Its id.
    pub id: FactorId,
    /// Its kind.
    pub kind: FactorKind,
    /// What its owner calls it.
    pub name: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When its first proof came; `None`: pending, good for nothing yet.
    pub confirmed_at: Option<Timestamp>,
    /// When it last proved something.
    pub last_used_at: Option<Timestamp>,
}

/// A factor to be put on record.
#[derive(Clone)]
pub struct NewFactor {
    /// Its id.
    pub id: FactorId,
    /// Whose.
    pub principal: PrincipalId,
    /// Its kind.
    pub kind: FactorKind,
    /// What its owner calls it, 1 to 200 characters.
    pub name: String,
    /// An app's seed, sealed; a passkey's public credential.
    pub material: Vec<u8>,
    /// An app's last step; a passkey's signature count.
    pub counter: i64,
    /// A passkey's credential id; `None` for every other kind, and only for them.
    pub credential: Option<Vec<u8>>,
    /// Whether its first proof has come.
    pub confirmed: bool,
}

impl std::fmt::Debug for NewFactor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewFactor")
            .field("id", &self.id)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// A factor with what is needed to check a proof of it.
#[derive(Clone)]
pub struct FactorOnFile {
    /// Which.
    pub factor: FactorId,
    /// As in [`NewFactor::material`].
    pub material: Vec<u8>,
    /// As in [`NewFactor::counter`].
    pub counter: i64,
    /// A passkey's credential id.
    pub credential: Option<Vec<u8>>,
}

impl std::fmt::Debug for FactorOnFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FactorOnFile")
            .field("factor", &self.factor)
            .finish_non_exhaustive()
    }
}
