//! The permission table.
use keepgate_kernel::{Action, Level};

/// A set of levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Levels(u8);

impl Levels {
    const NONE: Self = Self(0);

    const fn range(from: u8, to: u8) -> Self {
        let mut bits = 0;
        let mut level = from;
        while level <= to {
            bits |= 1 << level;
            level += 1;
        }
        Self(bits)
    }

    const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether `level` is in the set.
    #[must_use]
    pub const fn contains(self, level: Level) -> bool {
        self.0 & (1 << level.number()) != 0
    }
}

/// How far a permission reaches; the database applies it to rows, this table tells it to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// The caller's own things.
    Own,
    /// Own things at level 1, the unit's at level 2, the tenant's from level 3.
    Unit,
    /// Everything of the caller's tenant.
    Tenant,
    /// Principals of strictly lower levels, and oneself where that makes sense.
    Lower,
    /// Tenants as such; never their data.
    Platform,
}

impl Reach {
    /// The word in the documentation.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Own => "own",
            Self::Unit => "unit",
            Self::Tenant => "tenant",
            Self::Lower => "lower levels",
            Self::Platform => "platform",
        }
    }
}

/// Who holds one permission.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// The levels that hold it.
    pub levels: Levels,
    /// How far it reaches.
    pub reach: Reach,
    /// Whether an API key can carry it: a key never manages people, keys or tenants.
    pub keys: bool,
    /// Whether Keepgate's own workers hold it.
    pub system: bool,
}

impl Rule {
    const fn people(levels: Levels, reach: Reach) -> Self {
        Self {
            levels,
            reach,
            keys: false,
            system: false,
        }
    }
    const fn anyone(levels: Levels, reach: Reach) -> Self {
        Self {
            levels,
            reach,
            keys: true,
            system: false,
        }
    }
    const fn system() -> Self {
        Self {
            levels: Levels::NONE,
            reach: Reach::Tenant,
            keys: false,
            system: true,
        }
    }
}

const ALL: Levels = Levels::range(1, 7);
const CUSTOMER: Levels = Levels::range(1, 5);
const DESK: Levels = Levels::range(2, 5);
const ADMINS: Levels = Levels::range(4, 5);
const GLOBAL: Levels = Levels::range(7, 7);

/// The policy, whole: which levels may ask for `action`, how far, and whether keys and workers may.
#[must_use]
pub const fn rule(action: Action) -> Rule {
    match action {
        Action::AuthLogin | Action::AuthEnrol | Action::AuthAuthenticate => Rule::system(),
        Action::AuthLogout => Rule::people(ALL, Reach::Own),
        Action::MeRead => Rule::anyone(ALL, Reach::Own),
        Action::SessionList => Rule::people(ALL, Reach::Lower),
        Action::SessionRevoke => Rule::people(ALL, Reach::Lower),
        Action::UserCreate | Action::UserUpdate | Action::UserDelete => Rule::people(ADMINS.and(GLOBAL), Reach::Lower),
        Action::UserList | Action::UserRead => Rule::people(Levels::range(3, 5).and(GLOBAL), Reach::Tenant),
        Action::ApiKeyIssue | Action::ApiKeyRotate => Rule::people(ADMINS, Reach::Lower),
        Action::ApiKeyList | Action::ApiKeyRevoke => Rule::people(ADMINS, Reach::Tenant),
        Action::TenantCreate | Action::TenantUpdate => Rule::people(GLOBAL, Reach::Platform),
        Action::TenantList | Action::TenantRead => Rule::people(Levels::range(6, 7), Reach::Platform),
        Action::RecipientCreate | Action::RecipientUpdate | Action::RecipientDelete => {
            Rule::anyone(DESK, Reach::Tenant)
        }
        Action::RecipientList | Action::RecipientRead => Rule::anyone(CUSTOMER, Reach::Tenant),
        Action::RoutePut | Action::RouteDelete => Rule::people(ADMINS, Reach::Tenant),
        Action::RouteList | Action::RouteRead => Rule::anyone(CUSTOMER, Reach::Tenant),
        Action::MessageAccept | Action::MessageList | Action::MessageRead | Action::MessageAck => {
            Rule::anyone(CUSTOMER, Reach::Unit)
        }
        Action::MessageCancel | Action::MessageReplay => Rule::anyone(DESK, Reach::Unit),
        Action::StreamOpen => Rule::anyone(CUSTOMER, Reach::Own),
        Action::WebhookCreate | Action::WebhookDelete => Rule::people(ADMINS, Reach::Tenant),
        Action::WebhookList | Action::WebhookRead => Rule::people(ADMINS, Reach::Tenant),
        Action::AttemptStart
        | Action::AttemptRecord
        | Action::DeliveryAdvance
        | Action::ProviderCallback
        | Action::KeyCreate => Rule::system(),
        Action::AuditList | Action::AuditRead | Action::AuditLog => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant),
        Action::AuditExport => Rule::people(Levels::range(5, 5).and(GLOBAL), Reach::Tenant),
        Action::Genesis => Rule {
            levels: Levels::NONE,
            reach: Reach::Platform,
            keys: false,
            system: false,
        },
    }
}
