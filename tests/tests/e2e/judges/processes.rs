//! Judges that listen.
use std::process::Stdio;

use keepgate_tests::eventually;
use tokio::process::{Child, Command};

/// Starts it, says nothing of what it says, and ends it when dropped.
pub fn quiet(mut command: Command) -> Child {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    command.spawn().expect("it starts")
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until somebody listens.
pub async fn listens(port: u16) {
    eventually("somebody listens", || async {
        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()
    })
    .await;
}
