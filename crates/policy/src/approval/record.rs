//! What is asked for, and how far it has come.
use std::time::Duration;

use keepgate_kernel::{ApprovalId, HoldId, Level, PrincipalId, TenantId, Timestamp, Uuid};

/// What takes two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TwoPersonAction {
    /// A new global admin.
    GrantGlobal,
    /// A fresh enrolment code for a locked-out owner.
    BreakGlass,
    /// The end of a tenant's data key.
    DestroyKey,
    /// The end of what is known about a person.
    EraseSubject,
    /// The end of a hold.
    ReleaseHold,
}

impl TwoPersonAction {
    /// Every one of them.
    pub const ALL: [Self; 5] = [
        Self::GrantGlobal,
        Self::BreakGlass,
        Self::DestroyKey,
        Self::EraseSubject,
        Self::ReleaseHold,
    ];

    /// How long an approval is good, from the moment it was asked for: four hours.
    pub const LIFE: Duration = Duration::from_hours(4);

    /// The word in the API and the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GrantGlobal => "role.grant_global",
            Self::BreakGlass => "tenant.break-glass",
            Self::DestroyKey => "key.destroy",
            Self::EraseSubject => "erasure.create",
            Self::ReleaseHold => "hold.release",
        }
    }

    /// The action that `word` names.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| action.as_str() == word)
    }

    /// Whether somebody of `level` may ask for it.
    #[must_use]
    pub fn is_asked_by(self, level: Level) -> bool {
        match self {
            Self::GrantGlobal | Self::BreakGlass => level == Level::GlobalAdmin,
            Self::DestroyKey | Self::EraseSubject | Self::ReleaseHold => level == Level::TenantOwner,
        }
    }

    /// Whether somebody of `level` may agree to it.
    #[must_use]
    pub fn is_seconded_by(self, level: Level) -> bool {
        match self {
            Self::GrantGlobal | Self::BreakGlass => level == Level::GlobalAdmin,
            Self::DestroyKey | Self::EraseSubject | Self::ReleaseHold => {
                matches!(level, Level::TenantAdmin | Level::TenantOwner)
            }
        }
    }
}

/// Who shall become a global admin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Candidate {
    /// Somebody of the platform's tenant.
    User(PrincipalId),
    /// Somebody to be created with this address, in lower case.
    Address(String),
}

/// What exactly is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Matter {
    /// A new global admin.
    GrantGlobal(Candidate),
    /// A fresh enrolment code for `owner`.
    BreakGlass {
        /// The tenant.
        tenant: TenantId,
        /// Its locked-out owner.
        owner: PrincipalId,
    },
    /// The end of a data key of the asker's tenant.
    DestroyKey {
        /// Its number, from 1.
        version: i32,
    },
    /// The erasure of a deleted user of the asker's tenant.
    EraseSubject {
        /// Who.
        subject: PrincipalId,
    },
    /// The end of a hold of the asker's tenant.
    ReleaseHold {
        /// Which.
        hold: HoldId,
    },
}

impl Matter {
    /// Which kind of thing it is.
    #[must_use]
    pub const fn action(&self) -> TwoPersonAction {
        match self {
            Self::GrantGlobal(_) => TwoPersonAction::GrantGlobal,
            Self::BreakGlass { .. } => TwoPersonAction::BreakGlass,
            Self::DestroyKey { .. } => TwoPersonAction::DestroyKey,
            Self::EraseSubject { .. } => TwoPersonAction::EraseSubject,
            Self::ReleaseHold { .. } => TwoPersonAction::ReleaseHold,
        }
    }

    /// Whom it is about, if that is somebody already.
    #[must_use]
    pub const fn subject(&self) -> Option<PrincipalId> {
        match self {
            Self::GrantGlobal(Candidate::User(who))
            | Self::BreakGlass { owner: who, .. }
            | Self::EraseSubject { subject: who } => Some(*who),
            Self::GrantGlobal(Candidate::Address(_)) | Self::DestroyKey { .. } | Self::ReleaseHold { .. } => None,
        }
    }
}

/// How far an approval has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApprovalState {
    /// Asked for.
    Pending,
    /// Agreed to, and not used yet.
    Approved,
    /// Used.
    Consumed,
    /// Past its end without having been used.
    Expired,
}

impl ApprovalState {
    /// The word in the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Consumed => "consumed",
            Self::Expired => "expired",
        }
    }
}

/// An approval on record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// Its id.
    pub id: ApprovalId,
    /// The tenant of both people.
    pub tenant: TenantId,
    /// What was asked for.
    pub matter: Matter,
    /// Why, 10 to 500 characters.
    pub reason: String,
    /// Who asked.
    pub requested_by: PrincipalId,
    /// When.
    pub requested_at: Timestamp,
    /// Until when it can be agreed to and used.
    pub expires_at: Timestamp,
    /// Who agreed, and when.
    pub approved: Option<(PrincipalId, Timestamp)>,
    /// When it was used.
    pub consumed_at: Option<Timestamp>,
}

impl Approval {
    /// Whether it is agreed to and not used yet, and `who` is one of the two.
    #[must_use]
    pub fn is_usable_by(&self, who: Uuid, at: Timestamp) -> bool {
        let two = [Some(self.requested_by), self.approved.map(|(seconder, _)| seconder)];
        self.state(at) == ApprovalState::Approved && two.into_iter().flatten().any(|party| party.uuid() == who)
    }

    /// How far it has come `at` this instant.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> ApprovalState {
        match (self.consumed_at, self.approved) {
            (Some(_), _) => ApprovalState::Consumed,
            (None, _) if at >= self.expires_at => ApprovalState::Expired,
            (None, Some(_)) => ApprovalState::Approved,
            (None, None) => ApprovalState::Pending,
        }
    }
}
