//! Operation: record that a witness saw another past.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions::WitnessAlarm};
use keepgate_store::StoreError;

use crate::witness::{Alarm, WitnessAlarms};

/// Keeps the evidence in the tenant of the log. Keepgate's own worker only.
#[derive(Debug, Clone)]
pub struct TellWitnessAlarm {
    /// What happened.
    pub alarm: Alarm,
}

impl<Tx: WitnessAlarms + ?Sized> Command<Tx> for TellWitnessAlarm {
    type Permission = WitnessAlarm;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        self.alarm.entity()
    }

    async fn run(&self, _proof: &Authorized<WitnessAlarm>, tx: &mut Tx) -> Result<(), StoreError> {
        tx.put_witness_alarm(&self.alarm).await
    }
}
