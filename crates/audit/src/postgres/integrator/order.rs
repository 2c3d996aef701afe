//! Whether the times of a log go forward, as its entries are numbered.
use keepgate_kernel::TenantId;
use keepgate_store::StoreError;
use sqlx::PgConnection;

use super::{Integrator, pending::Pending};
use crate::{
    clock::{Order, TimeStep},
    postgres::read::unsigned,
};

impl Integrator {
    /// Where the times of `entries`, which begin at index `first` of `tenant`'s log, go back. Nothing is refused for that: the log says
    /// what the clock said.
    pub(super) async fn steps(
        &mut self,
        conn: &mut PgConnection,
        tenant: TenantId,
        first: i64,
        entries: &[&Pending],
    ) -> Result<Vec<TimeStep>, StoreError> {
        let mut order = match self.orders.get(&tenant) {
            Some((next, order)) if *next == first => *order,
            _ => self.order_before(conn, tenant, first).await?,
        };
        let (mut steps, mut next) = (Vec::new(), first);
        for (index, entry) in (unsigned(first)?..).zip(entries) {
            if let Some(back) = order.next(entry.recorded_at, self.overlap) {
                steps.push(TimeStep { tenant, index, back });
            }
            next = next.saturating_add(1);
        }
        self.orders.insert(tenant, (next, order));
        Ok(steps)
    }

    /// As if the last leaves before `first` had been numbered here: another instance may have done it, or this one before it was started.
    async fn order_before(&self, conn: &mut PgConnection, tenant: TenantId, first: i64) -> Result<Order, StoreError> {
        let times = sqlx::query_scalar!(
            "select recorded_at from audit.leaf where tenant_id = $1 and idx < $2 order by idx desc limit 256",
            tenant.uuid(),
            first
        );
        let mut order = Order::default();
        for at in times.fetch_all(conn).await?.into_iter().rev() {
            let _told_then = order.next(at, self.overlap);
        }
        Ok(order)
    }
}
