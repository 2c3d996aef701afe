//! The hint that there are new revocations: `LISTEN` needs no right and its payload is not read, so a forged one costs a look.
use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::Notify, task::JoinHandle};

const CHANNEL: &str = "kg_revocation";
/// How long a lost connection is left alone. The poll goes on meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// Listens in a task of its own until it is dropped, so that whoever waits may cease to at any point.
#[derive(Debug)]
pub struct RevocationListener {
    bell: Arc<Notify>,
    task: JoinHandle<()>,
}

impl RevocationListener {
    /// Listens on one connection of `pool`.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let bell = Arc::new(Notify::new());
        let task = tokio::spawn(listen(pool, bell.clone()));
        Self { bell, task }
    }

    /// Returns after a notification, and after every loss of the connection: something may have been missed.
    pub async fn hint(&self) {
        self.bell.notified().await;
    }
}

impl Drop for RevocationListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn listen(pool: PgPool, bell: Arc<Notify>) {
    loop {
        if let Err(error) = hear(&pool, &bell).await {
            tracing::debug!(%error, "the connection that listens for revocations is lost");
        }
        bell.notify_one();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(pool: &PgPool, bell: &Notify) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen(CHANNEL).await?;
    bell.notify_one();
    while listener.try_recv().await?.is_some() {
        bell.notify_one();
    }
    Ok(())
}
