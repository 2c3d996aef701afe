//! Several instances of the service on one PostgreSQL, each behind a wire of its own that a test can freeze or cut.
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use keepgate_pg_local::{LocalPg, Mode, Options as PgOptions, Search};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{UnixListener, UnixStream},
    process::Command,
    sync::watch,
    task::JoinHandle,
};

use crate::{Options, Server, binary, run, server::scratch};

/// What a wire does with bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// Passes them on.
    Open,
    /// Keeps them, both ways, and every connection open: a database that has frozen.
    Frozen,
    /// Drops every connection, also new ones: a database that is gone.
    Cut,
}

/// One instance and its wire.
pub struct Instance {
    pub server: Server,
    wire: watch::Sender<Wire>,
    task: JoinHandle<()>,
}

impl Instance {
    /// From now on.
    pub fn wire(&self, wire: Wire) {
        self.wire.send_replace(wire);
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        self.wire.send_replace(Wire::Open);
        self.task.abort();
    }
}

/// Instances are dropped before the database.
pub struct Fleet {
    pub instances: Vec<Instance>,
    pub boot: Value,
    pg: Option<LocalPg>,
    socket: PathBuf,
    superuser: String,
    psql: PathBuf,
    extra: String,
    _home: tempfile::TempDir,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the test runner names the server's binaries in the environment"
)]
fn search() -> Search {
    Search {
        bin_dir: std::env::var_os("KEEPGATE_TEST_PG_BIN").map(PathBuf::from),
        path: std::env::var_os("PATH"),
        ..Search::default()
    }
}

impl Fleet {
    /// `count` instances that serve.
    pub async fn start(count: usize) -> Self {
        Self::start_with(count, "").await
    }

    /// The same, with more lines of the configuration.
    pub async fn start_with(count: usize, extra: &str) -> Self {
        let home = scratch();
        let dir = home.path().join("pg");
        let pg = tokio::task::spawn_blocking(move || {
            let mut options = PgOptions::new(&dir, Mode::Throwaway);
            options.search = search();
            LocalPg::start(options).expect("a PostgreSQL starts")
        });
        let pg = pg.await.unwrap();
        let mut fleet = Self {
            instances: Vec::new(),
            boot: Value::Null,
            socket: pg.endpoint().socket_dir.clone(),
            superuser: pg.superuser().to_owned(),
            psql: pg.binaries().bin_dir.join("psql"),
            pg: Some(pg),
            extra: extra.to_owned(),
            _home: home,
        };
        fleet.prepare().await;
        for _ in 0..count {
            let instance = fleet.instance().await;
            fleet.instances.push(instance);
        }
        fleet
    }

    async fn prepare(&mut self) {
        self.psql("postgres", &["-c", "create database keepgate"]).await;
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/src/postgres/roles.sql");
        self.psql("keepgate", &["-f", roles.to_str().unwrap()]).await;
        let first = self.files("first", &self.socket);
        let config = first.join("keepgate.toml");
        let config = config.to_str().unwrap();
        run(["migrate", "--config", config]).await.expect(0);
        let said = run(["admin", "bootstrap", "--config", config]).await.expect(0).out;
        let told = |name: &str| {
            let line = said.lines().find_map(|line| line.strip_prefix(name));
            line.expect("the bootstrap tells it").trim().to_owned()
        };
        self.boot = json!({
            "platform_tenant": told("platform tenant"), "platform_enrolment": told("platform enrolment"),
            "tenant": told("tenant `default`"), "owner_enrolment": told("owner enrolment"),
            "service_key": told("operator's API key"),
        });
    }

    /// The configuration of an instance that finds the database's socket in `socket`.
    fn config(&self, socket: &Path) -> String {
        let host: String = socket.to_str().unwrap().replace('/', "%2F");
        let url = |role: &str| format!("postgres://{role}@{host}/keepgate");
        let kek = self._home.path().join("kek");
        format!(
            "database_url = \"{}\"\nauth_url = \"{}\"\nintegrator_url = \"{}\"\nmigrate_url = \"{}\"\nkek_file = \"{}\"\n",
            url("kg_app"),
            url("kg_auth"),
            url("kg_integrator"),
            url("kg_migrator"),
            kek.display()
        )
    }

    fn files(&self, name: &str, socket: &Path) -> PathBuf {
        let home = self._home.path().join(name);
        std::fs::create_dir_all(&home).unwrap();
        let config = format!(
            "{}data_dir = \"{}\"\n",
            self.config(socket),
            home.join("data").display()
        );
        std::fs::write(home.join("keepgate.toml"), config).unwrap();
        home
    }

    async fn instance(&self) -> Instance {
        let home = scratch();
        let (wire, state) = watch::channel(Wire::Open);
        let near = home.path().join("db");
        std::fs::create_dir(&near).unwrap();
        let listener = UnixListener::bind(near.join(".s.PGSQL.5432")).unwrap();
        let far = self.socket.join(".s.PGSQL.5432");
        let task = tokio::spawn(accept(listener, far, state));
        let options = Options::config(&format!("{}{}", self.config(&near), self.extra));
        let server = Server::joining(home, options, self.boot.clone()).await;
        Instance { server, wire, task }
    }

    /// An instance whose roles log in with `password`, as from now everybody must: it finds its URLs in the files `app.url`, `auth.url` and
    /// `integrator.url` of its scratch directory.
    pub async fn instance_with(&self, password: &str) -> Server {
        for role in ["kg_app", "kg_auth", "kg_integrator"] {
            self.set_password(role, password).await;
        }
        let hba = self.pgdata().join("pg_hba.conf");
        let rules = std::fs::read_to_string(&hba).unwrap();
        let rule = "local all kg_app,kg_auth,kg_integrator md5\n";
        std::fs::write(&hba, format!("{rule}{rules}")).unwrap();
        self.sql("select pg_reload_conf()").await;
        let kek = self._home.path().join("kek");
        let url = |key: &str, file: &str| format!("{key} = \"secret://file{{dir}}/{file}.url\"\n");
        let config = [
            url("database_url", "app"),
            url("auth_url", "auth"),
            url("integrator_url", "integrator"),
            format!("kek_file = \"{}\"\n", kek.display()),
            self.extra.clone(),
        ];
        let file = |role: &str| (format!("{role}.url"), self.url_with(role, password));
        let options = Options {
            config: config.concat(),
            files: ["app", "auth", "integrator"].map(file).to_vec(),
        };
        Server::joining(scratch(), options, self.boot.clone()).await
    }

    /// What `role` logs in with from now on. By SCRAM, or by MD5 when the binary isn't optimised: it takes a tenth of a second for a log-in
    /// by SCRAM then.
    pub async fn set_password(&self, role: &str, password: &str) {
        let optimised = binary().iter().any(|part| part == "release");
        let by = if optimised { "scram-sha-256" } else { "md5" };
        self.sql(&format!(
            "set password_encryption = '{by}'; alter role {role} password '{password}'"
        ))
        .await;
    }

    /// The URL of `kg_ROLE` with a password.
    pub fn url_with(&self, role: &str, password: &str) -> String {
        let host: String = self.socket.to_str().unwrap().replace('/', "%2F");
        format!("postgres://kg_{role}:{password}@{host}/keepgate")
    }

    /// Stops the database for good; connections are cut.
    pub async fn stop_database(&mut self) {
        let pg = self.pg.take().expect("it runs");
        tokio::task::spawn_blocking(move || pg.stop())
            .await
            .unwrap()
            .expect("it stops");
    }

    /// Dumps the database, stops its cluster, and restores the dump into a new one that answers at the same place. `false` without pg_dump
    /// and pg_restore.
    pub async fn move_to_another_cluster(&mut self) -> bool {
        let Some(old) = &self.pg else { return false };
        let tool = |name: &str| {
            let own = old.binaries().bin_dir.join(name);
            if own.exists() { own } else { PathBuf::from(name) }
        };
        let (dump, restore) = (tool("pg_dump"), tool("pg_restore"));
        let file = self._home.path().join("dump");
        let Ok(out) = self.at(&dump).args(["-Fc", "-f"]).arg(&file).output().await else {
            return false;
        };
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        self.stop_database().await;
        let dir = self._home.path().join("pg2");
        let pg = tokio::task::spawn_blocking(move || {
            let mut options = PgOptions::new(&dir, Mode::Throwaway);
            options.search = search();
            LocalPg::start(options).expect("another PostgreSQL starts")
        });
        let pg = pg.await.unwrap();
        let socket = self.socket.join(".s.PGSQL.5432");
        let _none = std::fs::remove_file(&socket);
        std::os::unix::fs::symlink(pg.endpoint().socket_dir.join(".s.PGSQL.5432"), &socket).unwrap();
        self.pg = Some(pg);
        self.psql("postgres", &["-c", "create database keepgate"]).await;
        let roles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/src/postgres/roles.sql");
        self.psql("keepgate", &["-f", roles.to_str().unwrap()]).await;
        let out = self
            .at(&restore)
            .arg("--exit-on-error")
            .arg(&file)
            .output()
            .await
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        true
    }

    fn at(&self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command
            .arg("-h")
            .arg(&self.socket)
            .args(["-U", &self.superuser, "-d", "keepgate"]);
        command
    }

    /// Rows of the database, as its superuser.
    pub async fn sql(&self, sql: &str) -> String {
        self.psql("keepgate", &["-q", "-A", "-t", "-c", sql]).await
    }

    async fn psql(&self, database: &str, args: &[&str]) -> String {
        let out = Command::new(&self.psql)
            .args(["-X", "-v", "ON_ERROR_STOP=1", "-h"])
            .arg(&self.socket)
            .args(["-U", &self.superuser, "-d", database])
            .args(args)
            .output()
            .await
            .unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap().trim().to_owned()
    }

    /// Ends the connections that listen for revocations; how many there were.
    pub async fn cut_listeners(&self) -> usize {
        let cut = "select count(pg_terminate_backend(pid)) from pg_stat_activity where query ilike 'listen%'";
        self.sql(cut).await.parse().unwrap()
    }

    /// What `sql`, as one transaction of `role` on `database`, came to: its rows, or the SQLSTATE of its error.
    pub async fn attempt(&self, database: &str, role: &str, sql: &str) -> Result<String, String> {
        let out = Command::new(&self.psql)
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-v",
                "VERBOSITY=sqlstate",
                "-h",
            ])
            .arg(&self.socket)
            .args(["-U", role, "-d", database, "-c", sql])
            .env("PGOPTIONS", "-c client_min_messages=warning")
            .output()
            .await
            .unwrap();
        let (rows, told) = (
            String::from_utf8_lossy(&out.stdout),
            String::from_utf8_lossy(&out.stderr),
        );
        if out.status.success() {
            return Ok(rows.trim().to_owned());
        }
        let state = told
            .lines()
            .find_map(|line| line.split_once("ERROR:  "))
            .map(|(_, state)| state.trim().to_owned());
        Err(state.unwrap_or_else(|| told.into_owned()))
    }

    /// The superuser's name.
    pub fn superuser(&self) -> &str {
        &self.superuser
    }

    /// A configuration file that names `database` instead; its path.
    pub fn config_for(&self, database: &str) -> PathBuf {
        let home = self.files(database, &self.socket);
        let file = home.join("keepgate.toml");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, text.replace("/keepgate\"", &format!("/{database}\""))).unwrap();
        file
    }

    /// Where the cluster's files are.
    pub fn pgdata(&self) -> PathBuf {
        self.pg.as_ref().expect("it runs").dir().join("pgdata")
    }

    pub fn first(&self) -> &Server {
        &self.instances[0].server
    }

    /// Whether every view is fresh.
    pub async fn is_ready(&self) -> bool {
        for instance in &self.instances {
            if instance.server.open("/readyz").await.status != 200 {
                return false;
            }
        }
        true
    }
}

async fn accept(listener: UnixListener, far: PathBuf, state: watch::Receiver<Wire>) {
    let far = Arc::new(far);
    while let Ok((near, _)) = listener.accept().await {
        if *state.borrow() == Wire::Cut {
            continue;
        }
        tokio::spawn(relay(near, far.clone(), state.clone()));
    }
}

async fn relay(near: UnixStream, far: Arc<PathBuf>, mut state: watch::Receiver<Wire>) {
    let Ok(far) = UnixStream::connect(&*far).await else {
        return;
    };
    let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
    let (up, down) = (state.clone(), state.clone());
    tokio::select! {
        () = pass(near_in, far_out, up) => {}
        () = pass(far_in, near_out, down) => {}
        _ = state.wait_for(|wire| *wire == Wire::Cut) => {}
    }
}

async fn pass(
    mut from: impl AsyncReadExt + Unpin,
    mut to: impl AsyncWriteExt + Unpin,
    mut state: watch::Receiver<Wire>,
) {
    let mut chunk = vec![0; 16 * 1024];
    while let Ok(read @ 1..) = from.read(&mut chunk).await {
        if state.wait_for(|wire| *wire != Wire::Frozen).await.is_err() || to.write_all(&chunk[..read]).await.is_err() {
            return;
        }
    }
}

/// Patience for what has to happen within the three seconds after which a view is not believed, with room for a slow machine.
pub const BLIND: Duration = Duration::from_secs(12);
