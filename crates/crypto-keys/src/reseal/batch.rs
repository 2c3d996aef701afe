//! Operation: seal a batch of values anew.
use std::sync::atomic::{AtomicU32, Ordering};

use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, CommandError, ErrorKind, permissions::KeyResealed};
use keepgate_store::StoreError;

use super::{Reseals, SealedKind, Walk, Walked};

/// A sealed value, and the same content sealed anew.
#[derive(Clone)]
pub struct Replacement {
    /// What the row is called.
    pub name: String,
    /// The value as it was read.
    pub old: Vec<u8>,
    /// The value that takes its place.
    pub new: Vec<u8>,
}

impl std::fmt::Debug for Replacement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Replacement")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Puts values that were sealed anew in the place of the former ones, and moves the walk on that came by them. What changed meanwhile stays as it is.
#[derive(Debug)]
pub struct ResealValues {
    kind: SealedKind,
    version: i32,
    from: i32,
    values: Vec<Replacement>,
    moved: AtomicU32,
    walked: Option<OnTheWay>,
}

/// The walk that came by the values.
#[derive(Debug)]
struct OnTheWay {
    walk: Walk,
    after: String,
    shut: u32,
    seconds: u16,
}

/// Why nothing was moved.
#[derive(Debug, thiserror::Error)]
pub enum ResealError {
    /// The walk is another instance's now.
    #[error("the walk is another's now")]
    Overtaken,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CommandError for ResealError {
    fn kind(&self) -> ErrorKind {
        match self {
            Self::Overtaken => ErrorKind::Failed("lease-lost"),
            Self::Store(error) => error.kind(),
        }
    }
}

impl ResealValues {
    /// `values`, all under the version `from`, on the way of `walk`, which has come to `after`; `shut` more could not be opened. The lease
    /// holds for another `seconds`.
    #[must_use]
    pub const fn new(walk: Walk, from: i32, after: String, values: Vec<Replacement>, shut: u32, seconds: u16) -> Self {
        Self {
            kind: walk.kind,
            version: walk.version,
            from,
            values,
            moved: AtomicU32::new(0),
            walked: Some(OnTheWay {
                walk,
                after,
                shut,
                seconds,
            }),
        }
    }

    /// `values` of `kind`, all under the version `from`, that no walk came by: they were in use. Sealed under `version`.
    #[must_use]
    pub const fn touched(kind: SealedKind, version: i32, from: i32, values: Vec<Replacement>) -> Self {
        Self {
            kind,
            version,
            from,
            values,
            moved: AtomicU32::new(0),
            walked: None,
        }
    }
}

impl<Tx: Reseals + ?Sized> Command<Tx> for ResealValues {
    type Permission = KeyResealed;
    type Output = u32;
    type Error = ResealError;

    /// Kind, both versions, how many.
    fn entity(&self) -> Entity {
        let (kind, moved) = (self.kind.as_str(), self.moved.load(Ordering::Relaxed));
        Entity::named("sealed", &format!("{kind}:{}-{}:{moved}", self.from, self.version))
    }

    async fn run(&self, _proof: &Authorized<KeyResealed>, tx: &mut Tx) -> Result<u32, ResealError> {
        let mut moved = 0;
        for value in &self.values {
            moved += u32::from(tx.reseal(self.kind, value, self.version).await?);
        }
        self.moved.store(moved, Ordering::Relaxed);
        let Some(way) = &self.walked else { return Ok(moved) };
        let walked = Walked {
            after: Some(way.after.clone()),
            from: self.from,
            moved,
            shut: way.shut,
        };
        if !tx.sealed_walked(&way.walk, &walked, way.seconds).await? {
            return Err(ResealError::Overtaken);
        }
        Ok(moved)
    }
}
