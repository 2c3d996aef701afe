//! Messages on their way: the commands, run as the gate and a dispatcher would run them.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod journeys {
    use std::sync::Arc;

    use keepgate_channels::{commands::*, machine::*, *};
    use keepgate_kernel::{AttemptId, Level, MessageId, RecipientId, RouteId};
    use keepgate_store::testing::World;

    use super::support::{journey::*, *};

    fn taken() -> SendOutcome {
        SendOutcome::Accepted {
            provider_ref: Some("SM1".into()),
            queue_seconds: 0,
            delivered: false,
        }
    }

    async fn report(
        world: &World<dyn Tx>,
        attempt: AttemptId,
        event: &str,
        stage: Stage,
    ) -> Result<Took, CallbackError> {
        let news = News::Receipt {
            stage,
            class: RefusalClass::Target,
            reason: Some(Reason::new("twilio-30003")),
        };
        let command = TakeCallback {
            attempt,
            event: event.into(),
            provider_ref: Some("SM1".into()),
            news,
        };
        perform(world, &world.worker(), &command).await
    }

    async fn nobody_to_ask_is_recorded_and_the_message_fails_for_all_to_see(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        let lease = lease_one(world, world.now, 30).await.lease;
        let none = Arc::new(Carriers::default());
        for (step, reason) in ["no-contact", "no-provider", "no-contact"].into_iter().enumerate() {
            let Begun::Skipped { reason: why, progress } = start(world, lease, world.now, &none).await.unwrap() else {
                panic!("a skip")
            };
            assert_eq!((why.as_str(), progress.more), (reason, step < 2), "at once");
        }
        assert_eq!(view(world, message).await.message.status, Status::Failed);
        let expected = [(0, "no-contact"), (1, "no-provider"), (2, "no-contact")];
        assert_eq!(
            states(world, message).await,
            expected.map(|(step, why)| (step, AttemptState::Refused, Some(why.to_owned())))
        );
        assert_eq!(lease_none(world).await, []);
    }

    async fn lease_none(world: &World<dyn Tx>) -> Vec<Leased> {
        lease(world, later(world, 86_400), 30).await
    }

    async fn an_unacknowledged_message_goes_from_stream_to_sms_to_voice_and_then_fails(world: &World<dyn Tx>) {
        let agent = me(&world.caller(Level::FieldAgent));
        let voice = Contact::new(Channel::Voice, "+15005550006", true).unwrap();
        let message = accept(world, vec![voice, sms("+15005550007"), stream(agent)], None).await;
        let leased = lease_one(world, world.now, 30).await.lease;
        let Begun::Streamed { streams, progress } = start(world, leased, world.now, &carriers(false)).await.unwrap()
        else {
            panic!("a stream")
        };
        assert_eq!((streams, progress.due), (vec![(agent, 1)], Some(later(world, 60))));
        assert_eq!(view(world, message).await.message.status, Status::Delivering);
        for (at, channel) in [(60, Channel::Sms), (180, Channel::Voice)] {
            let moved = advance(world, later(world, at)).await;
            assert!(moved.more, "the next step is due at once, under the same lease");
            let again = start(
                world,
                Lease {
                    token: leased.token + if at == 60 { 1 } else { 2 },
                    ..leased
                },
                later(world, at),
                &carriers(false),
            )
            .await;
            let Ok(Begun::Call(call)) = again else {
                panic!("{again:?}")
            };
            assert_eq!((call.channel, call.repeat), (channel, false));
            record(world, &call, later(world, at), taken()).await.unwrap();
        }
        assert_eq!(advance(world, later(world, 360)).await.ended, Some(Terminal::Failed));
        let steps: Vec<u8> = view(world, message).await.attempts.iter().map(|one| one.step).collect();
        assert_eq!(steps, [0, 1, 2]);
    }

    async fn an_acknowledgement_stops_everything_and_can_be_repeated(world: &World<dyn Tx>) {
        let agent = world.caller(Level::FieldAgent);
        let message = accept(world, vec![stream(me(&agent)), sms("+15005550006")], None).await;
        let leased = lease_one(world, world.now, 30).await.lease;
        start(world, leased, world.now, &carriers(false)).await.unwrap();
        let ack = AckMessage { message, note: None };
        let first = perform(world, &agent, &ack).await.unwrap();
        assert_eq!(first.message.status, Status::Acknowledged);
        assert_eq!(perform(world, &agent, &ack).await.unwrap(), first, "the same answer");
        assert_eq!(lease_none(world).await, []);
        let cancel = perform(world, &world.caller(Level::Operator), &CancelMessage { message }).await;
        assert!(matches!(cancel, Err(CancelError::Ended(Terminal::Acknowledged))));
    }

    async fn below_level_2_only_the_addressed_acknowledge(world: &World<dyn Tx>) {
        let agent = world.caller(Level::FieldAgent);
        let own = message(&agent, world.now, vec![sms("+15005550006")]);
        let mut tx = world.begin(&agent).await;
        tx.add_message(&own).await.unwrap();
        done(tx).await;
        let ack = AckMessage {
            message: own.id,
            note: None,
        };
        assert!(matches!(
            perform(world, &agent, &ack).await,
            Err(AckError::NotAddressed)
        ));
        assert!(matches!(
            perform(world, &world.stranger(Level::TenantOwner), &ack).await,
            Err(AckError::Unknown)
        ));
        assert!(perform(world, &world.caller(Level::Operator), &ack).await.is_ok());
    }

    async fn an_ack_during_a_call_settles_the_attempt_and_starts_nothing(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        perform(
            world,
            &world.caller(Level::Operator),
            &AckMessage { message, note: None },
        )
        .await
        .unwrap();
        let done = record(world, &call, later(world, 1), taken()).await.unwrap();
        assert_eq!(done.ended, Some(Terminal::Acknowledged));
        assert_eq!(
            states(world, message).await.last().unwrap().1,
            AttemptState::Accepted,
            "the call's result is kept"
        );
        assert_eq!(lease_none(world).await, []);
    }

    /// Passes the internet step of a message that has no internet contact, and gives the lease back.
    async fn skip_internet(world: &World<dyn Tx>) {
        let lease = lease_one(world, world.now, 30).await.lease;
        let skipped = start(world, lease, world.now, &carriers(false)).await.unwrap();
        assert!(matches!(skipped, Begun::Skipped { .. }), "{skipped:?}");
        let mut tx = world.begin(&world.worker()).await;
        tx.release(lease.message, lease.token, world.now).await.unwrap();
        unmarked(tx).await.unwrap();
    }

    async fn call_now(world: &World<dyn Tx>) -> Box<Call> {
        call(world, world.now, &carriers(false)).await
    }

    async fn what_may_have_been_taken_is_never_sent_again_without_a_known_key(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        let after = record(world, &call, world.now, unknown()).await.unwrap();
        assert_eq!(after.due, Some(later(world, 120)), "it waits for the step's time");
        assert_eq!(lease(world, later(world, 119), 30).await, []);
        assert!(advance(world, later(world, 120)).await.more);
        let attempts = view(world, message).await.attempts;
        assert_eq!(
            attempts
                .iter()
                .filter(|one| one.channel == Channel::Sms)
                .map(|one| one.sends)
                .collect::<Vec<_>>(),
            [1]
        );
    }

    async fn a_callback_settles_an_unknown_attempt(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], Some(false)).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        record(world, &call, world.now, unknown()).await.unwrap();
        let took = report(world, call.attempt, "SM1:delivered", Stage::Delivered)
            .await
            .unwrap();
        assert_eq!((took.duplicate, took.ended), (false, Some(Terminal::Delivered)));
        assert_eq!(
            states(world, message).await.last(),
            Some(&(1, AttemptState::Delivered, None))
        );
        assert!(
            report(world, call.attempt, "SM1:delivered", Stage::Delivered)
                .await
                .unwrap()
                .duplicate
        );
        report(world, call.attempt, "SM1:sent", Stage::Sent).await.unwrap();
        assert_eq!(
            states(world, message).await.last(),
            Some(&(1, AttemptState::Delivered, None)),
            "a late one changes nothing"
        );
    }

    async fn a_callback_that_comes_before_the_answer_waits_for_it(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], Some(false)).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        let early = report(world, call.attempt, "SM1:delivered", Stage::Delivered)
            .await
            .unwrap();
        assert_eq!(early.ended, None);
        assert_eq!(states(world, message).await.last().unwrap().1, AttemptState::Intent);
        assert_eq!(lease(world, later(world, 29), 30).await, [], "the call's lease stands");
        assert_eq!(
            record(world, &call, later(world, 1), taken()).await.unwrap().ended,
            Some(Terminal::Delivered)
        );
    }

    async fn a_callback_under_another_reference_is_refused(world: &World<dyn Tx>) {
        accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        record(world, &call, world.now, taken()).await.unwrap();
        let other = TakeCallback {
            attempt: call.attempt,
            event: "x".into(),
            provider_ref: Some("SM2".into()),
            news: News::Digit('1'),
        };
        assert!(matches!(
            perform(world, &world.worker(), &other).await,
            Err(CallbackError::OtherReference)
        ));
        let nobody = TakeCallback {
            attempt: AttemptId::new(world.now),
            event: "x".into(),
            provider_ref: None,
            news: News::Other,
        };
        assert!(matches!(
            perform(world, &world.worker(), &nobody).await,
            Err(CallbackError::Unknown)
        ));
    }

    async fn an_undelivered_message_takes_the_next_step_at_once(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        record(world, &call, world.now, taken()).await.unwrap();
        report(world, call.attempt, "SM1:undelivered", Stage::Undelivered)
            .await
            .unwrap();
        assert_eq!(
            states(world, message).await.last(),
            Some(&(1, AttemptState::Undelivered, Some("twilio-30003".into())))
        );
        assert_eq!(lease_one(world, world.now, 30).await.todo, Todo::Start);
    }

    async fn only_the_key_1_acknowledges_a_call(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        record(world, &call, world.now, taken()).await.unwrap();
        for (digit, ended) in [('2', None), ('1', Some(Terminal::Acknowledged))] {
            let press = TakeCallback {
                attempt: call.attempt,
                event: format!("digit:{digit}"),
                provider_ref: None,
                news: News::Digit(digit),
            };
            assert_eq!(perform(world, &world.worker(), &press).await.unwrap().ended, ended);
        }
        assert_eq!(
            view(world, message).await.message.ack.unwrap().by,
            AckBy::Attempt(call.attempt)
        );
    }

    async fn a_lost_lease_makes_the_attempt_unknown_and_its_owner_late(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        skip_internet(world).await;
        let call = call_now(world).await;
        advance(world, later(world, 30)).await;
        assert_eq!(
            states(world, message).await.last(),
            Some(&(1, AttemptState::Unknown, Some("lease-lost".into())))
        );
        assert!(matches!(
            record(world, &call, later(world, 31), taken()).await,
            Err(RecordError::Stale)
        ));
        let stale = start(world, call.lease, later(world, 31), &carriers(false)).await;
        assert!(matches!(stale, Err(StartError::Stale)));
    }

    async fn the_deadline_ends_a_message_in_the_open(world: &World<dyn Tx>) {
        let message = accept(world, vec![sms("+15005550006")], None).await;
        let ended = advance(world, later(world, 3_600)).await.ended;
        assert_eq!(ended, Some(Terminal::Expired));
        assert_eq!(view(world, message).await.message.status, Status::Expired);
        let late = perform(
            world,
            &world.caller(Level::Operator),
            &AckMessage { message, note: None },
        )
        .await;
        assert!(matches!(late, Err(AckError::Ended(Terminal::Expired))));
    }

    async fn a_replay_is_a_new_message_that_names_the_old_one(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let old = accept(world, vec![sms("+15005550006")], Some(false)).await;
        perform(world, &operator, &CancelMessage { message: old })
            .await
            .unwrap();
        let replay = ReplayMessage {
            id: MessageId::new(later(world, 1)),
            original: old,
            payload: Sealed::new(vec![9; 9]),
            text: None,
        };
        let new = perform(world, &operator, &replay).await.unwrap().id;
        let (old, new) = (view(world, old).await.message, view(world, new).await.message);
        assert_eq!(
            (old.status, new.status, new.replay_of),
            (Status::Cancelled, Status::Accepted, Some(old.id))
        );
        assert_eq!(
            (new.contacts, new.route, new.require_ack),
            (old.contacts, old.route, old.require_ack)
        );
        let unknown = ReplayMessage {
            original: MessageId::new(world.now),
            ..replay
        };
        assert!(matches!(
            perform(world, &operator, &unknown).await,
            Err(ReplayError::Unknown)
        ));
    }

    async fn a_message_keeps_the_contacts_and_route_it_was_accepted_with(world: &World<dyn Tx>) {
        let (operator, admin) = (world.caller(Level::Operator), world.caller(Level::TenantAdmin));
        let create = CreateRecipient {
            id: RecipientId::new(world.now),
            name: "Ann".into(),
            contacts: vec![sms("+15005550006")],
            quiet_hours: None,
            locale: None,
        };
        perform(world, &operator, &create).await.unwrap();
        let step = Step {
            channel: Channel::Sms,
            wait_seconds: 5,
            attempts: 1,
            provider: None,
        };
        let put = |wait_seconds| PutRoute {
            id: RouteId::new(world.now),
            name: STANDARD.into(),
            steps: vec![Step {
                wait_seconds,
                ..step.clone()
            }],
            require_ack: false,
            deadline_seconds: 60,
        };
        perform(world, &admin, &put(5)).await.unwrap();
        let accept = AcceptMessage {
            id: MessageId::new(world.now),
            to: Destination::Recipient(create.id),
            route: None,
            payload: Sealed::new(vec![7]),
            text: None,
            content_type: None,
            priority: Priority::Urgent,
            deadline: None,
            require_ack: None,
        };
        let accepted = perform(world, &operator, &accept).await.unwrap();
        assert_eq!(accepted.deadline, later(world, 60));
        perform(world, &admin, &put(6)).await.unwrap();
        perform(world, &operator, &DeleteRecipient { id: create.id })
            .await
            .unwrap();
        let kept = view(world, accept.id).await.message;
        assert_eq!(
            (kept.contacts, kept.recipient, kept.require_ack),
            (create.contacts, Some(create.id), false)
        );
        assert_eq!(kept.route.route.steps()[0].wait_seconds, 5);
        perform(world, &admin, &DeleteRoute { name: STANDARD.into() })
            .await
            .unwrap();
        assert_eq!(
            perform(world, &operator, &GetRoute { name: STANDARD.into() })
                .await
                .unwrap(),
            RouteVersion::standard()
        );
        let gone = perform(world, &admin, &DeleteRoute { name: STANDARD.into() }).await;
        assert!(matches!(gone, Err(DeleteRouteError::BuiltIn)));
        let again = perform(
            world,
            &operator,
            &AcceptMessage {
                id: MessageId::new(world.now),
                ..accept
            },
        )
        .await;
        assert!(matches!(again, Err(AcceptError::UnknownRecipient)));
    }

    keepgate_store::contract!(dyn Tx;
        nobody_to_ask_is_recorded_and_the_message_fails_for_all_to_see,
        an_unacknowledged_message_goes_from_stream_to_sms_to_voice_and_then_fails,
        an_acknowledgement_stops_everything_and_can_be_repeated,
        below_level_2_only_the_addressed_acknowledge,
        an_ack_during_a_call_settles_the_attempt_and_starts_nothing,
        what_may_have_been_taken_is_never_sent_again_without_a_known_key,
        a_callback_settles_an_unknown_attempt,
        a_callback_that_comes_before_the_answer_waits_for_it,
        a_callback_under_another_reference_is_refused,
        an_undelivered_message_takes_the_next_step_at_once,
        only_the_key_1_acknowledges_a_call,
        a_lost_lease_makes_the_attempt_unknown_and_its_owner_late,
        the_deadline_ends_a_message_in_the_open,
        a_replay_is_a_new_message_that_names_the_old_one,
        a_message_keeps_the_contacts_and_route_it_was_accepted_with,
    );
}
