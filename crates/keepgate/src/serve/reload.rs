//! New secrets without a new start: passwords of the database, and the certificate. Providers, mail and archives hold their secrets live.
use std::{future::Future, sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::sync::watch;

use super::certificate::Certificate;
use crate::{
    config::TlsFiles,
    postgres::Door,
    secrets::{FileWatch, SecretHealth},
};

/// A password that the database does not take yet is tried again so soon, each time twice as late. Requests that need a connection
/// meanwhile wait for five seconds.
const SOON: Duration = Duration::from_millis(200);
const AT_LAST: Duration = Duration::from_secs(1);
/// Chain and key are two files.
const SETTLE: Duration = Duration::from_millis(100);

/// Has `doors` follow their URLs until `stop`.
pub async fn follow(
    doors: Vec<Door>,
    mut changed: watch::Receiver<u64>,
    health: SecretHealth,
    stop: impl Future<Output = ()> + Send,
) {
    tokio::pin!(stop);
    let mut pause = SOON;
    loop {
        let mut waits = false;
        let followed = join_all(doors.iter().map(Door::follow)).await;
        for (door, followed) in doors.iter().zip(followed) {
            let key = format!("{} (log-in)", door.key());
            match followed {
                Ok(true) => {
                    tracing::info!(key = door.key(), "new connections to the database use the new URL");
                    health.well(&key);
                }
                // Also after it was put back.
                Ok(false) => health.well(&key),
                Err(why) => {
                    waits = true;
                    health.tell(&key, &why);
                }
            }
        }
        tokio::select! {
            () = &mut stop => return,
            _ = changed.changed() => pause = SOON,
            () = tokio::time::sleep(pause), if waits => pause = (pause * 2).min(AT_LAST),
        }
    }
}

/// Has `certificate` follow its files until `stop`.
pub async fn follow_certificate(
    certificate: Certificate,
    of: TlsFiles,
    files: Arc<FileWatch>,
    stop: impl Future<Output = ()> + Send,
) {
    tokio::pin!(stop);
    let mut ticks = files.ticks();
    loop {
        files.track(&of.cert);
        files.track(&of.key);
        tokio::select! {
            () = &mut stop => return,
            _ = ticks.changed() => tokio::time::sleep(SETTLE).await,
        }
        ticks.mark_unchanged();
        certificate.reload_if_changed();
    }
}

#[cfg(test)]
mod tests {
    use keepgate_kernel::SystemClock;

    use super::*;
    use crate::{secrets::write_private, tls::Identity};

    fn write(of: &TlsFiles, only_chain: bool) {
        let made = rcgen::generate_simple_self_signed(["gw.example".to_owned()]).unwrap();
        write_private(&of.cert, made.cert.pem().as_bytes()).unwrap();
        if !only_chain {
            write_private(&of.key, made.signing_key.serialize_pem().as_bytes()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_new_certificate_is_served_once_its_key_is_there_too() {
        let dir = tempfile::tempdir().unwrap();
        let of = TlsFiles {
            cert: dir.path().join("cert.pem"),
            key: dir.path().join("key.pem"),
        };
        write(&of, false);
        let certificate = Certificate::load(Identity::Own(of.clone()), Arc::new(SystemClock)).unwrap();
        let first = certificate.served().get_inner();
        let files = Arc::new(FileWatch::new());
        let mut ticks = files.ticks();
        let stop = std::future::pending();
        let following = tokio::spawn(follow_certificate(certificate.clone(), of.clone(), files, stop));
        tokio::task::yield_now().await;
        write(&of, true);
        ticks.changed().await.unwrap();
        tokio::time::sleep(SETTLE * 3).await;
        assert!(
            Arc::ptr_eq(&first, &certificate.served().get_inner()),
            "a chain without its key changes nothing"
        );
        write(&of, false);
        let served = async {
            while Arc::ptr_eq(&first, &certificate.served().get_inner()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), served).await.unwrap();
        following.abort();
    }
}
