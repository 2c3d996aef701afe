//! The walls of the database are looked at while the service runs: whoever changes one is refused or told.
use keepgate_tests::{Server, eventually, run};

async fn alarms(server: &Server) -> String {
    server
        .superuser("select string_agg(entity || ' ' || actor_type, ', ' order by entity) from audit.entry where action = 'integrity.alarm'")
        .await
}

#[tokio::test]
async fn the_schema_of_a_private_database_changes_by_migrations_only() {
    let server = Server::start().await;
    for (role, sql) in [
        ("superuser", "alter table audit.entry disable trigger all"),
        ("kg_owner", "alter table audit.leaf disable trigger nochange"),
        ("superuser", "drop trigger notruncate on audit.tile"),
        (
            "superuser",
            "create or replace function sec.deny() returns trigger language plpgsql as 'begin return new; end'",
        ),
    ] {
        let ended = server.sql(role, sql).await;
        assert!(
            ended.code != Some(0) && ended.err.contains("by migrations only"),
            "{sql}: {ended:?}"
        );
    }
    let data = server.data_dir();
    let doctor = run(["doctor", "--data-dir", data.to_str().unwrap()]).await;
    for line in ["ok    walls", "ok    schema guard"] {
        assert!(doctor.out.contains(line), "{}", doctor.out);
    }
    assert_eq!(server.open("/readyz").await.status, 200);
    assert_eq!(alarms(&server).await, "");
}

#[tokio::test]
async fn a_wall_that_was_taken_down_is_an_entry_a_metric_and_no_longer_ready() {
    let mut server = Server::start().await;
    server
        .past_the_guard("alter table audit.leaf disable trigger nochange")
        .await;
    // It looks at every start, too.
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    let told = eventually("the alarm", || async {
        let told = alarms(&server).await;
        (!told.is_empty()).then_some(told)
    })
    .await;
    assert_eq!(told, "wall:trigger audit.leaf nochange was changed system");
    let ready = server.open("/readyz").await;
    assert_eq!(ready.status, 503);
    assert!(ready.text().contains("database-walls"), "{}", ready.text());
    let metrics = server
        .another_client()
        .get(server.admin_url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(metrics.contains("keepgate_integrity_differences 1"), "{metrics}");
    assert!(server.log().contains("trigger audit.leaf nochange was changed"));
    let data = server.data_dir();
    let doctor = run(["doctor", "--data-dir", data.to_str().unwrap()]).await;
    assert!(
        doctor.code == Some(1) && doctor.out.contains("trigger audit.leaf nochange was changed"),
        "{}",
        doctor.out
    );

    server
        .past_the_guard("alter table audit.leaf enable always trigger nochange")
        .await;
    assert_eq!(server.stop().await, Some(0));
    server.start_again().await;
    eventually("a look that finds nothing", || async {
        (server.open("/readyz").await.status == 200).then_some(())
    })
    .await;
    assert_eq!(alarms(&server).await, told, "what happened stays in the log");
}
