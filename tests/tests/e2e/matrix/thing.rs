//! What operations are about.
use super::house::Place;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Thing {
    /// The operation names none.
    None,
    /// A user of level 1; on the platform, of level 6.
    User,
    /// The caller itself at levels 1 to 3 and 6, else as `User`.
    Principal,
    /// The caller's session at levels 1 to 3 and 6, else one of somebody lower.
    Session,
    /// The caller's unit at levels 1 to 3, else a new one.
    Unit,
    Key,
    Service,
    /// A device of the unit; at level 1 one that the caller carries.
    Device,
    Tenant,
    /// Something that two people have to want, and one has asked for.
    Approval,
    /// What keeps things from being erased.
    Hold,
    /// The first of the tenant's data keys.
    DataKey,
    /// The caller's own second factor, on its way in.
    Factor,
    /// The token of a directory.
    ScimToken,
    /// An identity provider.
    Provider,
    Recipient,
    Route,
    /// A name that no route and no provider has yet.
    NewName,
    /// A message of the caller at level 1, else of somebody of level 1.
    Message,
    Webhook,
    /// A receiver of the log.
    Sink,
    /// The first entry of the caller's own log.
    Index,
    /// The caller's own log, which names what its people tried in vain.
    Log,
    /// The first tile of the caller's own log.
    Tile,
}

impl Thing {
    /// Where there are such things.
    pub const fn places(self) -> &'static [Place] {
        match self {
            Self::None | Self::Tenant | Self::NewName | Self::DataKey | Self::Factor => &[Place::Own],
            Self::Index | Self::Tile | Self::Log => &[Place::Own],
            Self::Key | Self::Service | Self::Recipient | Self::Route | Self::Webhook | Self::Sink => {
                &[Place::Own, Place::OtherTenant]
            }
            Self::Provider | Self::Approval | Self::Hold | Self::ScimToken => &[Place::Own, Place::OtherTenant],
            Self::User | Self::Principal | Self::Session | Self::Message | Self::Unit | Self::Device => {
                &[Place::Own, Place::OtherUnit, Place::OtherTenant]
            }
        }
    }

    /// Whether it belongs to a unit, so that levels 1 to 3 of another unit don't reach it.
    pub const fn has_unit(self) -> bool {
        matches!(
            self,
            Self::User | Self::Principal | Self::Session | Self::Message | Self::Unit | Self::Device
        )
    }

    /// Whether the platform has such things as well.
    pub const fn is_of_the_platform(self) -> bool {
        matches!(
            self,
            Self::User | Self::Principal | Self::Session | Self::Tenant | Self::Approval
        )
    }

    /// Whether one is made for the occasion, so that no other answer may tell of it.
    pub const fn is_made(self) -> bool {
        !matches!(
            self,
            Self::None | Self::Log | Self::Index | Self::Tile | Self::NewName | Self::DataKey | Self::Factor
        )
    }

    /// A well-formed name of one that exists nowhere.
    pub fn nowhere(self) -> String {
        let prefix = match self {
            Self::User | Self::Principal => "usr",
            Self::Session => "ses",
            Self::Unit => "unt",
            Self::Key => "key",
            Self::Service => "svc",
            Self::Device => "dev",
            Self::Tenant => "ten",
            Self::Approval => "apr",
            Self::Hold => "hld",
            Self::Factor => "fac",
            Self::ScimToken => return "00000000-0000-0000-0000-000000000000".to_owned(),
            Self::Recipient => "rcp",
            Self::Message => "msg",
            Self::Webhook => "whk",
            Self::Sink => "snk",
            Self::None | Self::Route | Self::Provider | Self::NewName => return "nowhere".to_owned(),
            Self::Index | Self::Tile | Self::Log | Self::DataKey => return "999999".to_owned(),
        };
        format!("{prefix}_00000000000000000000000000")
    }
}
