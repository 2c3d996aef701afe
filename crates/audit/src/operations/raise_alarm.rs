//! Operation: record that a wall of the database is not as it was built.
use keepgate_kernel::Entity;
use keepgate_policy::{Authorized, Command, permissions::IntegrityAlarm};
use keepgate_store::StoreError;

/// How long an entity of the log may be, in characters.
const MOST: usize = 200;
const KIND: &str = "wall";

/// Leaves an entry that names what was found changed. It changes nothing: the entry is the alarm, and stays in the log even if
/// whoever broke the wall mends it afterwards.
#[derive(Debug, Clone)]
pub struct RaiseAlarm {
    what: String,
}

impl RaiseAlarm {
    /// An alarm about `what`, such as `trigger audit.leaf nochange is missing`; cut to what an entity may hold.
    #[must_use]
    pub fn about(what: &str) -> Self {
        Self {
            what: what.chars().take(MOST - KIND.len() - 1).collect(),
        }
    }
}

impl<Tx: Send + ?Sized> Command<Tx> for RaiseAlarm {
    type Permission = IntegrityAlarm;
    type Output = ();
    type Error = StoreError;

    fn entity(&self) -> Entity {
        Entity::named(KIND, &self.what)
    }

    async fn run(&self, _proof: &Authorized<IntegrityAlarm>, _tx: &mut Tx) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_cut_to_what_the_log_takes() {
        let alarm = RaiseAlarm::about(&"é".repeat(500));
        assert_eq!(Command::<()>::entity(&alarm).as_str().chars().count(), MOST);
    }
}
