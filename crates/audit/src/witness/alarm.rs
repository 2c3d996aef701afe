//! What must not pass unnoticed: a witness saw another past than ours.
use async_trait::async_trait;
use keepgate_kernel::Entity;
use keepgate_store::StoreError;

/// In which way a witness and the log contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AlarmKind {
    /// What it cosigned is no beginning of what is signed now: a fork or a rewritten past (status 422).
    Inconsistent,
    /// It cosigned a longer log than there is: the database was taken back (status 409).
    Ahead,
}

impl AlarmKind {
    /// The word in the log and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inconsistent => "inconsistent",
            Self::Ahead => "ahead",
        }
    }
}

/// A contradiction with its evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alarm {
    /// The witness, as the policy names it.
    pub witness: String,
    /// In which way.
    pub kind: AlarmKind,
    /// The size that the witness cosigned last, as far as it is known.
    pub told: u64,
    /// What was asked, at most 20,000 characters: signed by the log, so it proves what it says.
    pub request: String,
    /// What it answered, at most 4,000 characters.
    pub answer: String,
}

impl Alarm {
    /// What the leaf is about: `witness:NAME/KIND/SIZE`.
    #[must_use]
    pub fn entity(&self) -> Entity {
        let Self {
            witness, kind, told, ..
        } = self;
        Entity::named("witness", &format!("{witness}/{}/{told}", kind.as_str()))
    }
}

/// A transaction that can keep the evidence.
#[async_trait]
pub trait WitnessAlarms: Send {
    /// Keeps `alarm` for the log of the context's tenant; one that is kept already stays as it is. Only Keepgate's own
    /// worker may.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] for everybody else.
    async fn put_witness_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError>;
}
