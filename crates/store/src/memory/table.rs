//! Type-keyed tables. A table is any cloneable value; with persistent maps inside, cloning is O(1).
use std::any::Any;

/// One crate's rows.
pub(super) trait Table: Any + Send + Sync {
    fn boxed_clone(&self) -> Box<dyn Table>;
    fn as_any(&self) -> &dyn Any;
    fn as_any_mut(&mut self) -> &mut dyn Any;
}

impl<T: Any + Clone + Send + Sync> Table for T {
    fn boxed_clone(&self) -> Box<dyn Table> {
        Box::new(self.clone())
    }
    fn as_any(&self) -> &dyn Any {
        self
    }
    fn as_any_mut(&mut self) -> &mut dyn Any {
        self
    }
}
