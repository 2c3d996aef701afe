//! From the first run to a second one, with the same data.
use rustix::process::Signal;

use crate::support::{Service, ended, scratch};

#[test]
fn a_service_is_born_stopped_and_started_again() {
    let home = scratch();
    let data = home.path().join("data");
    let data = data.to_str().unwrap();
    let mut service = Service::start(home.path());
    let first = service.ready();
    let key = first["bootstrap"]["service_key"].as_str().unwrap();
    assert!(service.read("out").contains(key), "shown once on standard output");
    assert!(
        !service.read("log").contains("kgl_") && !service.read("log").contains("kge_"),
        "and never in the log"
    );

    let second = ended(&[
        "serve",
        "--data-dir",
        data,
        "--listen",
        "127.0.0.1:0",
        "--admin-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(second.code, Some(9), "{}", second.err);
    second.assert_three_lines();
    let looked = ended(&["doctor", "--data-dir", data]);
    assert_eq!(looked.code, Some(0), "{}{}", looked.out, looked.err);
    let shell = ended(&[
        "db",
        "shell",
        "--data-dir",
        data,
        "--role",
        "kg_app",
        "--",
        "-Atc",
        "select count(*) from rbac.tenant",
    ]);
    assert_eq!((shell.code, shell.out.trim()), (Some(0), "0"), "{}", shell.err);

    service.signal(Signal::HUP);
    service.signal(Signal::TERM);
    assert_eq!(service.wait(), Some(0), "{}", service.read("log"));

    let mut service = Service::start(home.path());
    let again = service.ready();
    assert!(again.get("bootstrap").is_none(), "the credentials are told once");
    assert!(!service.read("out").contains("kgl_"));
    service.signal(Signal::INT);
    assert_eq!(service.wait(), Some(0));

    let shell = ended(&[
        "db",
        "shell",
        "--data-dir",
        data,
        "--role",
        "superuser",
        "--",
        "-Atc",
        "select count(*) from rbac.tenant",
    ]);
    assert_eq!(
        (shell.code, shell.out.trim()),
        (Some(0), "2"),
        "the service is down: {}",
        shell.err
    );
}

#[test]
fn a_service_killed_before_anybody_saw_the_credentials_tells_them_again() {
    let home = scratch();
    let kept = home.path().join("data/keys/bootstrap.json");
    let mut service = Service::start(home.path());
    while !kept.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    service.signal(Signal::KILL);
    service.wait();
    let mut service = Service::start(home.path());
    assert!(service.ready()["bootstrap"]["service_key"].is_string());
    // Shown, so forgotten; in this order.
    while kept.exists() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    service.signal(Signal::TERM);
    assert_eq!(service.wait(), Some(0));
}
