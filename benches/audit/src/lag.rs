//! How long a committed entry waits for its index.
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use keepgate_kernel::AuditId;
use sqlx::types::Uuid;
use tokio::{task::JoinSet, time::interval};

use crate::{
    ground::Ground,
    load::{self, entry},
};

const RATE: u32 = 2_000;
const TIME: Duration = Duration::from_secs(20);
/// How often one looks.
const LOOK: Duration = Duration::from_millis(5);

/// Sorted.
pub struct Lag(Vec<Duration>);

impl Lag {
    fn at(&self, percent: usize) -> Duration {
        let nth = (self.0.len() * percent).div_ceil(100).saturating_sub(1);
        self.0.get(nth).copied().unwrap_or(Duration::MAX)
    }
    pub fn p99(&self) -> Duration {
        self.at(99)
    }
    pub fn told(&self) -> String {
        let ms = |percent| self.at(percent).as_secs_f64() * 1000.0;
        format!(
            "{} entries at {RATE}/s asked: from commit to index p50 {:.0} ms, p99 {:.0} ms, longest {:.0} ms",
            self.0.len(),
            ms(50),
            ms(99),
            ms(100)
        )
    }
}

type Committed = Arc<Mutex<HashMap<Uuid, Instant>>>;

async fn one(ground: Arc<Ground>, committed: Committed) {
    let entry = entry();
    let id = id(entry.id);
    load::alone(ground, entry).await;
    committed.lock().expect("no writer panics").insert(id, Instant::now());
}

fn id(id: AuditId) -> Uuid {
    Uuid::from_u128(id.uuid().as_u128())
}

pub async fn measure(ground: &Arc<Ground>) -> Lag {
    let committed = Committed::default();
    let (mut writers, begun) = (JoinSet::new(), Instant::now());
    let (mut tick, mut sent, mut seen, mut last) = (interval(LOOK), 0_u32, HashMap::new(), newest(ground).await);
    loop {
        tick.tick().await;
        let due = if begun.elapsed() < TIME {
            (begun.elapsed().as_secs_f64() * f64::from(RATE)) as u32
        } else {
            sent
        };
        for _ in sent..due {
            writers.spawn(one(ground.clone(), committed.clone()));
        }
        sent = due;
        while writers.try_join_next().is_some() {}
        let rows: Vec<(i64, Uuid)> = sqlx::query_as("select idx, entry_id from audit.leaf where idx > $1 order by idx")
            .bind(last)
            .fetch_all(&ground.bare)
            .await
            .expect("leaves");
        let now = Instant::now();
        for (idx, entry) in rows {
            last = idx;
            seen.insert(entry, now);
        }
        let all = committed.lock().expect("no writer panics");
        if begun.elapsed() > TIME && writers.is_empty() && all.keys().all(|entry| seen.contains_key(entry)) {
            let waited =
                |(entry, at): (&Uuid, &Instant)| seen.get(entry).map(|seen| seen.saturating_duration_since(*at));
            let mut lag: Vec<Duration> = all.iter().filter_map(waited).collect();
            lag.sort();
            return Lag(lag);
        }
    }
}

async fn newest(ground: &Ground) -> i64 {
    sqlx::query_scalar("select coalesce(max(idx), -1) from audit.leaf")
        .fetch_one(&ground.bare)
        .await
        .expect("leaves")
}
