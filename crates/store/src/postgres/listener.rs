//! Hints that something changed: `LISTEN` needs no right and a payload is not read, so a forged one costs a look.
use std::{sync::Arc, time::Duration};

use sqlx::{PgPool, postgres::PgListener};
use tokio::{sync::Notify, task::JoinHandle};

/// Revocations.
pub const REVOCATIONS: &str = "kg_revocation";
/// Ends of data keys.
pub const KEY_ENDS: &str = "kg_key_end";
/// How long a lost connection is left alone. Who is hinted at looks by itself meanwhile.
const PAUSE: Duration = Duration::from_millis(200);

/// A bell for each kind of hint. Each is rung after a hint, and after every loss of the connection: something may have been missed.
#[derive(Debug, Clone, Default)]
pub struct Hints {
    /// Something was revoked.
    pub revocations: Arc<Notify>,
    /// A data key came to its end.
    pub key_ends: Arc<Notify>,
}

/// Listens in a task of its own until it is dropped.
#[derive(Debug)]
pub struct HintListener {
    hints: Hints,
    task: JoinHandle<()>,
}

impl HintListener {
    /// Listens on one connection of `pool`.
    #[must_use]
    pub fn start(pool: PgPool) -> Self {
        let hints = Hints::default();
        let task = tokio::spawn(listen(pool, hints.clone()));
        Self { hints, task }
    }

    /// What is rung.
    #[must_use]
    pub const fn hints(&self) -> &Hints {
        &self.hints
    }
}

impl Drop for HintListener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Hints {
    fn ring_all(&self) {
        self.revocations.notify_one();
        self.key_ends.notify_one();
    }
}

async fn listen(pool: PgPool, hints: Hints) {
    loop {
        // However it was lost: the next one is tried in a moment.
        let _lost = hear(&pool, &hints).await;
        hints.ring_all();
        tokio::time::sleep(PAUSE).await;
    }
}

async fn hear(pool: &PgPool, hints: &Hints) -> Result<(), sqlx::Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    listener.listen_all([REVOCATIONS, KEY_ENDS]).await?;
    hints.ring_all();
    while let Some(hint) = listener.try_recv().await? {
        if hint.channel() == KEY_ENDS {
            hints.key_ends.notify_one();
        } else {
            hints.revocations.notify_one();
        }
    }
    Ok(())
}
