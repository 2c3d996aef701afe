//! A challenge for a device.
use keepgate_kernel::{Entity, PrincipalId};
use keepgate_policy::{Authorized, Command, permissions};
use keepgate_store::StoreError;

use crate::Challenge;

/// Hands a challenge out, and says so in the log. [`crate::FrontDesk::device_challenge`] makes it, for whatever asks: nobody learns
/// which devices there are.
#[derive(Debug)]
pub struct AskChallenge {
    /// `None`: there is no such device.
    device: Option<PrincipalId>,
    challenge: Challenge,
}

impl AskChallenge {
    pub(crate) const fn new(device: Option<PrincipalId>, challenge: Challenge) -> Self {
        Self { device, challenge }
    }
}

impl<Tx: Send + ?Sized> Command<Tx> for AskChallenge {
    type Permission = permissions::AuthDevice;
    type Output = Challenge;
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.device.map_or_else(|| Entity::collection("devices"), Entity::from)
    }

    async fn run(&self, _proof: &Authorized<Self::Permission>, _tx: &mut Tx) -> Result<Challenge, StoreError> {
        Ok(self.challenge.clone())
    }
}
