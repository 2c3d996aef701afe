//! Looks at the walls of the database at the start and every minute, and raises the alarm when one is not as it was built.
use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::BoxFuture;
use keepgate_api_gateway::Probe;
use keepgate_audit::operations::RaiseAlarm;
use keepgate_gate::{Gate, Tx};
use keepgate_kernel::{RequestId, TenantId};
use keepgate_policy::OpContext;
use tokio::sync::watch;

use crate::{
    failure::chain,
    postgres::{Door, Integrity, integrity},
};

/// How often it looks. The tree finds what was done meanwhile.
const EVERY: Duration = Duration::from_mins(1);
/// How many entries one look may leave; the rest is counted in the last of them.
const MOST: usize = 20;

/// What the last look found, shared with the probe.
#[derive(Clone, Default)]
pub struct Walls(Arc<Mutex<BTreeSet<String>>>);

/// Everything the watch needs.
pub struct Watch {
    /// As whom it looks.
    pub door: Door,
    /// Where it leaves its entries.
    pub gate: Gate<dyn Tx>,
    /// In whose log.
    pub platform: TenantId,
    /// Whether the event triggers must be there: the private database always has them.
    pub guarded: bool,
    /// Who is told.
    pub walls: Walls,
}

impl Watch {
    /// Looks until `stop` turns true. A database that is away has a probe of its own.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            self.look().await;
            tokio::select! {
                () = tokio::time::sleep(EVERY) => {}
                _ = stop.changed() => {}
            }
        }
    }

    async fn look(&mut self) {
        let found: BTreeSet<String> = match integrity(&self.door.link()).await {
            Ok(Integrity::Compared { differences, guarded }) => {
                metrics::counter!("keepgate_integrity_checks").increment(1);
                let gone = (self.guarded && !guarded).then(|| "event triggers kg_ddl, kg_drop are missing".to_owned());
                // Once seen, they have to stay.
                self.guarded |= guarded;
                differences.into_iter().chain(gone).collect()
            }
            Ok(Integrity::Newer(version)) => {
                tracing::warn!(
                    version,
                    "a newer binary migrated the database: this one can't judge its walls"
                );
                return;
            }
            Err(error) => {
                tracing::warn!(error = chain(&error), "the walls of the database can't be looked at");
                return;
            }
        };
        let count = u32::try_from(found.len()).unwrap_or(u32::MAX);
        metrics::gauge!("keepgate_integrity_differences").set(f64::from(count));
        let news = self.walls.take(found);
        for what in &news {
            tracing::error!(what, "a wall of the database is not as it was built");
        }
        for what in told(&news) {
            self.record(&what).await;
        }
    }

    /// One that can't be written is tried again at the next look.
    async fn record(&self, what: &str) {
        let now = self.gate.clock().now();
        let context = OpContext::system(self.platform, RequestId::new(now), now);
        if let Err(error) = self.gate.perform(&context, &RaiseAlarm::about(what)).await {
            tracing::error!(%error, what, "the alarm can't be written into the log");
            self.walls.forget(what);
        }
    }
}

/// At most [`MOST`] texts.
fn told(news: &[String]) -> Vec<String> {
    let mut told: Vec<String> = news.iter().take(MOST).cloned().collect();
    if news.len() > MOST {
        told.pop();
        told.push(format!("{} more differences", news.len() - told.len()));
    }
    told
}

impl Walls {
    /// Takes what a look found; what was not known before.
    fn take(&self, found: BTreeSet<String>) -> Vec<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let news = found.difference(&known).cloned().collect();
        *known = found;
        news
    }

    fn forget(&self, what: &str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(what);
    }
}

impl Probe for Walls {
    fn name(&self) -> &'static str {
        "database-walls"
    }

    fn check(&self) -> BoxFuture<'_, Result<(), String>> {
        let count = self.0.lock().unwrap_or_else(PoisonError::into_inner).len();
        let answer = match count {
            0 => Ok(()),
            count => Err(format!(
                "{count} walls of the database are not as they were built; `keepgate doctor` names them"
            )),
        };
        Box::pin(std::future::ready(answer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[tokio::test]
    async fn only_what_is_new_is_told_and_the_probe_knows_until_it_is_mended() {
        let walls = Walls::default();
        assert_eq!(walls.check().await, Ok(()));
        assert_eq!(walls.take(set(&["a"])), ["a"]);
        assert_eq!(walls.take(set(&["a", "b"])), ["b"]);
        assert!(walls.check().await.unwrap_err().starts_with("2 walls"));
        assert!(walls.take(set(&[])).is_empty());
        assert_eq!(walls.check().await, Ok(()));
        assert_eq!(walls.take(set(&["a"])), ["a"], "broken again is news again");
    }

    #[test]
    fn a_flood_of_differences_leaves_a_few_entries_that_count_the_rest() {
        let news: Vec<String> = (0..50).map(|n| n.to_string()).collect();
        let told = told(&news);
        assert_eq!(
            (told.len(), told.last().unwrap().as_str()),
            (MOST, "31 more differences")
        );
    }
}
