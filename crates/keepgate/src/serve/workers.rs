//! What runs beside the requests. A worker ends only when it is told to; one that ends by itself ends the service.
use std::{future::Future, time::Duration};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

/// How long workers may take to finish what they are at. The dispatcher gives calls under way 20 seconds.
const PATIENCE: Duration = Duration::from_secs(22);

/// The workers of one service.
pub struct Workers {
    running: JoinSet<&'static str>,
    stopping: watch::Sender<bool>,
}

impl Workers {
    /// None yet.
    pub fn new() -> Self {
        Self {
            running: JoinSet::new(),
            stopping: watch::Sender::new(false),
        }
    }

    /// Turns true when the service stops.
    pub fn stopping(&self) -> watch::Receiver<bool> {
        self.stopping.subscribe()
    }

    /// Ready when the service stops.
    pub fn stop_signal(&self) -> impl Future<Output = ()> + Send + 'static {
        let mut stopping = self.stopping();
        async move {
            // The sender is gone only when the service is.
            let _ = stopping.wait_for(|stopping| *stopping).await;
        }
    }

    /// Starts a worker, which watches [`Workers::stop_signal`] itself.
    pub fn start(&mut self, name: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        self.running.spawn(async move {
            work.await;
            name
        });
    }

    /// Starts something done every so often.
    pub fn every(&mut self, period: Duration, name: &'static str, mut work: impl FnMut() + Send + 'static) {
        let stop = self.stop_signal();
        self.start(name, async move {
            tokio::pin!(stop);
            let mut tick = tokio::time::interval(period);
            loop {
                tokio::select! {
                    () = &mut stop => return,
                    _ = tick.tick() => work(),
                }
            }
        });
    }

    /// Waits for a worker that ends although nobody told it to, and says which.
    pub async fn fallen(&mut self) -> String {
        match self.running.join_next().await {
            Some(ended) => told(ended),
            None => std::future::pending().await,
        }
    }

    /// Tells streams and workers to stop.
    pub fn tell_to_stop(&self) {
        self.stopping.send_replace(true);
    }

    /// Waits until all have stopped, for 22 seconds at most; the rest is dropped, which is safe at any point.
    pub async fn stopped(mut self) {
        self.tell_to_stop();
        let all = async { while self.running.join_next().await.is_some() {} };
        if tokio::time::timeout(PATIENCE, all).await.is_err() {
            tracing::warn!("workers did not stop in time and were dropped");
        }
        self.running.shutdown().await;
    }
}

fn told(ended: Result<&'static str, JoinError>) -> String {
    match ended {
        Ok(name) => format!("the {name} ended"),
        Err(_) => "a worker panicked; the log names the place".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_worker_stops_when_told_to() {
        let mut workers = Workers::new();
        let stop = workers.stop_signal();
        workers.start("sleeper", stop);
        workers.every(Duration::from_secs(3600), "clock", || ());
        tokio::time::timeout(Duration::from_secs(5), workers.stopped())
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn a_worker_that_ends_or_panics_by_itself_is_told() {
        let mut workers = Workers::new();
        workers.start("dispatcher", async {});
        assert_eq!(workers.fallen().await, "the dispatcher ended");
        workers.start("other", async { panic!("secret") });
        let said = workers.fallen().await;
        assert!(said.contains("panicked") && !said.contains("secret"), "{said}");
    }
}
