//! Operation: record that the times of a log go back.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions::IntegrityAlarm};
use keepgate_store::StoreError;

use crate::clock::TimeStep;

/// Leaves an entry in the log itself that says which of its entries is dated before one that stands ahead of it, and by how much. The entry is
/// all there is to it: what was recorded stays as it is.
#[derive(Debug, Clone)]
pub struct TellTimeStep {
    /// Where.
    pub step: TimeStep,
}

impl<Tx: Send + ?Sized> Command<Tx> for TellTimeStep {
    type Permission = IntegrityAlarm;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        let TimeStep { index, back, .. } = self.step;
        let back = back.num_microseconds().unwrap_or(i64::MAX);
        Entity::named("time-step", &format!("index={index}/back_us={back}"))
    }

    async fn run(&self, _proof: &Authorized<IntegrityAlarm>, _tx: &mut Tx) -> Result<(), StoreError> {
        Ok(())
    }
}
