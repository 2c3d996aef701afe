//! How good the clock is, as the real binary tells it; chronyd is asked as it is on a machine.
use std::{os::unix::fs::PermissionsExt, path::Path, process::Stdio};

use keepgate_audit::clock::{ChronyClock, ClockReading, ClockSource};
use keepgate_tests::{Server, eventually, run};
use tokio::process::{Child, Command};

use crate::judges::missing;

/// chronyd with this reference, which neither listens for NTP nor touches the clock, and a program that asks it as `chronyc` would.
fn chronyd(dir: &Path, reference: &str) -> (Child, ChronyClock) {
    let port = std::net::UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let config = format!(
        "port 0\ncmdport {port}\nbindcmdaddress 127.0.0.1\nbindcmdaddress /\npidfile {dir}/pid\n{reference}\n",
        dir = dir.display()
    );
    std::fs::write(dir.join("chrony.conf"), config).unwrap();
    let ask = dir.join("chronyc");
    std::fs::write(
        &ask,
        format!("#!/bin/sh\nexec /usr/bin/chronyc -h 127.0.0.1 -p {port} \"$@\"\n"),
    )
    .unwrap();
    std::fs::set_permissions(&ask, std::fs::Permissions::from_mode(0o755)).unwrap();
    let daemon = Command::new("/usr/sbin/chronyd")
        .args(["-x", "-d", "-U", "-f"])
        .arg(dir.join("chrony.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    (daemon, ChronyClock::at(ask))
}

async fn reading(clock: &ChronyClock, disciplined: bool) -> ClockReading {
    eventually("what chronyd says", || async {
        clock
            .reading()
            .await
            .filter(|reading| reading.disciplined == disciplined)
    })
    .await
}

#[tokio::test]
async fn chronyd_itself_is_understood_with_a_reference_and_without() {
    if !Path::new("/usr/sbin/chronyd").exists() || !Path::new("/usr/bin/chronyc").exists() {
        return missing("chrony");
    }
    let dir = tempfile::tempdir().unwrap();
    let (lost, clock) = chronyd(dir.path(), "");
    let told = reading(&clock, false).await;
    assert_eq!(told.source, "chrony");
    assert!(told.bound_us >= 1_000_000, "it knows nothing: {told:?}");
    drop(lost);
    let dir = tempfile::tempdir().unwrap();
    let (_local, clock) = chronyd(dir.path(), "local stratum 10");
    let told = reading(&clock, true).await;
    assert!(told.bound_us < 1_000_000, "{told:?}");
    let gone = ChronyClock::at(dir.path().join("nobody"));
    assert_eq!(gone.reading().await, None);
}

#[tokio::test]
async fn the_service_attests_its_clock_and_entries_say_so() {
    let server = Server::start().await;
    let owner = server.owner().await;
    let entity = eventually("the first attestation", || async {
        let found = server
            .superuser("select entity from audit.entry where action = 'clock.attest' and outcome = 'done' and actor_type = 'system' limit 1")
            .await;
        (!found.is_empty()).then_some(found)
    })
    .await;
    let node = std::fs::read_to_string(server.data_dir().join("node")).unwrap();
    let parts: Vec<&str> = entity.strip_prefix("clock:").unwrap().split('/').collect();
    let [id, quality, source, offset, bound, step] = parts[..] else {
        panic!("{entity}")
    };
    assert_eq!(id, node.trim());
    assert!(["chrony", "kernel", "none"].contains(&source), "{entity}");
    let number = |text: &str, name: &str| -> i64 { text.strip_prefix(name).unwrap().parse().unwrap() };
    assert!(
        number(offset, "offset_us=").abs() < 1_000_000,
        "one machine has one clock: {entity}"
    );
    assert_eq!(
        quality == "synced",
        number(bound, "bound_us=") <= 50_000 && quality != "unsynchronised",
        "{entity}"
    );
    assert_eq!(step, "step_us=0");
    // What is written from now on says the same.
    server.me(&owner).await;
    let both = "select convert_from(e.leaf, 'UTF8')::json ->> 'time_quality' || ' ' || c.quality from audit.entry e, audit.clock c
        where e.action = 'me.read' or e.action = 'account.read' order by e.recorded_at desc limit 1";
    let both = server.superuser(both).await;
    assert_eq!(both, format!("{quality} {quality}"));
    let asked = server.another_client().get(server.admin_url("/metrics"));
    let told = asked.send().await.unwrap().text().await.unwrap();
    for metric in [
        "keepgate_clock_bound_seconds",
        "keepgate_clock_database_offset_seconds",
        "keepgate_clock_synced",
    ] {
        assert!(told.contains(metric), "{metric}");
    }
}

/// Another entry of the newest one's tenant, an hour later: as if the database's clock had been ahead when it was written.
const AHEAD: &str = "do $$ declare part record; begin
  for part in select inhrelid::regclass as of from pg_inherits where inhparent = 'audit.entry'::regclass loop
    execute format('alter table %s disable trigger all', part.of);
  end loop;
  create temp table one on commit drop as select e.* from audit.entry e join rbac.tenant t on t.id = e.tenant_id
    where t.kind = 'customer' and e.opening_key is null order by e.recorded_at desc limit 1;
  update one set id = gen_random_uuid(), xid = pg_current_xact_id(), recorded_at = recorded_at + interval '1 hour';
  update one set leaf = convert_to(regexp_replace(regexp_replace(convert_from(leaf, 'UTF8'), '\"recorded_at\":\"[^\"]*\"',
    format('\"recorded_at\":\"%s\"', to_char(recorded_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'))), '\"id\":\"[^\"]*\",\"o',
    format('\"id\":\"%s\",\"o', id)), 'UTF8');
  update one set leaf_hash = sha256('\\x00'::bytea || leaf);
  insert into audit.entry select * from one;
  for part in select t.tgrelid::regclass as of, t.tgname as name from pg_trigger t join pg_inherits i on i.inhrelid = t.tgrelid
      where i.inhparent = 'audit.entry'::regclass and not t.tgisinternal loop
    execute format('alter table %s enable always trigger %I', part.of, part.name);
  end loop;
end $$";

#[tokio::test]
async fn times_that_go_back_are_told_in_the_log_itself_and_by_verify() {
    let server = Server::start().await;
    let owner = server.owner().await;
    server.whole_log(&owner).await;
    server.past_the_guard(AHEAD).await;
    let told = eventually("the entry about it", || async {
        // Each asking is an entry that is dated an hour before the one ahead of it.
        server.get("/v1/audit?limit=1", &owner).await.expect(200);
        let found = server
            .superuser("select e.entity from audit.entry e join rbac.tenant t on t.id = e.tenant_id where t.kind = 'customer' and e.action = 'integrity.alarm'")
            .await;
        (!found.is_empty()).then_some(found)
    })
    .await;
    let (index, back) = told
        .strip_prefix("time-step:index=")
        .unwrap()
        .split_once("/back_us=")
        .unwrap();
    let back: u64 = back.parse().unwrap();
    assert!((3_000_000_000..=3_600_000_000).contains(&back), "{told}");
    assert!(server.log().contains("THE TIMES OF AN AUDIT LOG GO BACK"));
    let asked = server.another_client().get(server.admin_url("/metrics"));
    let metrics = asked.send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("keepgate_audit_time_steps_total 1"), "{metrics}");

    server.whole_log(&owner).await;
    let key = server.get("/v1/audit/log/vkey", &owner).await.expect(200).text();
    let token = server.private_file("token", &owner);
    let url = server.info["url"].as_str().unwrap();
    let ended = run([
        "audit",
        "verify",
        "--key",
        key.trim(),
        "--url",
        url,
        "--ca-cert",
        server.ca_cert(),
        "--token-file",
        &token,
    ])
    .await
    .expect(1);
    assert!(ended.out.contains(&format!("index {index}:")), "{}", ended.out);
    assert!(ended.out.contains("or the clock was set back"), "{}", ended.out);
    let told = server
        .superuser("select count(*) from audit.entry where action = 'integrity.alarm' and entity like 'time-step:%'")
        .await;
    assert_eq!(told, "1", "one step is told once");
}
