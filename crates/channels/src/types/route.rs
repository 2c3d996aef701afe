//! The ordered steps a message takes.
use keepgate_kernel::{RouteId, Timestamp, Uuid};
use sha2::{Digest, Sha256};

use super::Channel;

/// The name of the route that every tenant has from birth.
pub const STANDARD: &str = "standard";
/// The most steps of a route.
pub const MAX_STEPS: usize = 10;
/// The longest wait of a step, in seconds: a day.
pub const MAX_WAIT_SECONDS: u32 = 86_400;
/// The most tries of a step.
pub const MAX_ATTEMPTS: u8 = 5;
/// The longest deadline, in seconds: seven days.
pub const MAX_DEADLINE_SECONDS: u32 = 7 * 86_400;

/// Why a route can't be what was asked for. Steps are counted from 1, as people do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Not `^[a-z0-9][a-z0-9-]{0,62}$`.
    #[error("a route's name has 1 to 63 of a-z, 0-9 and `-`, and does not begin with `-`")]
    Name,
    /// None, or more than [`MAX_STEPS`].
    #[error("a route has 1 to 10 steps")]
    Steps,
    /// A step waits longer than a day.
    #[error("step {step} waits longer than 86400 seconds")]
    Wait {
        /// Which step.
        step: usize,
    },
    /// No try, or more than [`MAX_ATTEMPTS`].
    #[error("step {step} has not 1 to 5 attempts")]
    Attempts {
        /// Which step.
        step: usize,
    },
    /// Not `^[a-z0-9_-]{1,63}$`.
    #[error("step {step} names a provider that can't exist")]
    Provider {
        /// Which step.
        step: usize,
    },
    /// Zero, or more than seven days.
    #[error("a deadline is 1 second to 7 days")]
    Deadline,
    /// The waits before the step last until the deadline or beyond it.
    #[error("step {step} would begin after {after} seconds, when the deadline of {deadline} seconds has passed")]
    Unreachable {
        /// Which step.
        step: usize,
        /// When it would begin, in seconds.
        after: u64,
        /// The deadline, in seconds.
        deadline: u32,
    },
}

/// One step of a route.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How the recipient is reached.
    pub channel: Channel,
    /// How long to wait for success after a try, before the next step; seconds.
    pub wait_seconds: u32,
    /// How often each contact is tried when a provider refuses or reports that it could not deliver.
    #[serde(default = "once")]
    pub attempts: u8,
    /// The one provider to use; any of the channel otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
}

const fn once() -> u8 {
    1
}

/// A named list of steps, checked.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Route {
    name: String,
    steps: Vec<Step>,
    require_ack: bool,
    deadline_seconds: u32,
}

#[derive(serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    steps: Vec<Step>,
    require_ack: bool,
    deadline_seconds: u32,
}

/// Whether `text` has the form of a provider's name in the configuration.
fn is_provider_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b))
}

/// Whether `text` has the form of a route's name.
pub(crate) fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

impl Route {
    /// A route named `name`.
    ///
    /// # Errors
    /// [`RouteError`], the first that applies.
    pub fn new(name: &str, steps: Vec<Step>, require_ack: bool, deadline_seconds: u32) -> Result<Self, RouteError> {
        if !is_name(name) {
            return Err(RouteError::Name);
        }
        if !(1..=MAX_STEPS).contains(&steps.len()) {
            return Err(RouteError::Steps);
        }
        if !(1..=MAX_DEADLINE_SECONDS).contains(&deadline_seconds) {
            return Err(RouteError::Deadline);
        }
        let mut after = 0_u64;
        for (step, it) in (1..).zip(&steps) {
            it.check(step)?;
            if after >= u64::from(deadline_seconds) {
                return Err(RouteError::Unreachable {
                    step,
                    after,
                    deadline: deadline_seconds,
                });
            }
            after += u64::from(it.wait_seconds);
        }
        Ok(Self {
            name: name.to_owned(),
            steps,
            require_ack,
            deadline_seconds,
        })
    }

    /// The route that needs no definition: internet for a minute, then a text for two, then a call for three; an
    /// acknowledgement is required, within the hour. A tenant may define its own under the same name.
    #[must_use]
    pub fn standard() -> Self {
        let step = |channel, wait_seconds| Step {
            channel,
            wait_seconds,
            attempts: 1,
            provider: None,
        };
        let steps = vec![
            step(Channel::Internet, 60),
            step(Channel::Sms, 120),
            step(Channel::Voice, 180),
        ];
        Self {
            name: STANDARD.to_owned(),
            steps,
            require_ack: true,
            deadline_seconds: 3_600,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its steps, in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Whether only an acknowledgement ends it well.
    #[must_use]
    pub const fn require_ack(&self) -> bool {
        self.require_ack
    }

    /// How long a message on it lives unless it says otherwise; seconds.
    #[must_use]
    pub const fn deadline_seconds(&self) -> u32 {
        self.deadline_seconds
    }

    /// SHA-256 of its JSON form, 64 hexadecimal digits: two routes with the same hash do the same.
    #[must_use]
    pub fn hash(&self) -> String {
        let json = serde_json::to_vec(self).unwrap_or_default();
        Sha256::digest(json).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Step {
    fn check(&self, step: usize) -> Result<(), RouteError> {
        if self.wait_seconds > MAX_WAIT_SECONDS {
            return Err(RouteError::Wait { step });
        }
        if !(1..=MAX_ATTEMPTS).contains(&self.attempts) {
            return Err(RouteError::Attempts { step });
        }
        if self.provider.as_deref().is_some_and(|name| !is_provider_name(name)) {
            return Err(RouteError::Provider { step });
        }
        Ok(())
    }
}

impl TryFrom<Written> for Route {
    type Error = RouteError;
    fn try_from(written: Written) -> Result<Self, RouteError> {
        Self::new(
            &written.name,
            written.steps,
            written.require_ack,
            written.deadline_seconds,
        )
    }
}

impl From<Route> for Written {
    fn from(route: Route) -> Self {
        let Route {
            name,
            steps,
            require_ack,
            deadline_seconds,
        } = route;
        Self {
            name,
            steps,
            require_ack,
            deadline_seconds,
        }
    }
}

/// One version of a route. Every change of a route makes a new id; a message keeps the version it was accepted with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteVersion {
    /// This version.
    pub id: RouteId,
    /// What it says.
    pub route: Route,
    /// When it was defined; `None` for the built-in one.
    pub updated_at: Option<Timestamp>,
}

impl RouteVersion {
    /// The built-in version of [`STANDARD`]; its id is the nil id.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            id: RouteId::from_uuid(Uuid::nil()),
            route: Route::standard(),
            updated_at: None,
        }
    }
}

/// The route of a message, as it was when the message was accepted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct RouteSnapshot {
    /// The version.
    pub id: RouteId,
    /// [`Route::hash`] of it.
    pub hash: String,
    /// What it says.
    pub route: Route,
}

impl From<&RouteVersion> for RouteSnapshot {
    fn from(version: &RouteVersion) -> Self {
        Self {
            id: version.id,
            hash: version.route.hash(),
            route: version.route.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(wait_seconds: u32) -> Step {
        Step {
            channel: Channel::Sms,
            wait_seconds,
            attempts: 1,
            provider: None,
        }
    }

    #[test]
    fn the_standard_route_passes_its_own_check() {
        let standard = Route::standard();
        let again = Route::new(STANDARD, standard.steps().to_vec(), true, 3_600).unwrap();
        assert_eq!(again, standard);
        assert_eq!(standard.hash().len(), 64);
    }

    #[test]
    fn a_step_that_would_begin_at_or_after_the_deadline_is_refused() {
        assert!(Route::new("r", vec![step(59), step(0)], true, 60).is_ok());
        assert_eq!(
            Route::new("r", vec![step(60), step(0)], true, 60),
            Err(RouteError::Unreachable {
                step: 2,
                after: 60,
                deadline: 60
            })
        );
        assert!(Route::new("r", vec![step(60)], true, 60).is_ok());
    }

    #[test]
    fn limits_are_held() {
        assert_eq!(Route::new("-r", vec![step(1)], true, 60), Err(RouteError::Name));
        assert_eq!(Route::new("R", vec![step(1)], true, 60), Err(RouteError::Name));
        assert!(Route::new(&"a".repeat(63), vec![step(1)], true, 60).is_ok());
        assert_eq!(
            Route::new(&"a".repeat(64), vec![step(1)], true, 60),
            Err(RouteError::Name)
        );
        assert_eq!(Route::new("r", vec![], true, 60), Err(RouteError::Steps));
        assert_eq!(Route::new("r", vec![step(0); 11], true, 60), Err(RouteError::Steps));
        assert_eq!(
            Route::new("r", vec![step(86_401)], true, 60),
            Err(RouteError::Wait { step: 1 })
        );
        assert_eq!(
            Route::new("r", vec![Step { attempts: 6, ..step(1) }], true, 60),
            Err(RouteError::Attempts { step: 1 })
        );
        assert_eq!(
            Route::new("r", vec![Step { attempts: 0, ..step(1) }], true, 60),
            Err(RouteError::Attempts { step: 1 })
        );
        let odd = Step {
            provider: Some("A B".into()),
            ..step(1)
        };
        assert_eq!(
            Route::new("r", vec![odd], true, 60),
            Err(RouteError::Provider { step: 1 })
        );
        assert_eq!(Route::new("r", vec![step(1)], true, 0), Err(RouteError::Deadline));
        assert_eq!(Route::new("r", vec![step(1)], true, 604_801), Err(RouteError::Deadline));
    }

    #[test]
    fn the_hash_tells_routes_apart() {
        let one = Route::new("r", vec![step(1)], true, 60).unwrap();
        let two = Route::new("r", vec![step(2)], true, 60).unwrap();
        assert_ne!(one.hash(), two.hash());
        let json = serde_json::to_string(&one).unwrap();
        assert_eq!(serde_json::from_str::<Route>(&json).unwrap().hash(), one.hash());
    }
}
