//! Entries that stand alone, such as refusals, written with few commits however many come at once.
//!
//! While one group is on its way to the disk, those that come meanwhile gather and go as the next: no delay is added, and an
//! idle log commits at once. Whoever appends waits until the entry is on disk; one who stops waiting does not undo it.
//! Each tenant's entries go their own way, so no tenant waits for another's.
mod over;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use tokio::{
    sync::{Notify, oneshot},
    time::timeout,
};

pub use over::GroupsOver;

use crate::{Receipt, TOGETHER, Told};

/// How long a lane without work stays open: its connection is warm.
const LINGER: Duration = Duration::from_secs(1);
/// The most entries of one tenant that may wait; past that, writers are told to come back.
const WAITING: usize = 20_000;
/// How often a group is tried again after a conflict.
const ATTEMPTS: u32 = 8;

type Answer = oneshot::Sender<Result<Receipt, StoreError>>;

#[derive(Default)]
struct Queue {
    waiting: Vec<(Told, Answer)>,
    /// Whether its lane is open. One: with two, groups are half as large, and cost more than they gain.
    open: bool,
    bell: Arc<Notify>,
}

/// What a lane does next.
enum Next {
    Write(Vec<(Told, Answer)>),
    Wait(Arc<Notify>),
}

/// Where groups go.
#[async_trait]
pub trait Groups: Send + Sync {
    /// A way to the disk, kept while there is something to write.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] without a database.
    async fn open(&self) -> Result<Box<dyn Lane>, StoreError>;
}

/// One group after another.
#[async_trait]
pub trait Lane: Send {
    /// Appends `told` to the log of `tenant`, all or none, and returns when that is durable; receipts in the same order.
    ///
    /// # Errors
    /// Nothing was written, unless it is [`StoreError::Unavailable`]: then it is unknown.
    async fn write(&mut self, tenant: TenantId, told: &[Told]) -> Result<Vec<Receipt>, StoreError>;
}

struct Inner {
    groups: Box<dyn Groups>,
    queues: Mutex<HashMap<TenantId, Queue>>,
}

/// Writes entries that stand alone. Clones share the queues.
#[derive(Clone)]
pub struct Journal(Arc<Inner>);

/// Why a group was not written, for each of its writers.
#[derive(Debug, thiserror::Error)]
#[error("the group that this entry was in could not be written: {0}")]
struct NotWritten(String);

/// The error again, for the next of those who wait for the same group.
fn again(error: &StoreError) -> StoreError {
    match error {
        StoreError::Conflict => StoreError::Conflict,
        StoreError::Revoked => StoreError::Revoked,
        StoreError::Forbidden => StoreError::Forbidden,
        StoreError::Full => StoreError::Full,
        StoreError::KeyGone => StoreError::KeyGone,
        other => StoreError::Unavailable(Box::new(NotWritten(other.to_string()))),
    }
}

impl Journal {
    /// A journal that writes into `groups`.
    #[must_use]
    pub fn new(groups: impl Groups + 'static) -> Self {
        Self(Arc::new(Inner {
            groups: Box::new(groups),
            queues: Mutex::default(),
        }))
    }

    /// Appends `told` to the log of `tenant`; returns when it is durable. Call it inside a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Forbidden`] when the entry breaks a rule, [`StoreError::Revoked`] when the tenant is not active,
    /// [`StoreError::Unavailable`] when the log can't be written; only then it is unknown whether it was.
    pub async fn append(&self, tenant: TenantId, told: Told) -> Result<Receipt, StoreError> {
        // A bad entry is refused alone, before it can spoil a group.
        told.check()?;
        let (answer, written) = oneshot::channel();
        if self.queue(tenant, told, answer)? {
            tokio::spawn(self.clone().drain(tenant));
        }
        let lost = |_| StoreError::Unavailable(Box::new(NotWritten("its writer is gone".to_owned())));
        written.await.map_err(lost)?
    }

    /// How many entries of `tenant` wait for the next group.
    #[must_use]
    pub fn waiting(&self, tenant: TenantId) -> usize {
        self.queues().get(&tenant).map_or(0, |queue| queue.waiting.len())
    }

    /// Whether its lane has to be opened.
    fn queue(&self, tenant: TenantId, told: Told, answer: Answer) -> Result<bool, StoreError> {
        let mut queues = self.queues();
        let queue = queues.entry(tenant).or_default();
        if queue.waiting.len() >= WAITING {
            let full = NotWritten("too many entries wait already".to_owned());
            return Err(StoreError::Unavailable(Box::new(full)));
        }
        queue.waiting.push((told, answer));
        queue.bell.notify_one();
        Ok(!std::mem::replace(&mut queue.open, true))
    }

    async fn drain(self, tenant: TenantId) {
        let _broken = IfBroken(&self, tenant);
        let mut lane = None;
        loop {
            match self.next(tenant) {
                Next::Write(group) => self.deliver(&mut lane, tenant, group).await,
                Next::Wait(bell) => {
                    let rung = timeout(LINGER, bell.notified()).await.is_ok();
                    if !self.goes_on(tenant, rung) {
                        return;
                    }
                }
            }
        }
    }

    async fn deliver(&self, lane: &mut Option<Box<dyn Lane>>, tenant: TenantId, group: Vec<(Told, Answer)>) {
        let (told, answers): (Vec<_>, Vec<_>) = group.into_iter().unzip();
        // Whoever does not wait any more is not told.
        match self.write(lane, tenant, &told).await {
            Ok(receipts) => answers.into_iter().zip(receipts).for_each(|(answer, receipt)| {
                let _gone = answer.send(Ok(receipt));
            }),
            Err(error) => answers.into_iter().for_each(|answer| {
                let _gone = answer.send(Err(again(&error)));
            }),
        }
    }

    /// On `lane`, which is opened first if there is none, and given up when it fails.
    async fn write(
        &self,
        lane: &mut Option<Box<dyn Lane>>,
        tenant: TenantId,
        told: &[Told],
    ) -> Result<Vec<Receipt>, StoreError> {
        for _ in 1..ATTEMPTS {
            let mut open = match lane.take() {
                Some(open) => open,
                None => self.0.groups.open().await?,
            };
            match open.write(tenant, told).await {
                Ok(receipts) => {
                    *lane = Some(open);
                    return Ok(receipts);
                }
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error),
            }
        }
        Err(StoreError::Conflict)
    }

    /// Everything that waits, or the bell to wait for.
    fn next(&self, tenant: TenantId) -> Next {
        let mut queues = self.queues();
        let queue = queues.entry(tenant).or_default();
        if queue.waiting.is_empty() {
            return Next::Wait(queue.bell.clone());
        }
        let many = queue.waiting.len().min(TOGETHER);
        Next::Write(queue.waiting.drain(..many).collect())
    }

    /// Whether the lane stays open after a wait; one that waited in vain is closed.
    fn goes_on(&self, tenant: TenantId, rung: bool) -> bool {
        let mut queues = self.queues();
        let waits = queues.get(&tenant).is_some_and(|queue| !queue.waiting.is_empty());
        if !rung && !waits {
            queues.remove(&tenant);
        }
        rung || waits
    }

    fn queues(&self) -> MutexGuard<'_, HashMap<TenantId, Queue>> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever waits for a lane that panicked is told, and the next writer opens another.
struct IfBroken<'j>(&'j Journal, TenantId);

impl Drop for IfBroken<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.queues().remove(&self.1);
        }
    }
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}
