//! A private copy of the tables, published on commit.
use std::{
    any::{Any, TypeId},
    sync::PoisonError,
};

use async_trait::async_trait;
use keepgate_policy::OpContext;

use super::store::{MemStore, State, Tables};
use crate::{StoreError, Transaction};

/// A transaction on a [`MemStore`]. A domain crate keeps its rows in types of its own and reaches them with
/// [`MemTx::read`] and [`MemTx::write`]; every adapter must filter by the context's tenant itself.
pub struct MemTx {
    home: MemStore,
    base: u64,
    tables: Tables,
    context: OpContext,
    changed: bool,
    audited_change: bool,
    audited: bool,
}

impl MemTx {
    pub(super) fn new(home: MemStore, base: u64, tables: Tables, context: OpContext) -> Self {
        Self {
            home,
            base,
            tables,
            context,
            changed: false,
            audited_change: false,
            audited: false,
        }
    }

    /// The rows of type `T` as this transaction sees them; `None` before the first write.
    #[must_use]
    pub fn read<T: Any>(&self) -> Option<&T> {
        self.tables.get(&TypeId::of::<T>())?.as_any().downcast_ref()
    }

    /// The rows of type `T`, to be changed; the commit will demand an audit entry.
    pub fn write<T: Any + Clone + Default + Send + Sync>(&mut self) -> &mut T {
        self.audited_change = true;
        self.write_unaudited()
    }

    /// The rows of type `T`, to be changed without an entry of their own: the log itself, leases, counters. The mirror
    /// of tables without the `audited` trigger in PostgreSQL.
    #[expect(
        clippy::expect_used,
        reason = "a table is stored under its own type id, two lines above"
    )]
    pub fn write_unaudited<T: Any + Clone + Default + Send + Sync>(&mut self) -> &mut T {
        self.changed = true;
        let table = self
            .tables
            .entry(TypeId::of::<T>())
            .or_insert_with(|| Box::new(T::default()));
        (**table)
            .as_any_mut()
            .downcast_mut()
            .expect("a table is stored under its own type id")
    }

    /// The store it is a transaction on.
    #[must_use]
    pub const fn home(&self) -> &MemStore {
        &self.home
    }

    /// Called by the audit adapter, as PostgreSQL's deferred trigger sees its row.
    pub const fn mark_audited(&mut self) {
        self.audited = true;
    }
}

#[async_trait]
impl Transaction for MemTx {
    fn context(&self) -> &OpContext {
        &self.context
    }

    async fn commit(self: Box<Self>) -> Result<(), StoreError> {
        if self.audited_change && !self.audited {
            return Err(StoreError::Unaudited);
        }
        if !self.changed {
            return Ok(());
        }
        let mut state = self.home.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.version != self.base {
            return Err(StoreError::Conflict);
        }
        *state = State {
            version: self.base + 1,
            tables: self.tables,
        };
        Ok(())
    }
}

impl std::fmt::Debug for MemTx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemTx")
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}
