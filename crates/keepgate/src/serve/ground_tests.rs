//! The first run, and what later runs find, on a private PostgreSQL.
use std::{fs, os::unix::fs::PermissionsExt};

use keepgate_kernel::SystemClock;
use keepgate_pg_local::LocalPg;

use super::*;
use crate::{
    data_dir, embedded,
    environment::Environment,
    secrets::{Root, kek},
};

struct Instance {
    _base: tempfile::TempDir,
    config: Config,
    pg: LocalPg,
    databases: Databases,
}

fn environment() -> Environment {
    Environment::of_process()
}

impl Instance {
    fn start() -> Self {
        crate::tls::install_provider();
        let base = tempfile::tempdir().unwrap();
        // The database's user must be able to pass.
        fs::set_permissions(base.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let flags = config::Flags {
            data_dir: Some(base.path().join("data")),
            ..config::Flags::default()
        };
        let mut config = config::load(&flags, &environment()).unwrap();
        let lock = data_dir::take(&config.data_dir).unwrap();
        config.data_dir = lock.dir().to_owned();
        config.kek_file = config.data_dir.join("keys/kek");
        let pg = embedded::start(&config, &environment(), lock).unwrap();
        let databases = Databases::embedded(&pg).unwrap();
        Self {
            _base: base,
            config,
            pg,
            databases,
        }
    }

    async fn lay(&self) -> Result<ground::Ground, Failure> {
        let known = Root::configured(&self.config)?;
        crate::postgres::prepare(&self.pg).await?;
        ground::of_our_own(&self.config, &self.databases, known, &SystemClock).await
    }
}

#[tokio::test]
async fn the_first_run_makes_key_and_principals_and_later_runs_find_them() {
    let instance = Instance::start();
    let first = instance.lay().await.unwrap();
    let shown = first.first_run.unwrap();
    assert!(shown.bootstrap.service_key.starts_with("kgl_") && shown.bootstrap.owner_enrolment.starts_with("kge_"));
    assert_eq!(shown.bootstrap.platform_tenant, first.platform.to_string());
    let mode = fs::metadata(&instance.config.kek_file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600);

    let again = instance.lay().await.unwrap();
    let unseen = again.first_run.unwrap();
    assert_eq!(
        unseen.bootstrap.service_key, shown.bootstrap.service_key,
        "killed before anybody saw them"
    );
    first_run::FirstRun::forget(&instance.config.data_dir);
    let third = instance.lay().await.unwrap();
    assert!(third.first_run.is_none());
    assert_eq!(third.platform, first.platform);

    let walls = crate::postgres::inspect(instance.databases.migrator().unwrap())
        .await
        .unwrap();
    let wrong = [walls.roles, walls.unforced, walls.guards, walls.open, walls.careless].concat();
    assert_eq!(wrong, Vec::<String>::new());
}

#[tokio::test]
async fn a_lost_key_file_is_not_replaced_and_another_one_is_refused() {
    let instance = Instance::start();
    let platform = instance.lay().await.unwrap().platform;
    let signers_pool = keepgate_store::postgres::pool(instance.databases.integrator.clone(), 2);
    let own = Root::configured(&instance.config).unwrap().unwrap();
    let signers = crate::postgres::Signers::new(signers_pool, own.service(), platform, false);
    signers.of_tenant(platform, "localhost/audit/x").await.unwrap();

    fs::remove_file(&instance.config.kek_file).unwrap();
    let lost = instance.lay().await.err().unwrap();
    assert_eq!(lost.exit, Exit::KeyFile);
    assert!(
        !instance.config.kek_file.exists(),
        "a new key would not open what is there"
    );

    kek::create(&instance.config.kek_file).unwrap();
    let foreign = instance.lay().await.err().unwrap();
    assert_eq!(foreign.exit, Exit::KeyFile);
    assert!(foreign.to_string().contains("another installation"), "{foreign}");
}

#[tokio::test]
async fn a_database_of_the_operator_s_is_never_changed_by_serve() {
    let instance = Instance::start();
    crate::postgres::prepare(&instance.pg).await.unwrap();
    let as_external = || ground::of_another(&instance.config, &instance.databases, None);
    let empty = as_external().await.err().unwrap();
    assert_eq!(empty.exit, Exit::SchemaOld, "{empty}");
    crate::postgres::bring_up_to_date(instance.databases.migrator().unwrap())
        .await
        .unwrap();
    let unborn = as_external().await.err().unwrap();
    assert_eq!(unborn.exit, Exit::SchemaOld);
    assert!(unborn.to_string().contains("admin bootstrap"), "{unborn}");

    let first = ground::bootstrap(&instance.config, &instance.databases, None, &SystemClock)
        .await
        .unwrap();
    first_run::FirstRun::forget(&instance.config.data_dir);
    let known = || Root::configured(&instance.config).unwrap();
    let ground = ground::of_another(&instance.config, &instance.databases, known())
        .await
        .unwrap();
    assert_eq!(ground.platform.to_string(), first.bootstrap.platform_tenant);
    let twice = ground::bootstrap(&instance.config, &instance.databases, known(), &SystemClock)
        .await
        .err()
        .unwrap();
    assert_eq!(twice.exit, Exit::Failed);
}

#[tokio::test]
async fn the_doctor_sees_a_breach() {
    let instance = Instance::start();
    instance.lay().await.unwrap();
    let link = crate::postgres::link(&instance.pg.url(embedded::DATABASE, instance.pg.superuser())).unwrap();
    crate::postgres::breach(&link).await;
    let walls = crate::postgres::inspect(&link).await.unwrap();
    assert_eq!(
        walls.roles,
        ["kg_app: bypasses row-level security", "kg_app: is a member of kg_owner"]
    );
    assert_eq!(walls.unforced, ["rbac.tenant"]);
    assert!(
        walls
            .guards
            .iter()
            .any(|guard| guard.contains("notruncate is not ENABLE ALWAYS")),
        "{:?}",
        walls.guards
    );
    assert!(
        walls.guards.iter().any(|guard| guard.contains("nochange is missing")),
        "{:?}",
        walls.guards
    );
    assert_eq!(walls.open, ["pg_sleep"]);
}

#[tokio::test]
async fn the_doctor_lists_whatever_could_not_be_locked_down() {
    let instance = Instance::start();
    instance.lay().await.unwrap();
    let link = crate::postgres::link(&instance.pg.url(embedded::DATABASE, instance.pg.superuser())).unwrap();
    assert_eq!(
        crate::postgres::inspect(&link).await.unwrap().open,
        Vec::<String>::new()
    );
    crate::postgres::unlock(&link).await;
    let open = crate::postgres::inspect(&link).await.unwrap().open;
    let functions = keepgate_store::postgres::LOCKDOWN_SQL.split("pg_catalog.").skip(1);
    let named: Vec<&str> = functions
        .filter_map(|text| text.split_once('(').map(|(name, _)| name))
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'))
        .collect();
    assert!(named.len() > 20, "{named:?}");
    for name in named
        .into_iter()
        .chain(["language plpgsql", "pg_stat_activity", "pg_advisory_lock"])
    {
        assert!(open.iter().any(|listed| listed == name), "{name} is not in {open:?}");
    }
}
