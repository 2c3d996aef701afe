//! Sinks when something goes wrong: the gateway dies, the receiver is down, a record is refused, two gateways serve.
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use keepgate_tests::{Answer, Fleet, Options, Server, StandIn, eventually, indices, lines, receiver_check, within};
use serde_json::json;

use crate::sinks::{LOOPBACK, add, all_below, bearer, metrics, path, size, when};

/// Leaves `count` entries.
async fn stir(server: &Server, owner: &str, count: usize) {
    for _ in 0..count {
        server.get("/v1/webhooks", owner).await.expect(200);
    }
}

#[tokio::test]
async fn a_gateway_killed_in_the_middle_loses_and_reorders_nothing() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let mut server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    stir(&server, &owner, 40).await;
    size(&server, &owner).await;
    add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "batch_size": 1, "target": bearer(&siem)}),
    )
    .await;
    siem.wait_for(8).await;
    server.kill().await;
    let before = indices(&lines(&siem.heard(), "/in"));
    assert!(before.len() < 40, "it was in the middle");
    server.start_again().await;
    let until = size(&server, &owner).await;
    let got = all_below(&siem, until).await;
    let (whole, said) = receiver_check(&got, None).await;
    assert!(whole, "{said}");
    assert_eq!(indices(&got)[0], 0);
    let repeated = got.len() - usize::try_from(*indices(&got).last().unwrap()).unwrap() - 1;
    assert!(repeated <= 1, "at most what was under way comes again: {repeated}");
}

#[tokio::test]
async fn a_receiver_that_was_down_gets_everything_and_the_log_tells_of_it() {
    let up = Arc::new(AtomicBool::new(false));
    let state = up.clone();
    let siem =
        StandIn::start(move |_| Some(Answer::new(if state.load(Ordering::SeqCst) { 200 } else { 503 }, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    let sink = add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "target": bearer(&siem)}),
    )
    .await;
    let shown = when(&server, &owner, &sink, |sink| sink["state"] == "failing").await;
    assert_eq!(
        (&shown["reason"], &shown["next_index"]),
        (&json!("http-503"), &json!(0))
    );
    assert!(shown["failures"].as_u64() >= Some(3) && shown["next_attempt_at"].is_string());
    let ids: Vec<String> = siem
        .heard()
        .iter()
        .map(|heard| heard.header("webhook-id").unwrap().to_owned())
        .collect();
    assert!(
        ids.iter().all(|id| *id == ids[0]),
        "the same batch under the same name: {ids:?}"
    );
    within(Duration::from_secs(20), "the gauge", || async {
        let metrics = metrics(&server).await;
        let line = metrics
            .lines()
            .find(|line| line.starts_with("keepgate_sink_failing") && line.contains(sink["id"].as_str().unwrap()));
        line.is_some_and(|line| line.ends_with(" 1")).then_some(())
    })
    .await;
    up.store(true, Ordering::SeqCst);
    server
        .patch(&path(&sink), &owner, json!({"paused": false}))
        .await
        .expect(200);
    when(&server, &owner, &sink, |sink| sink["state"] == "active").await;
    let until = size(&server, &owner).await;
    let got = all_below(&siem, until).await;
    let told: Vec<_> = server
        .whole_log(&owner)
        .await
        .into_iter()
        .filter(|entry| entry["action"] == "sink.state" && entry["entity"] == sink["id"])
        .map(|entry| (entry["outcome"].clone(), entry["reason"].clone()))
        .collect();
    assert_eq!(
        told,
        [(json!("failed"), json!("http-503")), (json!("done"), json!(null))]
    );
    assert!(got.len() as u64 >= until);
}

#[tokio::test]
async fn a_record_that_is_refused_is_left_behind_and_comes_when_it_is_wanted() {
    let strict = Arc::new(AtomicBool::new(true));
    let state = strict.clone();
    let siem = StandIn::start(move |heard| {
        let poison = indices(&lines(std::slice::from_ref(heard), "/in")).contains(&3);
        Some(Answer::new(
            if poison && state.load(Ordering::SeqCst) {
                400
            } else {
                200
            },
            "",
        ))
    })
    .await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    stir(&server, &owner, 6).await;
    let until = size(&server, &owner).await;
    let sink = add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "target": bearer(&siem)}),
    )
    .await;
    let shown = when(&server, &owner, &sink, |sink| {
        sink["next_index"].as_u64() >= Some(until)
    })
    .await;
    assert_eq!((&shown["state"], &shown["dead_letters"]), (&json!("active"), &json!(1)));
    let letters = format!("{}/dead-letters", path(&sink));
    let letter = server.get(&letters, &owner).await.expect(200).json()["items"][0].clone();
    assert_eq!(
        (&letter["first_index"], &letter["last_index"], &letter["reason"]),
        (&json!(3), &json!(3), &json!("http-400"))
    );
    eventually("the log tells of it", || async {
        let log = server.whole_log(&owner).await;
        log.iter()
            .any(|entry| entry["reason"] == "dead-letter-http-400" && entry["entity"] == sink["id"])
            .then_some(())
    })
    .await;
    strict.store(false, Ordering::SeqCst);
    server
        .post(
            &format!("{}/replay", path(&sink)),
            &owner,
            json!({"dead_letters": true}),
        )
        .await
        .expect(200);
    when(&server, &owner, &sink, |sink| sink["dead_letters"] == 0).await;
    let taken = lines(&siem.heard(), "/in");
    assert_eq!(indices(&taken[taken.len() - 1..]).len(), 1);
    assert!(
        server.get(&letters, &owner).await.expect(200).json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn an_entry_that_was_edited_stops_the_sink_and_is_never_sent() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let server = Server::with(Options::config(LOOPBACK)).await;
    let owner = server.owner().await;
    stir(&server, &owner, 3).await;
    size(&server, &owner).await;
    server
        .superuser(
            "set allow_system_table_mods = on;
             create temp table guards as select oid, tgenabled as how from pg_trigger where tgrelid = 'audit.entry'::regclass
               or tgrelid in (select inhrelid from pg_inherits where inhparent = 'audit.entry'::regclass);
             update pg_trigger set tgenabled = 'D' where oid in (select oid from guards);
             update audit.entry e set leaf = convert_to(replace(convert_from(e.leaf, 'UTF8'), '\"done\"', '\"gone\"'), 'UTF8')
              from audit.leaf l join rbac.tenant t on t.id = l.tenant_id and t.kind = 'customer'
              where l.tenant_id = e.tenant_id and l.entry_id = e.id and l.idx = 2;
             update pg_trigger t set tgenabled = g.how from guards g where g.oid = t.oid",
        )
        .await;
    let sink = add(
        &server,
        &owner,
        json!({"name": "siem", "from_index": 0, "target": bearer(&siem)}),
    )
    .await;
    let shown = when(&server, &owner, &sink, |sink| sink["state"] == "failing").await;
    assert_eq!(
        (&shown["reason"], &shown["next_index"]),
        (&json!("entry-unreadable"), &json!(2))
    );
    assert_eq!(indices(&lines(&siem.heard(), "/in")), [0, 1]);
    server
        .post(&format!("{}/replay", path(&sink)), &owner, json!({"from_index": 3}))
        .await
        .expect(200);
    when(&server, &owner, &sink, |sink| sink["state"] == "active").await;
    let got = indices(&lines(&siem.heard(), "/in"));
    assert_eq!(got[..3], [0, 1, 3], "its owner went past it");
}

#[tokio::test]
async fn two_gateways_make_one_stream() {
    let siem = StandIn::start(|_| Some(Answer::new(200, ""))).await;
    let fleet = Fleet::start_with(2, LOOPBACK).await;
    let server = fleet.first();
    let owner = server.owner().await;
    add(
        server,
        &owner,
        json!({"name": "siem", "from_index": 0, "batch_size": 2, "target": bearer(&siem)}),
    )
    .await;
    let both = fleet
        .instances
        .iter()
        .map(|instance| stir(&instance.server, &owner, 30));
    futures_util::future::join_all(both).await;
    let until = size(server, &owner).await;
    let got = all_below(&siem, until).await;
    let numbers = indices(&got);
    assert_eq!(
        numbers,
        (0..numbers.len() as u64).collect::<Vec<_>>(),
        "each record once, in order"
    );
    assert!(receiver_check(&got, None).await.0);
}
