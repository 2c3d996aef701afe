//! A line of a review, as JSON and as CSV.
use keepgate_identity::{Access, HeldFactors};
use keepgate_kernel::{Hat, Level, PrincipalId, Timestamp, UnitId, csv, format_time};
use serde::Serialize;
use utoipa::ToSchema;

/// The first line of the table.
pub(super) const HEADER: &str = "id,kind,name,email,status,level,level_name,unit,hat,owner,created_at,expires_at,last_used_at,stale,totp,passkeys,recovery_codes\r\n";

/// Somebody or something with access.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AccessView {
    /// Its id: `usr_…`, `dev_…`, `svc_…` or `key_…`.
    #[schema(example = "usr_01jd0000000000000000000000")]
    id: String,
    /// `user`, `device`, `service` or `api_key`.
    kind: &'static str,
    /// What people call it.
    name: Option<String>,
    /// The address of a user.
    email: Option<String>,
    /// `active`; `disabled`, for a key: its service or owner may not act; or `expired`.
    status: &'static str,
    /// Its level, 1 to 7; of a key, what it is worth below its owner. `null` when there is none left.
    level: Option<u8>,
    /// The level's name.
    level_name: Option<&'static str>,
    /// Its unit, for levels 1 to 3.
    unit: Option<String>,
    /// Its hat.
    hat: Option<&'static str>,
    /// Who answers for it: the owner of a key, who carries a device, and otherwise who gave it or a service its level.
    owner: Option<String>,
    /// When it was made.
    created_at: String,
    /// When a key ends by itself.
    expires_at: Option<String>,
    /// The last log-in, to the eight hours a session lasts; of keys, and of services through theirs, the last use to about a minute.
    last_used_at: Option<String>,
    /// Whether nobody has used it for 90 days, or since it was made.
    stale: bool,
    /// The second factors of a user; `null` for everything else.
    second_factors: Option<FactorsView>,
}

/// What a user can prove a second time with.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FactorsView {
    /// Whether there is an authenticator app.
    totp: bool,
    /// How many passkeys there are.
    passkeys: u32,
    /// How many recovery codes are left.
    recovery_codes: u32,
}

impl AccessView {
    /// The view of `access` as of `at`.
    pub(super) fn of(access: &Access, at: Timestamp) -> Self {
        Self {
            id: access.holder.to_string(),
            kind: access.holder.kind(),
            name: access.name.clone(),
            email: access.email.as_ref().map(|email| email.as_str().to_owned()),
            status: access.status.as_str(),
            level: access.level.map(Level::number),
            level_name: access.level.map(Level::name),
            unit: access.unit.as_ref().map(UnitId::to_string),
            hat: access.hat.map(Hat::as_str),
            owner: access.owner.as_ref().map(PrincipalId::to_string),
            created_at: format_time(access.created_at),
            expires_at: access.expires_at.map(format_time),
            last_used_at: access.last_used_at.map(format_time),
            stale: access.is_stale(at),
            second_factors: access.factors.map(FactorsView::from),
        }
    }

    /// The same as a line of the table.
    pub(super) fn line(&self) -> String {
        let or_none = |text: &Option<String>| text.clone().unwrap_or_default();
        let factor = |read: fn(&FactorsView) -> String| self.second_factors.as_ref().map(read).unwrap_or_default();
        csv::line([
            &self.id,
            self.kind,
            &or_none(&self.name),
            &or_none(&self.email),
            self.status,
            &self.level.map(|level| level.to_string()).unwrap_or_default(),
            self.level_name.unwrap_or_default(),
            &or_none(&self.unit),
            self.hat.unwrap_or_default(),
            &or_none(&self.owner),
            &self.created_at,
            &or_none(&self.expires_at),
            &or_none(&self.last_used_at),
            &self.stale.to_string(),
            &factor(|held| held.totp.to_string()),
            &factor(|held| held.passkeys.to_string()),
            &factor(|held| held.recovery_codes.to_string()),
        ])
    }
}

impl From<HeldFactors> for FactorsView {
    fn from(held: HeldFactors) -> Self {
        Self {
            totp: held.totp,
            passkeys: held.passkeys,
            recovery_codes: held.recovery_codes,
        }
    }
}
