//! Old months: archived, told, read back, and only then removed.
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use async_trait::async_trait;
use chrono::NaiveDate;
use keepgate_audit::{
    EntryQuery,
    archive::{Archive, ArchiveFault, ArchiveStore, Manifest, NewArchive, StoreFault, check, write},
    operations::{
        GetAuditEntry, GetAuditEntryError, LogPart, ReadLog, ReadLogError,
        sinks::{CreateSink, CreateSinkError, Replay, ReplaySink, ReplaySinkError},
    },
    postgres::{Archivist, Due, RollOff},
    proof,
};
use keepgate_kernel::{Action, Entity, Level, SinkId, TenantId};
use keepgate_merkle::tile::TilePath;
use keepgate_policy::{Command, authorize};
use keepgate_store::{
    StoreError,
    postgres::Role,
    testing::{TestDb, World},
};
use sqlx::{Connection, PgConnection, postgres::PgPoolOptions};

use crate::support::{Copy, Tx, admin, commit, copy, done, drain, fill, integrator_of, note_signer};

fn month(year: i32, month: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, 1).unwrap()
}

fn some(from: u64, to: u64) -> Archive {
    Archive {
        from,
        to,
        month: month(2020, 1),
        size: to,
        manifest: [7; 32],
        place: "file:///archive".into(),
    }
}

pub async fn archives_follow_each_other_and_only_the_worker_notes_them(world: &World<dyn Tx>) {
    for level in Level::ALL {
        let mut tx = world.begin(&world.caller(level)).await;
        assert!(tx.record_archive(&some(0, 256)).await.is_err(), "{level}");
    }
    let note = async |archive: &Archive| {
        let mut tx = world.begin(&world.worker()).await;
        tx.record_archive(archive).await?;
        tx.append(&told(world, archive)).await.unwrap();
        commit(tx).await
    };
    note(&some(0, 256)).await.unwrap();
    for gap_or_overlap in [some(0, 256), some(512, 768)] {
        assert!(matches!(note(&gap_or_overlap).await, Err(StoreError::Forbidden)));
    }
    note(&some(256, 1024)).await.unwrap();
    let mut tx = world.begin(&admin(world)).await;
    assert_eq!(tx.archives().await.unwrap(), [some(0, 256), some(256, 1024)]);
    assert_eq!(tx.min_index().await.unwrap(), 0);
    for unseeing in [world.caller(Level::Operator), world.stranger(Level::TenantAdmin)] {
        assert_eq!(world.begin(&unseeing).await.archives().await.unwrap(), []);
    }
}

fn told(world: &World<dyn Tx>, archive: &Archive) -> keepgate_audit::NewEntry {
    keepgate_audit::NewEntry {
        action: Action::AuditArchived,
        entity: archive.entity(),
        ..done(world.now, "x")
    }
}

/// Keeps files in memory: what the port asks for, and a hand for whoever wants to change them.
#[derive(Default)]
struct Shelf(Mutex<BTreeMap<String, Vec<u8>>>);

impl Shelf {
    fn files(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Vec<u8>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ArchiveStore for Shelf {
    async fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreFault> {
        self.files().insert(name.to_owned(), content.to_vec());
        Ok(())
    }

    async fn get(&self, name: &str, most: usize) -> Result<Option<Vec<u8>>, StoreFault> {
        Ok(self.files().get(name).filter(|content| content.len() <= most).cloned())
    }

    fn place(&self) -> &'static str {
        "memory:"
    }
}

/// Entries of January 2020, as they would be there today: written past the trigger that says when now is.
async fn old_entries(db: &TestDb, tenant: TenantId, count: u32) {
    let mut superuser = db.admin().await;
    sqlx::raw_sql(
        "select audit.ensure_partitions('2020-01-01', 1);
         alter table audit.entry disable trigger seal; alter table audit.entry_202001 disable trigger seal",
    )
    .execute(&mut superuser)
    .await
    .unwrap();
    sqlx::query(
        r#"insert into audit.entry (tenant_id, id, recorded_at, actor_type, actor_id, action, entity, outcome, request_id, leaf, leaf_hash)
           select $1, m.id, m.at, 'system', $1, 'message.accept', 'old:' || m.n, 'done', m.id, l.leaf, sha256('\x00'::bytea || l.leaf)
           from (select n, '2020-01-10'::timestamptz + n * interval '1 minute' as at,
               ('01700000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id from generate_series(0, $2 - 1) n) m,
             lateral (select convert_to('{"action":"message.accept","actor":{"id":"' || $1 || '","type":"system"},"entity":"old:' || m.n || '","id":"' || m.id
               || '","outcome":"done","recorded_at":"' || to_char(m.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')
               || '","request_id":"' || m.id || '","tenant":"' || $1 || '","time_quality":"unattested","v":1}', 'UTF8') as leaf) l"#,
    )
    .bind(tenant.uuid())
    .bind(i32::try_from(count).unwrap())
    .execute(&mut superuser)
    .await
    .unwrap();
    sqlx::raw_sql(
        "alter table audit.entry_202001 enable always trigger seal; alter table audit.entry enable always trigger seal",
    )
    .execute(&mut superuser)
    .await
    .unwrap();
    superuser.close().await.unwrap();
}

struct Ground {
    db: TestDb,
    world: World<dyn Tx>,
    shelf: Shelf,
}

impl Ground {
    /// A log of 700 old entries and ten of today.
    async fn new() -> Self {
        let db = TestDb::new().await;
        let world = World::<dyn Tx>::postgres(&db).await;
        old_entries(&db, admin(&world).tenant(), 700).await;
        drain(&mut integrator_of(&db)).await;
        fill(&world, &admin(&world), 10).await;
        Self {
            db,
            world,
            shelf: Shelf::default(),
        }
    }

    fn archivist(&self) -> Archivist {
        let pool = PgPoolOptions::new().max_connections(2);
        Archivist::new(pool.connect_lazy_with(self.db.options(Role::Integrator)))
    }

    async fn due(&self) -> Vec<Due> {
        self.archivist().due(month(2020, 1)).await.unwrap()
    }

    async fn write(&self, due: &Due) -> Archive {
        let new = NewArchive {
            origin: due.origin.clone(),
            folder: due.tenant.to_string(),
            month: month(2020, 1),
            from: due.from,
            to: due.to,
            checkpoint: due.checkpoint.clone(),
            vkeys: format!("{}\n", note_signer(&due.origin).verifier()),
            extras: Vec::new(),
        };
        let mut files = self.archivist().files(due.tenant).await.unwrap();
        write(&new, &mut files, &self.shelf).await.unwrap()
    }

    async fn record(&self, archive: &Archive) {
        let mut tx = self.world.begin(&self.world.worker()).await;
        tx.record_archive(archive).await.unwrap();
        tx.append(&told(&self.world, archive)).await.unwrap();
        commit(tx).await.unwrap();
    }

    async fn check(&self, archive: &Archive) -> Result<(), ArchiveFault> {
        let (tenant, origin, _) = self.archivist().unchecked().await.unwrap().pop().unwrap();
        let keys = [note_signer(&origin).verifier().clone()];
        check(archive, &tenant.to_string(), &origin, &keys, &self.shelf).await
    }

    async fn roll_off(&self) -> RollOff {
        self.archivist().roll_off(month(2020, 1)).await.unwrap()
    }

    /// Archived, told and read back.
    async fn archived(&self) -> Archive {
        let archive = self.write(&self.due().await.pop().unwrap()).await;
        self.record(&archive).await;
        drain(&mut integrator_of(&self.db)).await;
        self.check(&archive).await.unwrap();
        self.archivist()
            .checked(admin(&self.world).tenant(), &archive)
            .await
            .unwrap();
        archive
    }

    async fn run<C: Command<dyn Tx>>(&self, command: C) -> Result<C::Output, C::Error> {
        self.run_as(Level::TenantAdmin, command).await
    }

    async fn run_as<C: Command<dyn Tx>>(&self, level: Level, command: C) -> Result<C::Output, C::Error> {
        let context = self.world.caller(level);
        let proof = authorize::<C::Permission>(&context).unwrap();
        command.run(&proof, &mut *self.world.begin(&context).await).await
    }
}

/// An opening of each old entry, under one key.
async fn openings(ground: &Ground) {
    let mut superuser = ground.db.admin().await;
    let mut tx = superuser.begin().await.unwrap();
    for sql in [
        "alter table keys.subject_key disable trigger audited",
        "insert into keys.subject_key (tenant_id, id, subject, kek, wrapped) values ($1, '01800000-0000-7000-8000-000000000000', $1, repeat('a', 16), sha256('') || substr(sha256(''), 1, 28))",
        "alter table keys.subject_key enable always trigger audited",
        "alter table audit.entry disable trigger nochange; alter table audit.entry_202001 disable trigger nochange",
        "update audit.entry set opening_key = '01800000-0000-7000-8000-000000000000' where tenant_id = $1 and recorded_at < '2020-02-01'",
        "alter table audit.entry_202001 enable always trigger nochange; alter table audit.entry enable always trigger nochange",
        "insert into audit.sealed_opening (tenant_id, key_id, entry_id, field, sealed) select tenant_id, opening_key, id, 'source', sha256('') || sha256('') from audit.entry where tenant_id = $1 and opening_key is not null",
        "insert into audit.opening (tenant_id, entry_id, field, salt, value) select tenant_id, id, 'source', sha256(''), '192.0.2.7' from audit.entry where tenant_id = $1 and opening_key is not null",
    ] {
        let done = if sql.contains("$1") {
            sqlx::query(sql)
                .bind(admin(&ground.world).tenant().uuid())
                .execute(&mut *tx)
                .await
        } else {
            sqlx::raw_sql(sql).execute(&mut *tx).await
        };
        done.unwrap();
    }
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn the_openings_of_a_removed_month_go_with_it_and_no_others() {
    let ground = Ground::new().await;
    openings(&ground).await;
    let count = async |table: &str| {
        let sql = format!("select count(*) from {table} where tenant_id = $1");
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql))
            .bind(admin(&ground.world).tenant().uuid())
            .fetch_one(&mut ground.db.admin().await)
            .await
            .unwrap()
    };
    waits(&ground.roll_off().await, "not archived");
    assert_eq!(
        count("audit.sealed_opening").await,
        700,
        "nothing goes before its archive is told"
    );
    ground.archived().await;
    assert_eq!(ground.roll_off().await, RollOff::Removed(512));
    for table in ["audit.sealed_opening", "audit.opening"] {
        assert_eq!(count(table).await, 188, "{table}: of the entries that are still here");
    }
    let left = "select count(*) from audit.sealed_opening o where not exists (select from audit.entry e where e.tenant_id = o.tenant_id and e.id = o.entry_id)";
    let left: i64 = sqlx::query_scalar(left)
        .fetch_one(&mut ground.db.admin().await)
        .await
        .unwrap();
    assert_eq!(left, 0);
    ground.db.drop().await;
}

fn waits(answer: &RollOff, why: &str) {
    assert!(
        matches!(answer, RollOff::Waits(told) if told.contains(why)),
        "{answer:?}"
    );
}

#[tokio::test]
async fn a_month_goes_only_once_its_archive_is_told_under_a_checkpoint_and_read_back() {
    let ground = Ground::new().await;
    let archivist = ground.archivist();
    assert_eq!(archivist.months(ground.world.now, 60).await.unwrap(), [month(2020, 1)]);
    let [due] = ground.due().await.try_into().unwrap();
    assert_eq!(
        (due.from, due.to, due.checkpoint.size),
        (0, 512, 710),
        "whole bundles only"
    );
    waits(&ground.roll_off().await, "not archived");
    let archive = ground.write(&due).await;
    waits(&ground.roll_off().await, "not archived");
    // Whoever died here writes it again.
    assert_eq!(ground.due().await, std::slice::from_ref(&due));
    assert_eq!(ground.write(&due).await, archive);
    ground.record(&archive).await;
    assert_eq!(ground.due().await, []);
    ground.check(&archive).await.unwrap();
    archivist.checked(due.tenant, &archive).await.unwrap();
    waits(&ground.roll_off().await, "not archived");
    drain(&mut integrator_of(&ground.db)).await;
    assert_eq!(ground.roll_off().await, RollOff::Removed(512));
    assert_eq!(ground.roll_off().await, RollOff::Removed(0), "once");
    ground.db.drop().await;
}

#[tokio::test]
async fn after_the_removal_old_proofs_hold_and_the_archive_makes_the_log_whole() {
    let ground = Ground::new().await;
    let context = admin(&ground.world);
    let before = {
        let mut tx = ground.world.begin(&context).await;
        (
            proof::inclusion(&mut *tx, 100).await.unwrap().unwrap(),
            tx.checkpoint(None).await.unwrap().unwrap(),
            tx.entry(100).await.unwrap().unwrap(),
        )
    };
    ground.archived().await;
    assert_eq!(ground.roll_off().await, RollOff::Removed(512));
    drain(&mut integrator_of(&ground.db)).await;
    let mut tx = ground.world.begin(&context).await;
    let size = tx.log_info().await.unwrap().unwrap().size;
    assert_eq!(size, 712, "the archive's leaf and the removal's");
    assert_eq!(tx.min_index().await.unwrap(), 512);
    let last = tx.entry(711).await.unwrap().unwrap().leaf;
    assert_eq!(
        (last.action.as_str(), last.entity.as_str()),
        ("audit.pruned", "entries:0-512")
    );
    // The old proof holds; so does a new one; and the log grew out of what was signed then.
    let key = note_signer(&tx.log_info().await.unwrap().unwrap().origin)
        .verifier()
        .clone();
    let hash = keepgate_merkle::hash::leaf_hash(&before.2.bytes);
    for proof in [before.0, proof::inclusion(&mut *tx, 100).await.unwrap().unwrap()] {
        proof
            .verify(&hash, key.name().as_str(), std::slice::from_ref(&key))
            .unwrap();
    }
    assert!(
        proof::consistency(&mut *tx, before.1.size, size)
            .await
            .unwrap()
            .is_some()
    );
    drop(tx);
    assert!(
        matches!(ground.run(GetAuditEntry { index: 100 }).await, Err(GetAuditEntryError::Pruned(name)) if name == "0-512")
    );
    assert_eq!(
        ground.run(GetAuditEntry { index: 600 }).await.unwrap().leaf.entity,
        "old:600"
    );
    assert!(matches!(
        ground.run(GetAuditEntry { index: 900 }).await,
        Err(GetAuditEntryError::NotFound)
    ));
    let bundle = LogPart::Tile("tile/entries/001".parse().unwrap());
    assert!(matches!(ground.run(ReadLog { part: bundle }).await, Err(ReadLogError::Pruned(name)) if name == "0-512"));
    let tile = LogPart::Tile("tile/0/001".parse().unwrap());
    assert!(ground.run(ReadLog { part: tile }).await.is_ok(), "hashes stay");
    // Lists begin where the log does.
    let mut tx = ground.world.begin(&context).await;
    let page = tx.entries(&EntryQuery::default()).await.unwrap();
    assert_eq!(page.items.first().map(|entry| entry.index), Some(512));
    let of = |entity: &str| EntryQuery {
        entity: Some(Entity::stored(entity.to_owned())),
        ..EntryQuery::default()
    };
    assert_eq!(tx.entries(&of("old:5")).await.unwrap().items.len(), 0);
    assert_eq!(tx.entries(&of("old:605")).await.unwrap().items.len(), 1);
    drop(tx);
    sinks_begin_where_the_log_does(&ground).await;
    // The database's part with the archive's laid over it is the whole log.
    drain(&mut integrator_of(&ground.db)).await;
    let mut whole = copy(&ground.world, &context).await;
    assert!(
        !whole
            .tiles
            .contains_key(&"tile/entries/000".parse::<TilePath>().unwrap())
    );
    lay(&mut whole, &ground.shelf);
    whole.assert_verified(713);
    ground.db.drop().await;
}

async fn sinks_begin_where_the_log_does(ground: &Ground) {
    let create = |from| CreateSink {
        id: SinkId::new(ground.world.now),
        config: crate::sinks::config("siem", 7),
        from: Some(from),
        secret: None,
    };
    let refused = ground.run_as(Level::TenantOwner, create(511)).await;
    assert!(matches!(refused, Err(CreateSinkError::Pruned(name)) if name == "0-512"));
    let sink = crate::sinks::new(&ground.world, "siem", 7, 600);
    crate::sinks::add(&ground.world, &sink).await;
    let replay = |index| ReplaySink {
        id: sink.id,
        replay: Replay::From(index),
    };
    let refused = ground.run_as(Level::TenantOwner, replay(100)).await;
    assert!(matches!(refused, Err(ReplaySinkError::Pruned(name)) if name == "0-512"));
    assert_eq!(
        ground
            .run_as(Level::TenantOwner, replay(512))
            .await
            .unwrap()
            .sink
            .progress
            .next_index,
        512
    );
}

fn lay(log: &mut Copy, shelf: &Shelf) {
    for (name, content) in shelf.files().iter() {
        let path = name
            .splitn(3, '/')
            .nth(2)
            .and_then(|name| name.parse::<TilePath>().ok());
        if let Some(path) = path {
            log.tiles.entry(path).or_insert_with(|| content.clone());
        }
    }
}

#[tokio::test]
async fn an_archive_that_was_changed_is_found() {
    let ground = Ground::new().await;
    let archive = ground.write(&ground.due().await.pop().unwrap()).await;
    ground.record(&archive).await;
    ground.check(&archive).await.unwrap();
    let good = ground.shelf.files().clone();
    let named = |end: &str| good.keys().find(|name| name.ends_with(end)).unwrap().clone();
    for end in [
        "tile/entries/001",
        "tile/0/000",
        "tile/0/002.p/198",
        "tile/1/000.p/2",
        "checkpoint",
        "manifest.json",
        "vkey",
    ] {
        let name = named(end);
        let mut bytes = good[&name].clone();
        *bytes.last_mut().unwrap() ^= 1;
        ground.shelf.files().insert(name.clone(), bytes);
        let found = ground.check(&archive).await;
        // The keys are the checker's own: those in the archive are for strangers.
        assert_eq!(found.is_err(), end != "vkey", "{end}: {found:?}");
        ground.shelf.files().remove(&name);
        let found = ground.check(&archive).await;
        assert_eq!(
            matches!(found, Err(ArchiveFault::Missing(_))),
            end != "vkey",
            "{end}: {found:?}"
        );
        *ground.shelf.files() = good.clone();
    }
    // Somebody who can also change the manifest, and what is known of it: the signed root still says no.
    let (entries, manifest) = (named("tile/entries/001"), named("manifest.json"));
    let forged: Vec<u8> = String::from_utf8_lossy(&good[&entries])
        .replace("old:300", "old:301")
        .into_bytes();
    assert_ne!(forged, good[&entries]);
    let mut told = Manifest::parse(&good[&manifest], &archive.manifest).unwrap();
    told.add("tile/entries/001".into(), &good[&entries]);
    assert_eq!(told.to_bytes().1, archive.manifest);
    told.add(
        "tile/entries/001".into(),
        &replaced(&good[&entries], b"old:300", b"old:301"),
    );
    let (bytes, hash) = told.to_bytes();
    ground
        .shelf
        .files()
        .insert(entries.clone(), replaced(&good[&entries], b"old:300", b"old:301"));
    ground.shelf.files().insert(manifest, bytes);
    let forged = Archive {
        manifest: hash,
        ..archive
    };
    let found = ground.check(&forged).await;
    assert!(matches!(found, Err(ArchiveFault::Entries(256))), "{found:?}");
    ground.db.drop().await;
}

fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    [&bytes[..at], to, &bytes[at + from.len()..]].concat()
}

#[tokio::test]
async fn a_hold_keeps_a_month_until_it_is_released() {
    let ground = Ground::new().await;
    ground.archived().await;
    let mut superuser = ground.db.admin().await;
    sqlx::raw_sql("alter table audit.hold disable trigger all")
        .execute(&mut superuser)
        .await
        .unwrap();
    let (tenant, owner) = (admin(&ground.world).tenant(), admin(&ground.world).principal().id);
    for (from, to, held) in [
        ("2020-01-31", "2020-03-01", true),
        ("2020-02-01", "2021-01-01", false),
        ("2019-01-01", "2020-01-01", false),
    ] {
        sqlx::query("insert into audit.hold (tenant_id, id, from_at, to_at, reason, placed_by) values ($1, gen_random_uuid(), $2::text::timestamptz, $3::text::timestamptz, 'a lawsuit is under way', $4)")
            .bind(tenant.uuid()).bind(from).bind(to).bind(owner.uuid())
            .execute(&mut superuser)
            .await
            .unwrap();
        if held {
            waits(&ground.roll_off().await, "held");
            let entry = ground.run(GetAuditEntry { index: 100 }).await;
            assert!(entry.is_ok(), "what is held is still here");
            let query = EntryQuery {
                entity: Some(Entity::stored("old:100".into())),
                ..EntryQuery::default()
            };
            let mut tx = ground.world.begin(&admin(&ground.world)).await;
            assert_eq!(tx.entries(&query).await.unwrap().items.len(), 1, "and found");
            sqlx::raw_sql("delete from audit.hold")
                .execute(&mut superuser)
                .await
                .unwrap();
        }
    }
    assert_eq!(
        ground.roll_off().await,
        RollOff::Removed(512),
        "other spans keep nothing here"
    );
    ground.db.drop().await;
}

#[tokio::test]
async fn nobody_removes_a_young_month_or_goes_past_the_door() {
    let ground = Ground::new().await;
    let today = ground.world.now.date_naive();
    let now = month(chrono::Datelike::year(&today), chrono::Datelike::month(&today));
    waits(&ground.archivist().roll_off(now).await.unwrap(), "five years");
    let refused = async |role: Role, sql: &'static str| {
        let mut connection = PgConnection::connect_with(&ground.db.options(role)).await.unwrap();
        let answer = sqlx::raw_sql(sql).execute(&mut connection).await;
        let code = answer
            .err()
            .and_then(|error| error.as_database_error()?.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{role:?}: {sql}");
    };
    for role in [Role::App, Role::Integrator] {
        refused(role, "delete from audit.search").await;
        refused(role, "drop table audit.entry_202001").await;
        refused(role, "alter table audit.entry detach partition audit.entry_202001").await;
        refused(role, "insert into audit.pruned (tenant_id, to_idx, month, entries, entry_id) values (gen_random_uuid(), 256, '2020-01-01', 1, gen_random_uuid())").await;
        refused(
            role,
            "insert into audit.archive (tenant_id, from_idx, to_idx, month, size, manifest, place)
           values (gen_random_uuid(), 0, 256, '2020-01-01', 256, sha256(''), 'x')",
        )
        .await;
    }
    refused(Role::App, "select audit.roll_off('2020-01-01')").await;
    refused(
        Role::App,
        "insert into audit.archive_check (tenant_id, from_idx) values (gen_random_uuid(), 0)",
    )
    .await;
    refused(
        Role::Integrator,
        "select audit.roll_off(date_trunc('month', now())::date)",
    )
    .await;
    // An archive without its entry does not commit.
    let mut tx = ground.world.begin(&ground.world.worker()).await;
    tx.record_archive(&some(0, 256)).await.unwrap();
    assert!(commit(tx).await.is_err());
    ground.db.drop().await;
}
