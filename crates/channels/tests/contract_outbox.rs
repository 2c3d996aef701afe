//! What the ports of the workers promise: leases, attempts, callbacks, streams.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod work {
    use keepgate_channels::{
        machine::{AttemptState, Delivery, Position, RefusalClass, Stage, Terminal},
        ports::Keep,
        *,
    };
    use keepgate_kernel::{AttemptId, Level, RequestId};
    use keepgate_policy::OpContext;
    use keepgate_store::{StoreError, testing::World};

    use super::support::*;

    async fn a_lease_is_exclusive_until_it_runs_out(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let first = lease_one(world, world.now, 30).await;
        assert_eq!((first.lease.message, first.todo), (id, Todo::Start));
        assert_eq!(lease(world, later(world, 29), 30).await, []);
        let second = lease_one(world, later(world, 30), 30).await;
        assert!(
            second.lease.token > first.lease.token,
            "a taken-over lease has a higher token"
        );
        let mut tx = world.begin(&world.worker()).await;
        assert!(
            matches!(tx.hold(id, first.lease.token).await, Err(StoreError::Conflict)),
            "the old holder is refused"
        );
        assert!(matches!(
            tx.release(id, first.lease.token, world.now).await,
            Err(StoreError::Conflict)
        ));
        assert!(tx.hold(id, second.lease.token).await.is_ok());
    }

    async fn of_two_workers_at_once_one_gets_the_lease(world: &World<dyn Tx>) {
        stored(world, world.now).await;
        let (mut first, mut second) = (world.begin(&world.worker()).await, world.begin(&world.worker()).await);
        let (worker, until) = (WorkerId::new("w"), later(world, 30));
        assert_eq!(first.lease_due(&worker, 9, world.now, until).await.unwrap().len(), 1);
        let also = second.lease_due(&worker, 9, world.now, until).await.unwrap();
        unmarked(first).await.unwrap();
        // PostgreSQL skips what another transaction holds; memory finds out at the commit.
        assert!(also.is_empty() || matches!(unmarked(second).await, Err(StoreError::Conflict)));
        assert_eq!(lease(world, world.now, 30).await, []);
    }

    async fn the_longest_waiting_come_first_and_no_more_than_asked_for(world: &World<dyn Tx>) {
        let mut ids = Vec::new();
        for n in [3, 1, 2] {
            ids.push(stored(world, later(world, n)).await);
        }
        let now = later(world, 2);
        let (worker, until) = (WorkerId::new("w"), later(world, 60));
        let mut tx = world.begin(&world.worker()).await;
        let first = tx.lease_due(&worker, 1, now, until).await.unwrap();
        let second = tx.lease_due(&worker, 9, now, until).await.unwrap();
        let of = |leased: Vec<Leased>| leased.into_iter().map(|one| one.lease.message).collect::<Vec<_>>();
        assert_eq!(
            (of(first), of(second)),
            (vec![ids[1]], vec![ids[2]]),
            "what is not due stays"
        );
    }

    async fn a_released_delivery_can_be_taken_when_it_is_due(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let lease = lease_one(world, world.now, 30).await.lease;
        let mut tx = world.begin(&world.worker()).await;
        tx.release(id, lease.token, later(world, 5)).await.unwrap();
        unmarked(tx).await.expect("leases are bookkeeping");
        assert_eq!(super::support::lease(world, later(world, 4), 30).await, []);
        lease_one(world, later(world, 5), 30).await;
    }

    async fn only_the_tenant_s_own_worker_leases(world: &World<dyn Tx>) {
        stored(world, world.now).await;
        let other = OpContext::system(world.ids.other, RequestId::new(world.now), world.now);
        for context in [other, world.caller(Level::TenantOwner), world.caller(Level::FieldAgent)] {
            let mut tx = world.begin(&context).await;
            assert_eq!(
                tx.lease_due(&WorkerId::new("w"), 9, world.now, later(world, 9))
                    .await
                    .unwrap(),
                []
            );
        }
    }

    async fn an_acknowledged_delivery_is_leased_no_more(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        end(world, id, Terminal::Acknowledged).await.unwrap();
        assert_eq!(lease(world, later(world, 7_200), 30).await, []);
    }

    /// The operator ends a delivery.
    async fn end(world: &World<dyn Tx>, id: keepgate_kernel::MessageId, terminal: Terminal) -> Result<(), StoreError> {
        end_as(world, &world.caller(Level::Operator), id, terminal).await
    }

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

    async fn a_delivery_that_ended_during_a_call_comes_once_more(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let lease = lease_one(world, world.now, 30).await.lease;
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&intent(lease, world.now)).await.unwrap();
        done(tx).await;
        end(world, id, Terminal::Cancelled).await.unwrap();
        assert_eq!(
            super::support::lease(world, later(world, 29), 30).await,
            [],
            "its worker may still report"
        );
        let again = lease_one(world, later(world, 30), 30).await;
        assert_eq!(again.todo, Todo::Advance);
        let mut tx = world.begin(&worker_at(world, later(world, 31))).await;
        let mut held = tx.hold(id, again.lease.token).await.unwrap();
        let attempt = held.open.take().expect("the call that nobody reported");
        tx.save_attempt(&Attempt {
            state: AttemptState::Unknown,
            ..attempt
        })
        .await
        .unwrap();
        tx.save(&held, Keep::Nothing, later(world, 31)).await.unwrap();
        done(tx).await;
        assert_eq!(super::support::lease(world, later(world, 7_200), 30).await, []);
    }

    async fn an_ended_delivery_stays_as_it_is(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let lease = lease_one(world, world.now, 30).await.lease;
        end(world, id, Terminal::Cancelled).await.unwrap();
        assert!(matches!(
            end(world, id, Terminal::Acknowledged).await,
            Err(StoreError::Forbidden)
        ));
        let mut tx = world.begin(&world.worker()).await;
        let mut held = tx.hold(id, lease.token).await.unwrap();
        assert_eq!(held.delivery.terminal(), Some(Terminal::Cancelled));
        held.delivery = Delivery::new(world.now);
        assert!(matches!(
            tx.save(&held, Keep::Nothing, world.now).await,
            Err(StoreError::Forbidden)
        ));
        let mut tx = world.begin(&world.worker()).await;
        assert!(
            matches!(
                tx.add_attempt(&intent(lease, world.now)).await,
                Err(StoreError::Forbidden)
            ),
            "and nothing begins after it"
        );
    }

    async fn a_delivery_never_goes_back(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let token = lease_one(world, world.now, 30).await.lease.token;
        for (step, tries, fits) in [(1, 0, true), (1, 1, true), (1, 0, false), (0, 5, false), (2, 0, true)] {
            let mut tx = world.begin(&world.worker()).await;
            let mut held = tx.hold(id, token).await.unwrap();
            held.delivery = Delivery::Ready {
                at: Position { step, target: 0, tries },
                due: world.now,
            };
            held.begun = true;
            let saved = tx.save(&held, Keep::Lease, world.now).await;
            assert_eq!(saved.is_ok(), fits, "step {step}, try {tries}");
            if fits {
                done(tx).await;
            }
        }
        let mut tx = world.begin(&world.worker()).await;
        let held = tx.hold(id, token).await.unwrap();
        assert_eq!(
            held.delivery.position(),
            Some(Position {
                step: 2,
                target: 0,
                tries: 0
            })
        );
        assert_eq!(held.lease.map(|lease| lease.token), Some(token), "the lease was kept");
    }

    async fn people_end_what_they_may_and_move_nothing(world: &World<dyn Tx>) {
        let (agent, operator) = (world.caller(Level::FieldAgent), world.caller(Level::Operator));
        let mut tx = world.begin(&agent).await;
        let own = message(&agent, world.now, vec![sms("+15005550006")]);
        tx.add_message(&own).await.unwrap();
        done(tx).await;
        for terminal in [
            Terminal::Acknowledged,
            Terminal::Cancelled,
            Terminal::Delivered,
            Terminal::Failed,
            Terminal::Expired,
        ] {
            assert!(
                matches!(
                    end_as(world, &agent, own.id, terminal).await,
                    Err(StoreError::Forbidden)
                ),
                "{terminal}"
            );
        }
        for terminal in [Terminal::Delivered, Terminal::Failed, Terminal::Expired] {
            assert!(
                matches!(
                    end_as(world, &operator, own.id, terminal).await,
                    Err(StoreError::Forbidden)
                ),
                "{terminal}"
            );
        }
        let mut tx = world.begin(&operator).await;
        let mut held = tx.lock(own.id).await.unwrap().unwrap();
        held.delivery = Delivery::Ready {
            at: Position {
                step: 1,
                target: 0,
                tries: 0,
            },
            due: world.now,
        };
        held.begun = true;
        assert!(matches!(
            tx.save(&held, Keep::Nothing, world.now).await,
            Err(StoreError::Forbidden)
        ));
        end_as(world, &operator, own.id, Terminal::Cancelled).await.unwrap();
        let admin = world.caller(Level::TenantAdmin);
        let mut tx = world.begin(&admin).await;
        let addressed = message(&admin, world.now, vec![stream(me(&agent))]);
        tx.add_message(&addressed).await.unwrap();
        done(tx).await;
        end_as(world, &agent, addressed.id, Terminal::Acknowledged)
            .await
            .expect("it is addressed to the agent");
        let mut tx = world.begin(&agent).await;
        let ack = tx.message(addressed.id).await.unwrap().unwrap().message.ack.unwrap();
        assert_eq!(
            (ack.by, ack.note),
            (AckBy::Principal(me(&agent)), Some(Sealed::new(vec![1])))
        );
    }

    async fn saving_a_delivery_needs_an_audit_entry_and_leasing_does_not(world: &World<dyn Tx>) {
        let id = stored(world, world.now).await;
        let token = lease_one(world, world.now, 30).await.lease.token;
        let mut tx = world.begin(&world.worker()).await;
        let held = tx.hold(id, token).await.unwrap();
        tx.save(&held, Keep::Nothing, world.now).await.unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
        let mut tx = world.begin(&world.worker()).await;
        let lease = Lease {
            message: id,
            token,
            until: world.now,
        };
        tx.add_attempt(&intent(lease, world.now)).await.unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
    }

    async fn one_attempt_is_live_and_none_begins_under_an_old_lease(world: &World<dyn Tx>) {
        stored(world, world.now).await;
        let old = lease_one(world, world.now, 30).await.lease;
        let new = lease_one(world, later(world, 30), 30).await.lease;
        let mut tx = world.begin(&world.worker()).await;
        assert!(matches!(
            tx.add_attempt(&intent(old, world.now)).await,
            Err(StoreError::Conflict)
        ));
        let first = intent(new, world.now);
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&first).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&world.worker()).await;
        let second = Attempt {
            number: 2,
            ..intent(new, world.now)
        };
        assert!(
            matches!(tx.add_attempt(&second).await, Err(StoreError::Conflict)),
            "two live ones"
        );
        let mut tx = world.begin(&world.worker()).await;
        tx.save_attempt(&Attempt {
            live: false,
            state: AttemptState::Accepted,
            ..first.clone()
        })
        .await
        .unwrap();
        done(tx).await;
        let mut tx = world.begin(&world.worker()).await;
        assert!(
            matches!(tx.add_attempt(&intent(new, world.now)).await, Err(StoreError::Conflict)),
            "the same step and number"
        );
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&second).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&world.caller(Level::Operator)).await;
        let numbers: Vec<u8> = tx
            .message(first.message)
            .await
            .unwrap()
            .unwrap()
            .attempts
            .iter()
            .map(|one| one.number)
            .collect();
        assert_eq!(numbers, [1, 2], "in their order");
        assert!(matches!(
            tx.add_attempt(&Attempt {
                number: 3,
                live: false,
                ..second
            })
            .await,
            Err(StoreError::Forbidden)
        ));
    }

    async fn an_attempt_never_goes_back(world: &World<dyn Tx>) {
        use AttemptState::*;
        stored(world, world.now).await;
        let lease = lease_one(world, world.now, 300).await.lease;
        let allowed = [
            (Intent, Accepted),
            (Intent, Refused),
            (Intent, Unknown),
            (Unknown, Accepted),
            (Unknown, Delivered),
            (Accepted, Delivered),
            (Accepted, Undelivered),
        ];
        let refused = [
            (Accepted, Intent),
            (Accepted, Unknown),
            (Accepted, Refused),
            (Refused, Accepted),
            (Delivered, Undelivered),
            (Undelivered, Delivered),
            (Delivered, Accepted),
            (Unknown, Intent),
        ];
        let cases = allowed
            .map(|pair| (pair, true))
            .into_iter()
            .chain(refused.map(|pair| (pair, false)));
        for (number, ((from, to), fits)) in (1..).zip(cases) {
            let reason = Some(Reason::new("x"));
            let one = Attempt {
                number,
                state: from,
                live: false,
                reason,
                ..intent(lease, world.now)
            };
            let mut tx = world.begin(&world.worker()).await;
            tx.add_attempt(&one).await.unwrap();
            let saved = tx.save_attempt(&Attempt { state: to, ..one }).await;
            assert_eq!(saved.is_ok(), fits, "{from} to {to}: {saved:?}");
        }
    }

    async fn a_repetition_is_counted_and_only_where_the_key_is_known(world: &World<dyn Tx>) {
        stored(world, world.now).await;
        let lease = lease_one(world, world.now, 300).await.lease;
        for (idempotent, sends, fits) in [(true, 2, true), (true, 1, false), (false, 2, false)] {
            let unknown = Attempt {
                idempotent,
                state: AttemptState::Unknown,
                ..intent(lease, world.now)
            };
            let mut tx = world.begin(&world.worker()).await;
            tx.add_attempt(&unknown).await.unwrap();
            let again = tx
                .save_attempt(&Attempt {
                    state: AttemptState::Intent,
                    sends,
                    ..unknown.clone()
                })
                .await;
            assert_eq!(again.is_ok(), fits, "idempotent {idempotent}, send {sends}");
        }
        let mut tx = world.begin(&world.worker()).await;
        let gone = Attempt {
            live: false,
            state: AttemptState::Accepted,
            ..intent(lease, world.now)
        };
        tx.add_attempt(&gone).await.unwrap();
        assert!(
            matches!(
                tx.save_attempt(&Attempt { live: true, ..gone }).await,
                Err(StoreError::Forbidden)
            ),
            "superseded is superseded"
        );
    }

    fn callback(attempt: AttemptId, event: &str, stage: Stage, world: &World<dyn Tx>) -> Callback {
        let (event, class) = (event.to_owned(), RefusalClass::Target);
        Callback {
            attempt,
            event,
            stage: Some(stage),
            class,
            reason: Some(Reason::new("x")),
            received_at: world.now,
            parked: true,
        }
    }

    async fn a_callback_counts_once_and_waits_if_it_is_early(world: &World<dyn Tx>) {
        stored(world, world.now).await;
        let attempt = intent(lease_one(world, world.now, 30).await.lease, world.now);
        let mut tx = world.begin(&world.worker()).await;
        tx.add_attempt(&attempt).await.unwrap();
        let late = Callback {
            received_at: later(world, 1),
            ..callback(attempt.id, "a", Stage::Delivered, world)
        };
        let early = callback(attempt.id, "b", Stage::Sent, world);
        assert!(tx.note_callback(&late).await.unwrap());
        assert!(tx.note_callback(&early).await.unwrap());
        assert!(
            !tx.note_callback(&callback(attempt.id, "a", Stage::Undelivered, world))
                .await
                .unwrap(),
            "the event is known"
        );
        let noted = Callback {
            parked: false,
            ..callback(attempt.id, "c", Stage::Queued, world)
        };
        assert!(tx.note_callback(&noted).await.unwrap());
        done(tx).await;
        let mut tx = world.begin(&world.worker()).await;
        let parked = tx.unpark_callbacks(attempt.id).await.unwrap();
        assert_eq!(
            parked,
            [Callback { parked: false, ..early }, Callback { parked: false, ..late }],
            "oldest first"
        );
        assert_eq!(tx.unpark_callbacks(attempt.id).await.unwrap(), []);
    }

    keepgate_store::contract!(dyn Tx;
        a_lease_is_exclusive_until_it_runs_out,
        of_two_workers_at_once_one_gets_the_lease,
        the_longest_waiting_come_first_and_no_more_than_asked_for,
        a_released_delivery_can_be_taken_when_it_is_due,
        only_the_tenant_s_own_worker_leases,
        an_acknowledged_delivery_is_leased_no_more,
        a_delivery_that_ended_during_a_call_comes_once_more,
        an_ended_delivery_stays_as_it_is,
        a_delivery_never_goes_back,
        people_end_what_they_may_and_move_nothing,
        saving_a_delivery_needs_an_audit_entry_and_leasing_does_not,
        one_attempt_is_live_and_none_begins_under_an_old_lease,
        an_attempt_never_goes_back,
        a_repetition_is_counted_and_only_where_the_key_is_known,
        a_callback_counts_once_and_waits_if_it_is_early,
    );
}
