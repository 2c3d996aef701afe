//! Messages over the internet: streams and webhooks, run as the gate and a dispatcher would run them.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod journeys {
    use keepgate_channels::{commands::*, machine::*, *};
    use keepgate_kernel::Level;
    use keepgate_store::testing::World;

    use super::support::{journey::*, *};

    async fn a_webhook_is_repeated_under_the_same_key_until_its_step_ends(world: &World<dyn Tx>) {
        let hook = webhook(world, "https://desk.example/hook");
        let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
        tx.add_webhook(&hook).await.unwrap();
        done(tx).await;
        let to = Contact::new(Channel::Internet, hook.url.as_str(), true).unwrap();
        let message = accept(world, vec![to], Some(false)).await;
        let first = call(world, world.now, &carriers(false)).await;
        assert_eq!(
            (first.webhook.as_ref(), first.provider.as_str()),
            (Some(&hook), WEBHOOK)
        );
        let due = record(world, &first, world.now, unknown()).await.unwrap().due.unwrap();
        assert!(due < later(world, 60));
        let second = call(world, due, &carriers(false)).await;
        assert_eq!((second.attempt, second.repeat), (first.attempt, true));
        let refused = SendOutcome::Refused {
            class: RefusalClass::Retry,
            reason: Reason::new("http-429"),
            retry_after_seconds: None,
        };
        record(world, &second, due, refused).await.unwrap();
        assert_eq!(
            states(world, message).await,
            [(0, AttemptState::Unknown, Some("http-429".into()))],
            "that proves nothing"
        );
        let due = view(world, message).await.attempts[0].ends;
        assert!(advance(world, due).await.more, "the step is over");
    }

    async fn a_lost_webhook_call_is_sent_again(world: &World<dyn Tx>) {
        let hook = webhook(world, "https://desk.example/hook");
        let mut tx = world.begin(&world.caller(Level::TenantAdmin)).await;
        tx.add_webhook(&hook).await.unwrap();
        done(tx).await;
        let to = Contact::new(Channel::Internet, hook.url.as_str(), true).unwrap();
        let message = accept(world, vec![to], Some(false)).await;
        let first = call(world, world.now, &carriers(false)).await;
        let due = advance(world, later(world, 30)).await.due.unwrap();
        let again = call(world, due, &carriers(false)).await;
        assert_eq!((again.attempt, again.repeat), (first.attempt, true));
        let posted = SendOutcome::Accepted {
            provider_ref: None,
            queue_seconds: 0,
            delivered: true,
        };
        assert_eq!(
            record(world, &again, due, posted).await.unwrap().ended,
            Some(Terminal::Delivered)
        );
        assert_eq!(view(world, message).await.attempts.len(), 1);
    }

    async fn a_webhook_that_is_not_registered_is_skipped(world: &World<dyn Tx>) {
        let to = Contact::new(Channel::Internet, "https://desk.example/hook", true).unwrap();
        let message = accept(world, vec![to], None).await;
        let lease = lease_one(world, world.now, 30).await.lease;
        start(world, lease, world.now, &carriers(false)).await.unwrap();
        assert_eq!(
            states(world, message).await,
            [(0, AttemptState::Refused, Some("no-webhook".into()))]
        );
    }

    async fn handing_an_event_over_delivers_what_needs_no_ack(world: &World<dyn Tx>) {
        let agent = world.caller(Level::FieldAgent);
        for (require_ack, ended) in [(true, None), (false, Some(Terminal::Delivered))] {
            let message = accept(world, vec![stream(me(&agent))], Some(require_ack)).await;
            let lease = lease_one(world, world.now, 30).await.lease;
            start(world, lease, world.now, &carriers(false)).await.unwrap();
            let opened = perform(world, &agent, &OpenStream { last_event: None }).await.unwrap();
            let mut tx = world.begin(&agent).await;
            let events = tx.events_after(opened.principal, opened.after, 9).await.unwrap();
            drop(tx);
            let event = events.last().unwrap();
            assert_eq!(event.message, message);
            let mark = MarkStreamed {
                principal: me(&agent),
                seq: event.seq,
                attempt: event.attempt,
            };
            for _twice in 0..2 {
                assert_eq!(perform(world, &world.worker(), &mark).await.unwrap().ended, ended);
            }
            assert_eq!(states(world, message).await, [(0, AttemptState::Delivered, None)]);
        }
        let opened = perform(world, &agent, &OpenStream { last_event: Some(99) })
            .await
            .unwrap();
        assert_eq!(opened.after, 2, "a number from the future swallows nothing");
    }

    keepgate_store::contract!(dyn Tx;
        a_webhook_is_repeated_under_the_same_key_until_its_step_ends,
        a_lost_webhook_call_is_sent_again,
        a_webhook_that_is_not_registered_is_skipped,
        handing_an_event_over_delivers_what_needs_no_ack,
    );
}
