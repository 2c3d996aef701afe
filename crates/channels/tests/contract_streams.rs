//! What the ports of streams and of due work promise.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod streams {
    use chrono::Duration;
    use keepgate_channels::{
        machine::{AttemptState, Delivery, Terminal},
        ports::Keep,
        *,
    };
    use keepgate_kernel::{AttemptId, Level, RequestId};
    use keepgate_policy::OpContext;
    use keepgate_store::{StoreError, testing::World};

    use super::support::*;

    async fn end_as(
        world: &World<dyn Tx>,
        context: &OpContext,
        id: keepgate_kernel::MessageId,
        terminal: Terminal,
    ) -> Result<(), StoreError> {
        let mut tx = world.begin(context).await;
        let mut held = tx.lock(id).await?.ok_or(StoreError::Forbidden)?;
        held.delivery = Delivery::Ended(terminal);
        let by = AckBy::Principal(me(context));
        held.ack = (terminal == Terminal::Acknowledged).then_some(Ack {
            at: world.now,
            by,
            note: Some(Sealed::new(vec![1])),
        });
        tx.save(&held, Keep::Nothing, world.now).await?;
        done(tx).await;
        Ok(())
    }

    /// Two events on the agent's stream.
    async fn streamed(world: &World<dyn Tx>) -> Vec<(keepgate_kernel::MessageId, AttemptId)> {
        let (admin, agent) = (world.caller(Level::TenantAdmin), me(&world.caller(Level::FieldAgent)));
        let mut events = Vec::new();
        for n in 0..2 {
            let sent = message(&admin, world.now, vec![stream(agent)]);
            let mut tx = world.begin(&admin).await;
            tx.add_message(&sent).await.unwrap();
            done(tx).await;
            let lease = lease_one(world, world.now, 3_600).await.lease;
            let attempt = Attempt {
                state: AttemptState::Accepted,
                ..intent(lease, world.now)
            };
            let mut tx = world.begin(&world.worker()).await;
            tx.add_attempt(&attempt).await.unwrap();
            assert_eq!(
                tx.append_event(agent, sent.id, attempt.id, world.now).await.unwrap(),
                n + 1,
                "numbered without gaps"
            );
            done(tx).await;
            events.push((sent.id, attempt.id));
        }
        events
    }

    async fn a_stream_is_read_by_its_principal_in_order(world: &World<dyn Tx>) {
        let events = streamed(world).await;
        let agent = world.caller(Level::FieldAgent);
        let mut tx = world.begin(&agent).await;
        let read = tx.events_after(me(&agent), 0, 9).await.unwrap();
        assert_eq!(
            read.iter()
                .map(|event| (event.message, event.attempt))
                .collect::<Vec<_>>(),
            events
        );
        assert_eq!(read.iter().map(|event| event.seq).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(read[0].payload, Sealed::new(vec![7; 60]));
        assert_eq!(tx.events_after(me(&agent), 1, 9).await.unwrap().len(), 1);
        assert_eq!(tx.events_after(me(&agent), 0, 1).await.unwrap().len(), 1);
        assert_eq!(tx.last_event(me(&agent)).await.unwrap(), 2);
        let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
        assert_eq!(
            tx.events_after(me(&agent), 0, 9).await.unwrap(),
            [],
            "nobody reads another's stream"
        );
        assert_eq!(tx.last_event(me(&agent)).await.unwrap(), 0);
        let owner = me(&world.caller(Level::TenantOwner));
        let mut tx = world.begin(&agent).await;
        assert!(matches!(
            tx.append_event(owner, events[0].0, events[0].1, world.now).await,
            Err(StoreError::Forbidden)
        ));
    }

    async fn a_stream_resumes_before_what_was_not_handed_over_or_is_under_way(world: &World<dyn Tx>) {
        let agent = world.caller(Level::FieldAgent);
        let mut tx = world.begin(&agent).await;
        assert_eq!(tx.resume_point(me(&agent)).await.unwrap(), 0);
        drop(tx);
        let events = streamed(world).await;
        for (seq, (message, _)) in (1..).zip(&events) {
            let mut tx = world.begin(&world.worker()).await;
            tx.note_handed(me(&agent), seq, world.now).await.unwrap();
            done(tx).await;
            let mut tx = world.begin(&agent).await;
            assert_eq!(
                tx.resume_point(me(&agent)).await.unwrap(),
                seq - 1,
                "handed over, but under way"
            );
            drop(tx);
            end_as(world, &agent, *message, Terminal::Acknowledged).await.unwrap();
            let mut tx = world.begin(&agent).await;
            assert_eq!(tx.resume_point(me(&agent)).await.unwrap(), seq);
        }
    }

    async fn the_platform_s_worker_learns_where_work_is(world: &World<dyn Tx>) {
        let platform = OpContext::system(world.ids.platform, RequestId::new(world.now), later(world, 1));
        let mut tx = world.begin(&platform).await;
        assert_eq!(
            (tx.due_tenants(9).await.unwrap(), tx.next_due().await.unwrap()),
            (vec![], None)
        );
        drop(tx);
        stored(world, world.now - Duration::seconds(5)).await;
        let mut tx = world.begin(&platform).await;
        assert_eq!(tx.due_tenants(9).await.unwrap(), [world.ids.tenant]);
        assert_eq!(tx.next_due().await.unwrap(), Some(world.now - Duration::seconds(5)));
        drop(tx);
        let attempt = intent(lease_one(world, world.now, 3_600).await.lease, world.now);
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&attempt).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&platform).await;
        assert_eq!(tx.due_tenants(9).await.unwrap(), [], "what is leased is not due");
        assert_eq!(tx.next_due().await.unwrap(), Some(later(world, 3_600)));
        assert_eq!(tx.home_of_attempt(attempt.id).await.unwrap(), Some(world.ids.tenant));
        assert_eq!(tx.home_of_attempt(AttemptId::new(world.now)).await.unwrap(), None);
        let mut tx = world.begin(&world.caller(Level::TenantOwner)).await;
        assert_eq!(tx.home_of_attempt(attempt.id).await.unwrap(), None);
        assert_eq!(tx.next_due().await.unwrap(), None);
    }

    keepgate_store::contract!(dyn Tx;
        a_stream_is_read_by_its_principal_in_order,
        a_stream_resumes_before_what_was_not_handed_over_or_is_under_way,
        the_platform_s_worker_learns_where_work_is,
    );
}
