//! A real installation with some history; each attack gets a copy of its database.
use std::{
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
};

use futures_util::future::join_all;
use keepgate_tests::{Ended, Fleet, run};

/// The entry that attacks aim at: in a full tile.
pub const VICTIM: u64 = 150;
/// Another, in the last tile, which is not stored as one.
pub const LATE: u64 = 290;

/// The prepared installation. Its gateway has stopped.
pub struct Scene {
    pub fleet: Fleet,
    /// The tenant, as the command line wants it and as the database has it.
    pub tenant: String,
    uuid: String,
    pub key: String,
    /// What an auditor keeps: the newest checkpoint, outside the database.
    pub kept: PathBuf,
    /// An export of the log.
    pub export: PathBuf,
    /// The number of entries.
    pub size: u64,
    month: String,
    home: tempfile::TempDir,
    count: AtomicU32,
}

impl Scene {
    pub async fn prepare() -> Self {
        let mut fleet = Fleet::start(1).await;
        let guard = std::fs::read_to_string(
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/store/src/postgres/guard.sql"),
        );
        fleet.sql(&guard.unwrap()).await;
        let server = fleet.first();
        let owner = server.owner().await;
        // In waves, each numbered and signed before the next: checkpoints of many sizes.
        for _ in 0..11 {
            join_all((0..30).map(|_| server.get("/v1/me", &owner))).await;
            server.whole_log(&owner).await;
        }
        let home = tempfile::tempdir().unwrap();
        let key = server
            .get("/v1/audit/log/vkey", &owner)
            .await
            .expect(200)
            .text()
            .trim()
            .to_owned();
        let (export, token) = (home.path().join("export"), server.private_file("token", &owner));
        let url = server.info["url"].as_str().unwrap();
        let access = ["--url", url, "--ca-cert", server.ca_cert(), "--token-file", &token];
        let what = [
            "audit",
            "export",
            "--format",
            "tiles",
            "--out",
            export.to_str().unwrap(),
        ];
        run(what.into_iter().chain(access)).await.expect(0);
        let tenant = fleet.boot["tenant"].as_str().unwrap().to_owned();
        assert_eq!(fleet.instances[0].server.stop().await, Some(0));
        let uuid = fleet.sql("select id from rbac.tenant where kind = 'customer'").await;
        let newest = format!(
            "select note from audit.checkpoint where tenant_id = '{uuid}' order by size desc, created_at desc limit 1"
        );
        let kept = home.path().join("kept");
        std::fs::write(&kept, fleet.sql(&newest).await + "\n").unwrap();
        let size = fleet
            .sql(&format!(
                "select max(size) from audit.checkpoint where tenant_id = '{uuid}'"
            ))
            .await;
        let month = fleet.sql("select to_char(now() at time zone 'UTC', 'YYYYMM')").await;
        let scene = Self {
            fleet,
            tenant,
            uuid,
            key,
            kept,
            export,
            size: size.parse().unwrap(),
            month,
            home,
            count: AtomicU32::new(0),
        };
        assert!(scene.size > LATE + 20, "{} entries", scene.size);
        let honest = scene.verify("keepgate", true).await;
        assert_eq!(honest.code, Some(0), "{honest:?}");
        scene
    }

    /// `sql` with the names of this scene: {t} the tenant, {other} another one, {month} the partition, {n} the size of the log,
    /// {e150} and {e290} the victims' entries.
    pub fn fill(&self, sql: &str) -> String {
        let entry = |index: u64| {
            format!(
                "(select entry_id from audit.leaf where tenant_id = '{}' and idx = {index})",
                self.uuid
            )
        };
        sql.replace("{e150}", &entry(VICTIM))
            .replace("{e151}", &entry(VICTIM + 1))
            .replace("{e290}", &entry(LATE))
            .replace("{t}", &format!("'{}'", self.uuid))
            .replace("{other}", "(select id from rbac.tenant where kind = 'platform')")
            .replace("{month}", &format!("audit.entry_{}", self.month))
            .replace("{n}", &self.size.to_string())
            .replace(
                "{h}",
                &format!("(select size from audit.head where tenant_id = '{}')", self.uuid),
            )
    }

    /// A copy of the database; `how` may name a strategy.
    pub async fn copy(&self, how: &str) -> String {
        let name = format!("scene_{}", self.count.fetch_add(1, Ordering::Relaxed));
        let made = self
            .fleet
            .attempt(
                "postgres",
                self.fleet.superuser(),
                &format!("create database {name} template keepgate {how}"),
            )
            .await;
        assert_eq!(made, Ok(String::new()));
        name
    }

    pub async fn forget(&self, name: &str) {
        let gone = self
            .fleet
            .attempt(
                "postgres",
                self.fleet.superuser(),
                &format!("drop database {name} with (force)"),
            )
            .await;
        assert_eq!(gone, Ok(String::new()));
    }

    /// The verifier on a database, with the kept checkpoint or without.
    pub async fn verify(&self, database: &str, kept: bool) -> Ended {
        let config = self.fleet.config_for(database);
        let (config, since) = (config.to_str().unwrap(), self.kept.to_str().unwrap());
        let mut args = vec![
            "audit",
            "verify",
            "--stored",
            "--config",
            config,
            "--tenant",
            &self.tenant,
            "--key",
            &self.key,
            "--json",
        ];
        if kept {
            args.extend(["--since", since]);
        }
        run(args).await
    }

    /// How long an entry stands before a signed checkpoint covers it: what the tree can't see yet.
    pub async fn window(&self) {
        let sql = "with covered as (
              select extract(epoch from min(c.created_at) - l.recorded_at) * 1000 as ms from audit.leaf l
              join audit.checkpoint c on c.tenant_id = l.tenant_id and c.size > l.idx where l.tenant_id = {t} group by l.idx, l.recorded_at)
            select count(*) || ' entries, ms until signed: p50 ' || round(percentile_cont(0.5) within group (order by ms)) || ', p99 '
              || round(percentile_cont(0.99) within group (order by ms)) || ', max ' || round(max(ms)) || ' ' || (max(ms) < 30000) from covered";
        let told = self.fleet.sql(&self.fill(sql)).await;
        println!("residual window: {told}");
        assert!(told.ends_with("true"), "{told}");
    }

    /// A scratch copy of the export.
    pub fn exported(&self, name: &str) -> PathBuf {
        let to = self.home.path().join(name);
        copy(&self.export, &to);
        to
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let into = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &into);
        } else {
            std::fs::copy(entry.path(), into).unwrap();
        }
    }
}
