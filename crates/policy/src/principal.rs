//! The caller, as the authenticator saw it.
use keepgate_kernel::{Action, Hat, Level, PrincipalId, TenantId, UnitId};

/// What a principal's authority rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// A level in its tenant. A ceiling: the database re-reads the live one.
    Level(Level),
    /// Keepgate's own worker, for one tenant.
    System,
}

/// What an API key narrows its owner's permissions to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scopes {
    /// No narrowing: every permission of the level.
    All,
    /// Only these actions; an empty list permits nothing.
    Only(Vec<Action>),
}

impl Scopes {
    /// Whether `action` is inside.
    #[must_use]
    pub fn contains(&self, action: Action) -> bool {
        match self {
            Self::All => true,
            Self::Only(actions) => actions.contains(&action),
        }
    }
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The principal.
    pub id: PrincipalId,
    /// The tenant it acts in.
    pub tenant: TenantId,
    /// What its authority rests on.
    pub standing: Standing,
    /// Its unit, for levels 1 to 3.
    pub unit: Option<UnitId>,
    /// Narrowing by an API key.
    pub scopes: Scopes,
    /// Narrowing by a hat.
    pub hat: Option<Hat>,
}

impl Principal {
    /// The level, `None` for Keepgate's own workers.
    #[must_use]
    pub const fn level(&self) -> Option<Level> {
        match self.standing {
            Standing::Level(level) => Some(level),
            Standing::System => None,
        }
    }
}
