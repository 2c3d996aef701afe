//! The shared state, and how a transaction begins.
use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use keepgate_policy::OpContext;

use super::{MemTx, table::Table};
use crate::StoreError;

/// Tables by type.
pub(super) type Tables = HashMap<TypeId, Box<dyn Table>>;

/// Checks, as `gate.enter` does in PostgreSQL, that the context's credential is alive.
///
/// # Errors
/// [`StoreError::Revoked`] when it is not.
pub type Door = fn(&MemTx, &OpContext) -> Result<(), StoreError>;

pub(super) struct State {
    pub(super) version: u64,
    pub(super) tables: Tables,
}

/// A store in memory. Clones share it. Optimistic: of two transactions that overlap, the second to commit gets
/// [`StoreError::Conflict`] if both changed something.
#[derive(Clone)]
pub struct MemStore {
    pub(super) state: Arc<Mutex<State>>,
    door: Option<Door>,
}

impl MemStore {
    /// An empty store that believes every context.
    #[must_use]
    pub fn new() -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                version: 0,
                tables: Tables::new(),
            })),
            door: None,
        }
    }

    /// The same store, checking every context with `door` first.
    #[must_use]
    pub fn with_door(mut self, door: Door) -> Self {
        self.door = Some(door);
        self
    }

    /// Opens a transaction on a private copy of the tables.
    ///
    /// # Errors
    /// [`StoreError::Revoked`] when the door refuses the context.
    pub fn begin(&self, context: &OpContext) -> Result<MemTx, StoreError> {
        let tx = {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let tables = state
                .tables
                .iter()
                .map(|(id, table)| (*id, (**table).boxed_clone()))
                .collect();
            MemTx::new(self.clone(), state.version, tables, context.clone())
        };
        match self.door {
            Some(door) => door(&tx, context).map(|()| tx),
            None => Ok(tx),
        }
    }
}

impl Default for MemStore {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for MemStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MemStore").finish_non_exhaustive()
    }
}
