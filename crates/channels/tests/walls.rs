//! The second wall: what PostgreSQL refuses whatever the service asks for, as a superuser's or an injected statement would.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod walls {
    use keepgate_kernel::{Level, RequestId};
    use keepgate_policy::OpContext;
    use keepgate_store::{
        Begin, MemStore, PgStore, StoreError,
        testing::{TestDb, World},
    };

    use super::support::*;

    #[async_trait::async_trait]
    impl Begin<dyn Tx> for PgStore {
        async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
            Ok(Box::new(PgStore::begin(self, context).await?))
        }
    }
    #[async_trait::async_trait]
    impl Begin<dyn Tx> for MemStore {
        async fn begin(&self, context: &OpContext) -> Result<Box<dyn Tx>, StoreError> {
            Ok(Box::new(MemStore::begin(self, context)?))
        }
    }

    /// Runs one statement as `context`, and says how many rows it changed.
    async fn inject(db: &TestDb, context: &OpContext, sql: &'static str) -> Result<u64, StoreError> {
        let mut tx = PgStore::begin(&db.store(), context).await?;
        Ok(sqlx::query(sql).execute(tx.conn()).await?.rows_affected())
    }

    /// A message from the admin to the agent, its delivery leased and one try under way.
    async fn scene(db: &TestDb) -> World<dyn Tx> {
        let world = World::<dyn Tx>::postgres(db).await;
        let (admin, agent) = (world.caller(Level::TenantAdmin), me(&world.caller(Level::FieldAgent)));
        let mut tx = world.begin(&admin).await;
        tx.add_message(&message(&admin, world.now, vec![stream(agent)]))
            .await
            .unwrap();
        done(tx).await;
        let lease = lease_one(&world, world.now, 3_600).await.lease;
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&intent(lease, world.now)).await.unwrap();
        done(tx).await;
        world
    }

    #[tokio::test]
    async fn nobody_changes_or_removes_a_message_not_even_the_superuser() {
        let db = TestDb::new().await;
        let _world = scene(&db).await;
        let mut admin = db.admin().await;
        for sql in [
            "update channels.message set priority = 'low'",
            "delete from channels.message",
            "truncate channels.message cascade",
            "set session_replication_role = replica; update channels.message set priority = 'low'",
        ] {
            let refused = sqlx::raw_sql(sql).execute(&mut admin).await.unwrap_err();
            assert_eq!(
                refused.as_database_error().and_then(|error| error.code()).as_deref(),
                Some("42501"),
                "{sql}"
            );
        }
        db.drop().await;
    }

    #[tokio::test]
    async fn an_injected_statement_of_a_person_moves_no_delivery() {
        let db = TestDb::new().await;
        let world = scene(&db).await;
        for level in [Level::FieldAgent, Level::Supervisor, Level::TenantOwner] {
            let context = world.caller(level);
            for sql in [
                "update channels.delivery set lease_token = lease_token + 1",
                "update channels.delivery set step = 2, wake_at = now()",
                "update channels.delivery set status = 'failed', ended_at = now(), wake_at = null",
                "update channels.delivery set status = 'acknowledged', acked_at = now(), acked_kind = 'user', acked_by = gen_random_uuid(), ended_at = now()",
                "update channels.delivery set status = 'cancelled', ended_at = now(), lease_token = lease_token + 1",
                "update channels.attempt set state = 'delivered'",
                "delete from channels.delivery",
                "delete from channels.attempt",
                "insert into channels.stream (tenant_id, principal_id, last_seq) select tenant_id, gen_random_uuid(), 1 from channels.message",
                "insert into channels.callback (tenant_id, attempt_id, event, stage, received_at, parked) select tenant_id, id, 'x', 'delivered', now(), false from channels.attempt",
            ] {
                let changed = inject(&db, &context, sql).await;
                assert!(
                    matches!(changed, Err(StoreError::Forbidden) | Ok(0)),
                    "{level}: {sql}: {changed:?}"
                );
            }
        }
        db.drop().await;
    }

    #[tokio::test]
    async fn the_worker_may_not_rewrite_history_either() {
        let db = TestDb::new().await;
        let world = scene(&db).await;
        let worker = world.worker();
        for sql in [
            "update channels.attempt set state = 'accepted', sends = 0",
            "update channels.attempt set sends = 2",
            "update channels.delivery set lease_token = 0",
        ] {
            let changed = inject(&db, &worker, sql).await;
            assert!(
                matches!(changed, Err(StoreError::Forbidden) | Ok(0)),
                "{sql}: {changed:?}"
            );
        }
        let late = "insert into channels.attempt (tenant_id, id, message_id, step, target, try, channel, idempotent, state, live, sends, lease_token, at, ends_at)
            select tenant_id, gen_random_uuid(), message_id, 2, 0, 1, 'voice', false, 'intent', false, 1, lease_token - 1, now(), now() from channels.delivery";
        assert!(
            matches!(inject(&db, &worker, late).await, Err(StoreError::Conflict)),
            "a lost lease begins nothing"
        );
        db.drop().await;
    }

    #[tokio::test]
    async fn a_tenant_s_worker_learns_nothing_about_other_tenants() {
        let db = TestDb::new().await;
        let world = scene(&db).await;
        let other = OpContext::system(world.ids.other, RequestId::new(world.now), world.now);
        for context in [
            world.worker(),
            other,
            world.caller(Level::TenantOwner),
            world.caller(Level::GlobalAdmin),
        ] {
            let mut tx = world.begin(&context).await;
            assert_eq!(tx.next_due().await.unwrap(), None);
            assert_eq!(tx.due_tenants(9).await.unwrap(), []);
        }
        db.drop().await;
    }

    #[tokio::test]
    async fn a_second_live_attempt_can_t_be_stored() {
        let db = TestDb::new().await;
        let world = scene(&db).await;
        let second = "insert into channels.attempt (tenant_id, id, message_id, step, target, try, channel, idempotent, state, live, sends, lease_token, at, ends_at)
            select tenant_id, gen_random_uuid(), message_id, 2, 0, 1, 'voice', false, 'intent', true, 1, lease_token, now(), now() from channels.delivery";
        assert!(matches!(
            inject(&db, &world.worker(), second).await,
            Err(StoreError::Conflict)
        ));
        db.drop().await;
    }
}
