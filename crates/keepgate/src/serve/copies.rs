//! Copies for the recovery key, of what was wrapped without one: before there was a recovery key, or by somebody who makes none.
use std::time::Duration;

use keepgate_crypto_keys::{RecoveryKey, rewrap::Rewrapper};
use keepgate_kernel::TenantId;
use keepgate_store::PgStore;

use super::workers::Workers;
use crate::{
    failure::Failure,
    postgres::Door,
    root_keys::{Outcome, Pass, Workbench},
    secrets::Root,
};

/// A new tenant's seeds wait so long at most.
const EVERY: Duration = Duration::from_mins(10);

/// Looks at once, and every ten minutes. Several instances may do it at once: each row is put once.
pub fn keep(
    workers: &mut Workers,
    (app, auth, integrator): (PgStore, PgStore, Door),
    root: Root,
    platform: TenantId,
    recovery: RecoveryKey,
) {
    let stop = workers.stop_signal();
    let work = async move {
        tokio::pin!(stop);
        let mut tick = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                () = &mut stop => return,
                _ = tick.tick() => {}
            }
            let bench = Workbench::new(app.clone(), auth.clone(), integrator.link(), &root, platform);
            tokio::select! {
                () = &mut stop => return,
                made = make(&bench, &root, recovery.clone()) => told(made),
            }
        }
    };
    workers.start("keeper of the recovery copies", work);
}

async fn make(bench: &Workbench, root: &Root, recovery: RecoveryKey) -> Result<Outcome, Failure> {
    let rewrapper = Rewrapper::new(root.service(), Some(recovery)).await;
    let rewrapper = rewrapper.map_err(|error| root.failed(&error))?.only_copies();
    let mut ahead = |_| ();
    let mut pass = Pass::new(bench, &rewrapper, &mut ahead);
    pass.walk().await?;
    Ok(pass.outcome)
}

fn told(made: Result<Outcome, Failure>) {
    match made {
        Ok(outcome) => {
            let missing = u32::try_from(outcome.left_count).unwrap_or(u32::MAX);
            metrics::gauge!("keepgate_recovery_copies_missing").set(f64::from(missing));
            if let Some(left) = outcome.left.first() {
                tracing::error!(
                    missing,
                    kind = left.kind,
                    whose = left.whose,
                    why = left.why,
                    "keys have no copy for the recovery key: this root key does not open them"
                );
            }
        }
        Err(failure) => {
            tracing::warn!(
                why = failure.why(),
                "copies for the recovery key are not made yet; the next try is in ten minutes"
            );
        }
    }
}
