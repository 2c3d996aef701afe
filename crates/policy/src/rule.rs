//! The permission table.
use keepgate_kernel::{Action, Hat, Level};

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
    /// Own things at level 1, the unit's at levels 2 and 3, the tenant's from level 4.
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

/// A set of hats.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hats(u8);

impl Hats {
    const NONE: Self = Self(0);
    const EVERY: Self = Self(0b111);
    const AUDIT: Self = Self(1 << Hat::Auditor as u8);
    const AUDIT_AND_PRIVACY: Self = Self(1 << Hat::Auditor as u8 | 1 << Hat::PrivacyOfficer as u8);
    const PRIVACY: Self = Self(1 << Hat::PrivacyOfficer as u8);

    /// Whether `hat` is in the set.
    #[must_use]
    pub const fn contains(self, hat: Hat) -> bool {
        self.0 & (1 << hat as u8) != 0
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
    /// The hats that leave it to their wearer.
    pub hats: Hats,
    /// Whether the caller must have proved who it is within [`crate::FRESH`].
    pub step_up: bool,
    /// Whether two people have to want it: the operation consumes an approval.
    pub two_person: bool,
    /// Whether somebody may ask for it who still owes a second factor.
    pub one_factor: bool,
}

impl Rule {
    const fn of(levels: Levels, reach: Reach) -> Self {
        Self {
            levels,
            reach,
            keys: false,
            system: false,
            hats: Hats::NONE,
            step_up: false,
            two_person: false,
            one_factor: false,
        }
    }
    const fn people(levels: Levels, reach: Reach) -> Self {
        Self::of(levels, reach)
    }
    const fn anyone(levels: Levels, reach: Reach) -> Self {
        Self {
            keys: true,
            ..Self::of(levels, reach)
        }
    }
    const fn system() -> Self {
        Self {
            system: true,
            ..Self::of(Levels::NONE, Reach::Tenant)
        }
    }
    /// Upkeep of one's own credentials: left to everybody, whatever they wear or still owe.
    const fn upkeep() -> Self {
        Self {
            hats: Hats::EVERY,
            one_factor: true,
            ..Self::of(ALL, Reach::Own)
        }
    }
    const fn worn_with(self, hats: Hats) -> Self {
        Self { hats, ..self }
    }
    const fn fresh(self) -> Self {
        Self { step_up: true, ..self }
    }
    const fn by_two(self) -> Self {
        Self {
            two_person: true,
            ..self.fresh()
        }
    }
}

const ALL: Levels = Levels::range(1, 7);
const CUSTOMER: Levels = Levels::range(1, 5);
/// Whom groups of an identity provider may give a level.
const MAPPABLE: Levels = Levels::range(1, 4);
const DESK: Levels = Levels::range(2, 5);
const ADMINS: Levels = Levels::range(4, 5);
const LEADS: Levels = Levels::range(3, 5);
const OWNER: Levels = Levels::range(5, 5);
const PLATFORM: Levels = Levels::range(6, 7);
const GLOBAL: Levels = Levels::range(7, 7);

/// The policy, whole: which levels may ask for `action`, how far, and whether keys and workers may.
#[must_use]
pub const fn rule(action: Action) -> Rule {
    match action {
        Action::AuthLogin | Action::AuthEnrol | Action::AuthAuthenticate => Rule::system(),
        Action::AuthMfa | Action::AuthDevice | Action::AuthSso => Rule::system(),
        Action::PasswordRecover | Action::DeviceJoin | Action::ApiKeyLeak => Rule::system(),
        Action::ScimRead | Action::ScimProvision => Rule::system(),
        Action::AuthLogout | Action::AuthStepUp | Action::PasswordChange | Action::MfaList => Rule::upkeep(),
        Action::MfaEnrol | Action::MfaRemove => Rule::upkeep().fresh(),
        Action::MeRead => Rule {
            keys: true,
            ..Rule::upkeep()
        },
        // Others' sessions want a fresh proof: the command asks for it, because one's own do not.
        Action::SessionList | Action::SessionRevoke => Rule::people(ALL, Reach::Lower),
        Action::UserCreate | Action::UserUpdate | Action::UserDelete | Action::PasswordReset | Action::MfaReset => {
            Rule::people(ADMINS.and(GLOBAL), Reach::Lower).fresh()
        }
        Action::UserList | Action::UserRead => Rule::people(LEADS.and(GLOBAL), Reach::Unit).worn_with(Hats::PRIVACY),
        Action::UnitCreate | Action::UnitUpdate | Action::UnitDelete => Rule::people(ADMINS, Reach::Tenant),
        Action::UnitList | Action::UnitRead => Rule::anyone(CUSTOMER, Reach::Unit),
        Action::DeviceCreate | Action::DeviceUpdate | Action::DeviceDelete | Action::DeviceEnrol => {
            Rule::people(LEADS, Reach::Unit)
        }
        Action::DeviceList | Action::DeviceRead => Rule::anyone(CUSTOMER, Reach::Unit),
        Action::ServiceCreate | Action::ServiceUpdate | Action::ServiceDelete => {
            Rule::people(ADMINS, Reach::Lower).fresh()
        }
        Action::ServiceList | Action::ServiceRead => Rule::people(ADMINS, Reach::Tenant),
        Action::AccessReview => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT_AND_PRIVACY),
        Action::ApprovalRequest => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).fresh(),
        Action::ApprovalApprove => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).fresh(),
        Action::ApprovalList => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::BreakGlass => Rule::people(GLOBAL, Reach::Platform).by_two(),
        Action::ApiKeyIssue | Action::ApiKeyRotate => Rule::people(ADMINS, Reach::Lower).fresh(),
        Action::ApiKeyList => Rule::people(ADMINS, Reach::Tenant).worn_with(Hats::AUDIT),
        Action::ApiKeyRevoke => Rule::people(ADMINS, Reach::Tenant),
        Action::TenantCreate | Action::TenantUpdate => Rule::people(GLOBAL, Reach::Platform).fresh(),
        Action::TenantList | Action::TenantRead => Rule::people(PLATFORM, Reach::Platform),
        Action::TenantPolicyRead => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::TenantPolicyUpdate => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).fresh(),
        Action::RevocationCreate => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).fresh(),
        Action::SigningKeyList => Rule::people(PLATFORM, Reach::Platform),
        Action::SigningKeyRotate => Rule::people(GLOBAL, Reach::Platform).fresh(),
        Action::SsoLink => Rule::people(MAPPABLE, Reach::Own).fresh(),
        Action::SsoRead => Rule::people(ADMINS, Reach::Tenant).worn_with(Hats::AUDIT),
        Action::SsoConfigure | Action::ScimTokenIssue => Rule::people(OWNER, Reach::Tenant).fresh(),
        Action::ScimTokenRevoke => Rule::people(ADMINS, Reach::Tenant),
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
        | Action::KeyCreate
        | Action::KeyDestroyed
        | Action::KeyResealed
        | Action::KeyRewrapped => Rule::system(),
        Action::KeyList => Rule::people(ADMINS, Reach::Tenant).worn_with(Hats::PRIVACY),
        Action::KeyDestroy => Rule::people(OWNER, Reach::Tenant).by_two(),
        Action::KeyKeep | Action::KeyRotate => Rule::people(OWNER, Reach::Tenant).fresh(),
        Action::AuditList | Action::AuditRead => {
            Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT_AND_PRIVACY)
        }
        Action::AuditLog => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::AuditExport => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::ArchiveList => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::ErasureCreate => Rule::people(OWNER, Reach::Tenant).by_two(),
        Action::ErasureList | Action::HoldList => {
            Rule::people(ADMINS, Reach::Tenant).worn_with(Hats::AUDIT_AND_PRIVACY)
        }
        Action::HoldPlace => Rule::people(OWNER, Reach::Tenant).fresh(),
        Action::HoldRelease => Rule::people(OWNER, Reach::Tenant).by_two(),
        Action::LogKeyList => Rule::people(ADMINS.and(GLOBAL), Reach::Tenant).worn_with(Hats::AUDIT),
        Action::LogKeyRotate => Rule::people(OWNER.and(GLOBAL), Reach::Tenant).fresh(),
        Action::SinkCreate | Action::SinkUpdate | Action::SinkDelete | Action::SinkTest | Action::SinkReplay => {
            Rule::people(OWNER, Reach::Tenant).fresh()
        }
        Action::SinkList | Action::SinkRead => Rule::people(ADMINS, Reach::Tenant).worn_with(Hats::AUDIT),
        Action::AuditErased | Action::AuditArchived | Action::AuditPruned => Rule::system(),
        Action::SinkState | Action::WitnessAlarm | Action::IntegrityAlarm | Action::ClockAttest => Rule::system(),
        Action::Genesis => Rule::of(Levels::NONE, Reach::Platform),
    }
}
