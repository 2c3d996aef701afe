//! Who the server runs as. PostgreSQL refuses uid 0, so under root it gets an unprivileged user.

use std::{fs, os::unix::fs::MetadataExt, path::Path};

use crate::{Mode, StartError};

/// The account the server runs under when it can't be ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ServerUser {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
}

/// `None`: as ourselves. An existing cluster's owner wins over the names we would choose.
///
/// `initdb` looks its user up, so only users in /etc/passwd will do.
pub(crate) fn server_user(mode: Mode, pgdata: &Path) -> Result<Option<ServerUser>, StartError> {
    let us = rustix::process::geteuid().as_raw();
    let owner = fs::metadata(pgdata).ok().map(|meta| (meta.uid(), meta.gid()));
    match (us, owner) {
        (0, None | Some((0, _))) => {
            let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
            choose(&passwd, mode).map(Some)
        }
        (0, Some((uid, gid))) => Ok(Some(ServerUser {
            name: format!("uid {uid}"),
            uid,
            gid,
        })),
        (us, Some((owner, _))) if owner != us => Err(StartError::Foreign {
            path: pgdata.into(),
            owner,
            us,
        }),
        _ => Ok(None),
    }
}

fn choose(passwd: &str, mode: Mode) -> Result<ServerUser, StartError> {
    // `nobody` owns other services' leavings too, so nothing that must last is given to it.
    let wanted: &[&str] = match mode {
        Mode::Durable => &["keepgate", "postgres"],
        Mode::Throwaway => &["keepgate", "postgres", "nobody"],
    };
    let found = wanted.iter().find_map(|name| look_up(passwd, name));
    found.ok_or_else(|| StartError::NoUser {
        wanted: wanted.join(", "),
    })
}

fn look_up(passwd: &str, name: &str) -> Option<ServerUser> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let (uid, gid) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (uid != 0).then(|| ServerUser {
            name: name.into(),
            uid,
            gid,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\n\
                          broken:x\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";

    #[test]
    fn the_service_user_wins_over_postgres() {
        assert_eq!(choose(PASSWD, Mode::Durable).unwrap().uid, 101);
        let with = format!("{PASSWD}keepgate:x:999:998::/:/bin/false\n");
        let user = choose(&with, Mode::Durable).unwrap();
        assert_eq!((user.uid, user.gid), (999, 998));
    }

    #[test]
    fn nobody_gets_nothing_that_must_last() {
        let only = "root:x:0:0::/:\nnobody:x:65534:65534::/:\n";
        assert!(matches!(choose(only, Mode::Durable), Err(StartError::NoUser { .. })));
        assert_eq!(choose(only, Mode::Throwaway).unwrap().uid, 65534);
    }

    #[test]
    fn a_second_name_of_root_is_not_taken() {
        assert!(choose("postgres:x:0:0::/:\n", Mode::Durable).is_err());
    }
}
