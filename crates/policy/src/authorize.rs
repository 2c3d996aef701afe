//! The decision, and the proof of it.
use std::marker::PhantomData;

use keepgate_kernel::{Action, Level, PrincipalId, TenantId, UnitId};

use crate::{Credential, Factors, OpContext, Permission, Principal, Standing, rule};

/// Why the policy said no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No rule gives this level the permission.
    #[error("this level may not do that")]
    Level,
    /// The API key's scopes leave the permission out.
    #[error("the scopes of this API key leave that out")]
    Scope,
    /// API keys never carry the permission, whatever their level.
    #[error("an API key may not do that")]
    ApiKey,
    /// The hat the caller wears leaves the permission out.
    #[error("the hat worn here leaves that out")]
    Hat,
    /// The caller has to prove again who it is.
    #[error("that needs a proof of identity within the last five minutes: send one to `POST /v1/auth/step-up`")]
    StepUp,
    /// The caller has to add a second factor first.
    #[error("a second factor has to be added first: `POST /v1/me/mfa/totp`")]
    SecondFactor,
}

impl Denied {
    /// The stable word for audit entries and problem types.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Level => "level-too-low",
            Self::Scope => "scope-missing",
            Self::ApiKey => "not-for-api-keys",
            Self::Hat => "hat-leaves-out",
            Self::StepUp => "step-up-required",
            Self::SecondFactor => "second-factor-required",
        }
    }
}

/// Whether `principal`, acting through `credential`, may ask for `action`. Pure: no I/O, no clock.
///
/// # Errors
/// [`Denied`] says which part of the rule failed.
pub fn decide(principal: &Principal, credential: Credential, action: Action) -> Result<(), Denied> {
    let rule = rule(action);
    match principal.standing {
        Standing::System => return if rule.system { Ok(()) } else { Err(Denied::Level) },
        Standing::Level(level) if !rule.levels.contains(level) => return Err(Denied::Level),
        Standing::Level(_) => {}
    }
    if matches!(credential, Credential::ApiKey(_)) && !rule.keys {
        return Err(Denied::ApiKey);
    }
    if principal.hat.is_some_and(|hat| !rule.hats.contains(hat)) {
        return Err(Denied::Hat);
    }
    if principal.scopes.contains(action) {
        Ok(())
    } else {
        Err(Denied::Scope)
    }
}

/// Whether the caller proved who it is as surely and as lately as `action` demands. Workers prove nothing; keys can't reach
/// what demands it.
fn assured(context: &OpContext, action: Action) -> Result<(), Denied> {
    let rule = rule(action);
    let Credential::Session(_) = context.credential() else {
        return if rule.step_up && !rule.system {
            Err(Denied::StepUp)
        } else {
            Ok(())
        };
    };
    let owing = context
        .assurance()
        .is_none_or(|proved| proved.factors == Factors::Owing);
    if owing && !rule.one_factor {
        return Err(Denied::SecondFactor);
    }
    if rule.step_up && !context.is_fresh() {
        return Err(Denied::StepUp);
    }
    Ok(())
}

/// Proof that this principal may do `P` in this tenant. It can't be cloned, stored, or made elsewhere.
#[must_use]
#[derive(Debug)]
pub struct Authorized<P: Permission> {
    by: PrincipalId,
    tenant: TenantId,
    standing: Standing,
    unit: Option<UnitId>,
    fresh: bool,
    permission: PhantomData<fn() -> P>,
}

impl<P: Permission> Authorized<P> {
    /// The principal that was authorised.
    #[must_use]
    pub const fn by(&self) -> PrincipalId {
        self.by
    }

    /// The tenant it was authorised in.
    #[must_use]
    pub const fn tenant(&self) -> TenantId {
        self.tenant
    }

    /// Its level, `None` for Keepgate's own workers.
    #[must_use]
    pub const fn level(&self) -> Option<Level> {
        match self.standing {
            Standing::Level(level) => Some(level),
            Standing::System => None,
        }
    }

    /// Its unit, for levels 1 to 3.
    #[must_use]
    pub const fn unit(&self) -> Option<UnitId> {
        self.unit
    }

    /// Whether the principal proved who it is within [`crate::FRESH`]; for commands that demand it of some callers only.
    #[must_use]
    pub const fn is_fresh(&self) -> bool {
        self.fresh
    }
}

/// Decides, and mints the proof.
///
/// # Errors
/// [`Denied`], as [`decide`], and where the caller has to prove itself again or better.
pub fn authorize<P: Permission>(context: &OpContext) -> Result<Authorized<P>, Denied> {
    let principal = context.principal();
    decide(principal, context.credential(), P::ACTION)?;
    assured(context, P::ACTION)?;
    Ok(Authorized {
        by: principal.id,
        tenant: principal.tenant,
        standing: principal.standing,
        unit: principal.unit,
        fresh: context.is_fresh(),
        permission: PhantomData,
    })
}
