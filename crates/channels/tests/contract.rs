//! What the ports on tables promise: recipients, routes, webhooks, messages.
#![cfg(feature = "postgres")]
#[cfg(test)]
mod support;

#[cfg(test)]
mod tables {
    use chrono::Duration;
    use keepgate_channels::*;
    use keepgate_kernel::{Level, MessageId, RecipientId, UnitId};
    use keepgate_store::{StoreError, testing::World};

    use super::support::*;

    async fn a_recipient_is_read_back_as_it_was_written(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let mut ann = recipient(world, "Ann");
        let mut tx = world.begin(&operator).await;
        tx.add_recipient(&ann).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        assert_eq!(tx.recipient(ann.id).await.unwrap().as_ref(), Some(&ann));
        ann = Recipient {
            name: "Anna".into(),
            quiet_hours: None,
            locale: None,
            ..ann
        };
        assert!(
            tx.change_recipient(&Recipient {
                created_at: later(world, 9),
                ..ann.clone()
            })
            .await
            .unwrap()
        );
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        assert_eq!(
            tx.recipient(ann.id).await.unwrap(),
            Some(ann.clone()),
            "and never the time of creation"
        );
        assert!(tx.remove_recipient(ann.id).await.unwrap());
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        assert_eq!(tx.recipient(ann.id).await.unwrap(), None);
        assert!(!tx.change_recipient(&ann).await.unwrap());
        assert!(!tx.remove_recipient(ann.id).await.unwrap());
    }

    async fn a_taken_id_is_a_conflict(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let ann = recipient(world, "Ann");
        let mut tx = world.begin(&operator).await;
        tx.add_recipient(&ann).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        assert!(matches!(tx.add_recipient(&ann).await, Err(StoreError::Conflict)));
        let id = stored(world, world.now).await;
        let mut tx = world.begin(&operator).await;
        let again = Message {
            id,
            ..message(&operator, world.now, vec![sms("+15005550006")])
        };
        assert!(matches!(tx.add_message(&again).await, Err(StoreError::Conflict)));
    }

    async fn recipients_come_oldest_first_a_page_at_a_time(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let mut tx = world.begin(&operator).await;
        let mut ids = Vec::new();
        for n in 0..5 {
            let one = Recipient {
                id: RecipientId::new(later(world, n)),
                ..recipient(world, "r")
            };
            ids.push(one.id);
            tx.add_recipient(&one).await.unwrap();
        }
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        let of = |rows: Vec<Recipient>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        assert_eq!(
            of(tx.recipients(&Page::first(2)).await.unwrap()),
            ids[..3],
            "one more than the limit"
        );
        assert_eq!(
            of(tx
                .recipients(&Page {
                    limit: 2,
                    after: Some(ids[2])
                })
                .await
                .unwrap()),
            ids[3..]
        );
    }

    async fn recipients_are_read_from_level_1_and_written_from_level_2(world: &World<dyn Tx>) {
        let ann = recipient(world, "Ann");
        let mut tx = world.begin(&world.caller(Level::Operator)).await;
        tx.add_recipient(&ann).await.unwrap();
        done(tx).await;
        let agent = world.caller(Level::FieldAgent);
        let mut tx = world.begin(&agent).await;
        assert!(tx.recipient(ann.id).await.unwrap().is_some());
        assert!(!tx.change_recipient(&ann).await.unwrap());
        assert!(!tx.remove_recipient(ann.id).await.unwrap());
        assert!(matches!(
            tx.add_recipient(&recipient(world, "Bob")).await,
            Err(StoreError::Forbidden)
        ));
    }

    async fn routes_are_replaced_by_name_and_listed_by_name(world: &World<dyn Tx>) {
        let admin = world.caller(Level::TenantAdmin);
        let (first, second, other) = (
            route("b-side", 1, world.now),
            route("b-side", 2, later(world, 1)),
            route("a", 3, world.now),
        );
        let mut tx = world.begin(&admin).await;
        for version in [&first, &second, &other] {
            tx.put_route(version).await.unwrap();
        }
        done(tx).await;
        let mut tx = world.begin(&world.caller(Level::FieldAgent)).await;
        assert_eq!(tx.route("b-side").await.unwrap().as_ref(), Some(&second));
        assert_eq!(tx.routes().await.unwrap(), vec![other, second]);
        assert!(!tx.remove_route("a").await.unwrap(), "level 1 removes none");
        let mut tx = world.begin(&admin).await;
        assert!(tx.remove_route("b-side").await.unwrap());
        assert!(!tx.remove_route("b-side").await.unwrap());
        assert_eq!(tx.route("b-side").await.unwrap(), None);
    }

    async fn only_admins_define_routes_and_webhooks(world: &World<dyn Tx>) {
        for level in [
            Level::FieldAgent,
            Level::Operator,
            Level::Supervisor,
            Level::PlatformOperator,
            Level::GlobalAdmin,
        ] {
            let mut tx = world.begin(&world.caller(level)).await;
            assert!(
                matches!(
                    tx.put_route(&route("r", 1, world.now)).await,
                    Err(StoreError::Forbidden)
                ),
                "{level}"
            );
            let mut tx = world.begin(&world.caller(level)).await;
            let hook = webhook(world, "https://desk.example/");
            assert!(
                matches!(tx.add_webhook(&hook).await, Err(StoreError::Forbidden)),
                "{level}"
            );
        }
    }

    async fn a_webhook_s_url_is_registered_once_for_each_tenant(world: &World<dyn Tx>) {
        let admin = world.caller(Level::TenantAdmin);
        let (one, same) = (
            webhook(world, "https://desk.example/a"),
            webhook(world, "https://desk.example/a"),
        );
        let mut tx = world.begin(&admin).await;
        assert!(tx.add_webhook(&one).await.unwrap());
        assert!(!tx.add_webhook(&same).await.unwrap());
        done(tx).await;
        let mut tx = world.begin(&world.stranger(Level::TenantAdmin)).await;
        assert!(
            tx.add_webhook(&same).await.unwrap(),
            "another tenant may have it as well"
        );
        let mut tx = world.begin(&world.worker()).await;
        assert_eq!(
            tx.webhook_at(&one.url).await.unwrap().as_ref(),
            Some(&one),
            "the worker reads it"
        );
        assert_eq!(tx.webhook(same.id).await.unwrap(), None);
        assert_eq!(tx.webhooks(&Page::first(10)).await.unwrap(), vec![one.clone()]);
        let mut tx = world.begin(&admin).await;
        assert!(tx.remove_webhook(one.id).await.unwrap());
        assert!(!tx.remove_webhook(one.id).await.unwrap());
        assert_eq!(tx.webhook_at(&one.url).await.unwrap(), None);
    }

    async fn another_tenant_and_the_platform_see_nothing(world: &World<dyn Tx>) {
        let owner = world.caller(Level::TenantOwner);
        let (ann, hook) = (recipient(world, "Ann"), webhook(world, "https://desk.example/"));
        let mut tx = world.begin(&owner).await;
        tx.add_recipient(&ann).await.unwrap();
        tx.put_route(&route("r", 1, world.now)).await.unwrap();
        tx.add_webhook(&hook).await.unwrap();
        let sent = message(&owner, world.now, vec![stream(me(&world.stranger(Level::FieldAgent)))]);
        tx.add_message(&sent).await.unwrap();
        done(tx).await;
        let strangers = Level::ALL
            .into_iter()
            .filter(|level| !level.is_platform())
            .map(|level| world.stranger(level));
        let platform = [Level::PlatformOperator, Level::GlobalAdmin].map(|level| world.caller(level));
        for context in strangers.chain(platform) {
            let mut tx = world.begin(&context).await;
            assert_eq!(tx.recipient(ann.id).await.unwrap(), None);
            assert_eq!(tx.recipients(&Page::first(9)).await.unwrap(), []);
            assert_eq!(tx.route("r").await.unwrap(), None);
            assert_eq!(tx.routes().await.unwrap(), []);
            assert_eq!(tx.webhook(hook.id).await.unwrap(), None);
            assert_eq!(tx.message(sent.id).await.unwrap(), None);
            assert_eq!(
                tx.messages(&MessageFilter::default(), &Page::first(9)).await.unwrap(),
                []
            );
            assert_eq!(tx.sealed_payload(sent.id).await.unwrap(), None);
            assert!(tx.lock(sent.id).await.unwrap().is_none());
            assert!(!tx.remove_recipient(ann.id).await.unwrap());
        }
    }

    async fn a_message_is_read_back_as_it_was_accepted(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let sent = Message {
            locale: Some("en".into()),
            ..message(&operator, world.now, vec![sms("+15005550006")])
        };
        let mut tx = world.begin(&operator).await;
        tx.add_message(&sent).await.unwrap();
        done(tx).await;
        let mut tx = world.begin(&operator).await;
        let view = tx.message(sent.id).await.unwrap().unwrap();
        assert_eq!(view.attempts, []);
        let shown = view.message;
        assert_eq!(
            (shown.status, shown.sender, shown.unit),
            (Status::Accepted, sent.sender, sent.unit)
        );
        assert_eq!(
            (shown.contacts, shown.route, shown.deadline),
            (sent.contacts, sent.route, sent.deadline)
        );
        assert_eq!((shown.accepted_at, shown.ended_at, shown.ack), (world.now, None, None));
        let content = tx.sealed_payload(sent.id).await.unwrap().unwrap();
        assert_eq!(
            content,
            SealedContent {
                payload: sent.payload,
                text: sent.text
            }
        );
    }

    async fn nobody_sends_in_another_s_name(world: &World<dyn Tx>) {
        let (operator, agent) = (world.caller(Level::Operator), world.caller(Level::FieldAgent));
        let mine = message(&operator, world.now, vec![sms("+15005550006")]);
        let mut tx = world.begin(&agent).await;
        assert!(matches!(tx.add_message(&mine).await, Err(StoreError::Forbidden)));
        let mut tx = world.begin(&operator).await;
        let elsewhere = Message {
            unit: Some(UnitId::new(world.now)),
            ..mine.clone()
        };
        assert!(matches!(tx.add_message(&elsewhere).await, Err(StoreError::Forbidden)));
        let mut tx = world.begin(&world.worker()).await;
        assert!(matches!(tx.add_message(&mine).await, Err(StoreError::Forbidden)));
    }

    /// One message from an agent, one from the admin, one from the admin to the agent.
    async fn cast(world: &World<dyn Tx>) -> [MessageId; 3] {
        let (agent, admin) = (world.caller(Level::FieldAgent), world.caller(Level::TenantAdmin));
        let of = |sender, contact| message(sender, world.now, vec![contact]);
        let sent = [
            (&agent, of(&agent, sms("+15005550006"))),
            (&admin, of(&admin, sms("+15005550006"))),
            (&admin, of(&admin, stream(me(&agent)))),
        ];
        for (sender, message) in &sent {
            let mut tx = world.begin(sender).await;
            tx.add_message(message).await.unwrap();
            done(tx).await;
        }
        sent.map(|(_, message)| message.id)
    }

    async fn each_level_sees_what_it_may(world: &World<dyn Tx>) {
        let [by_agent, by_admin, to_agent] = cast(world).await;
        let cases = [
            (world.caller(Level::FieldAgent), vec![by_agent, to_agent]),
            (world.caller(Level::Operator), vec![by_agent]), // its unit's
            (world.caller(Level::Supervisor), vec![by_agent]),
            (world.caller(Level::TenantAdmin), vec![by_agent, by_admin, to_agent]),
            (world.caller(Level::TenantOwner), vec![by_agent, by_admin, to_agent]),
            (world.worker(), vec![by_agent, by_admin, to_agent]),
        ];
        for (context, mut expected) in cases {
            let mut tx = world.begin(&context).await;
            let listed = tx.messages(&MessageFilter::default(), &Page::first(9)).await.unwrap();
            let mut seen: Vec<MessageId> = listed.into_iter().map(|message| message.id).collect();
            seen.sort();
            expected.sort();
            assert_eq!(seen, expected, "{:?}", context.principal().standing);
            for id in [by_agent, by_admin, to_agent] {
                assert_eq!(tx.message(id).await.unwrap().is_some(), expected.contains(&id));
                assert_eq!(tx.sealed_payload(id).await.unwrap().is_some(), expected.contains(&id));
            }
        }
    }

    async fn messages_come_newest_first_and_a_past_page_never_changes(world: &World<dyn Tx>) {
        let mut ids = Vec::new();
        for n in [0, 1, 1, 2, 3] {
            ids.push(stored(world, later(world, n)).await);
        }
        // Newest first; the two of the same instant by id, descending.
        ids[1..3].sort();
        ids.reverse();
        let admin = world.caller(Level::TenantAdmin);
        let of = |rows: &[MessageSummary]| rows.iter().map(|row| row.id).collect::<Vec<_>>();
        let all = MessageFilter::default();
        let mut tx = world.begin(&admin).await;
        let first = tx.messages(&all, &Page::first(2)).await.unwrap();
        assert_eq!(of(&first), ids[..3]);
        let cursor = Cursor {
            at: first[1].accepted_at,
            id: first[1].id.uuid(),
        };
        drop(tx);
        stored(world, later(world, 4)).await;
        let mut tx = world.begin(&admin).await;
        let second = tx
            .messages(
                &all,
                &Page {
                    limit: 9,
                    after: Some(cursor),
                },
            )
            .await
            .unwrap();
        assert_eq!(of(&second), ids[2..], "what came later is on no later page");
    }

    async fn a_filter_narrows_the_list(world: &World<dyn Tx>) {
        let operator = world.caller(Level::Operator);
        let to = RecipientId::new(world.now);
        let mut tx = world.begin(&operator).await;
        let with = Message {
            recipient: Some(to),
            ..message(&operator, world.now, vec![sms("+15005550006")])
        };
        tx.add_message(&with).await.unwrap();
        done(tx).await;
        let without = stored(world, later(world, 60)).await;
        let mut tx = world.begin(&operator).await;
        let minute = world.now + Duration::seconds(60);
        for (filter, expected) in [
            (
                MessageFilter {
                    recipient: Some(to),
                    ..MessageFilter::default()
                },
                vec![with.id],
            ),
            (
                MessageFilter {
                    from: Some(minute),
                    ..MessageFilter::default()
                },
                vec![without],
            ),
            (
                MessageFilter {
                    to: Some(minute),
                    ..MessageFilter::default()
                },
                vec![with.id],
            ),
            (
                MessageFilter {
                    status: Some(Status::Accepted),
                    ..MessageFilter::default()
                },
                vec![without, with.id],
            ),
            (
                MessageFilter {
                    status: Some(Status::Failed),
                    ..MessageFilter::default()
                },
                vec![],
            ),
        ] {
            let found = tx.messages(&filter, &Page::first(9)).await.unwrap();
            assert_eq!(
                found.into_iter().map(|message| message.id).collect::<Vec<_>>(),
                expected,
                "{filter:?}"
            );
        }
    }

    async fn nothing_here_changes_without_an_audit_entry(world: &World<dyn Tx>) {
        let owner = world.caller(Level::TenantOwner);
        let mut tx = world.begin(&owner).await;
        tx.add_recipient(&recipient(world, "Ann")).await.unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
        let mut tx = world.begin(&owner).await;
        tx.put_route(&route("r", 1, world.now)).await.unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
        let mut tx = world.begin(&owner).await;
        tx.add_webhook(&webhook(world, "https://desk.example/")).await.unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
        let mut tx = world.begin(&owner).await;
        tx.add_message(&message(&owner, world.now, vec![sms("+15005550006")]))
            .await
            .unwrap();
        assert!(matches!(unmarked(tx).await, Err(StoreError::Unaudited)));
    }

    keepgate_store::contract!(dyn Tx;
        a_recipient_is_read_back_as_it_was_written,
        a_taken_id_is_a_conflict,
        recipients_come_oldest_first_a_page_at_a_time,
        recipients_are_read_from_level_1_and_written_from_level_2,
        routes_are_replaced_by_name_and_listed_by_name,
        only_admins_define_routes_and_webhooks,
        a_webhook_s_url_is_registered_once_for_each_tenant,
        another_tenant_and_the_platform_see_nothing,
        a_message_is_read_back_as_it_was_accepted,
        nobody_sends_in_another_s_name,
        each_level_sees_what_it_may,
        messages_come_newest_first_and_a_past_page_never_changes,
        a_filter_narrows_the_list,
        nothing_here_changes_without_an_audit_entry,
    );
}
