//! What an owner or superuser can do once the guards are out of the way, and what the verifier then says.
use crate::{scene::Scene, verdict::Told};

/// An attack that goes through.
pub struct Attack {
    pub what: &'static str,
    pub sql: &'static str,
    pub told: Told,
    /// Whether only the checkpoint that somebody else keeps gives it away.
    pub kept: bool,
    /// How far the guards are taken down first.
    pub off: Off,
}

/// What is switched off before the attack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// Nothing: the role may do it.
    Nothing,
    /// The event triggers.
    Guard,
    /// The triggers of the tables as well.
    All,
}

impl Off {
    fn sql(self) -> &'static str {
        match self {
            Self::Nothing => "set role kg_integrator;",
            Self::Guard => "alter event trigger kg_ddl disable; alter event trigger kg_drop disable;",
            Self::All => {
                "alter event trigger kg_ddl disable; alter event trigger kg_drop disable; alter table audit.entry disable trigger all;
                 alter table audit.leaf disable trigger all; alter table audit.tile disable trigger all;
                 alter table audit.checkpoint disable trigger all; alter table audit.head disable trigger all;"
            }
        }
    }
}

use Off::{All, Guard, Nothing};
use Told::{At, FromEnd, UpTo, Whole};

const fn all(what: &'static str, sql: &'static str, told: Told) -> Attack {
    Attack {
        what,
        sql,
        told,
        kept: false,
        off: All,
    }
}

const EDIT: &str = "update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1) where id = {e150}";
pub const ATTACKS: &[Attack] = &[
    all("edit a byte of an entry", EDIT, At(150, "does not have the hash")),
    all("edit a column that searches use", "update audit.entry set action = 'me.reads' where id = {e150}", At(150, "its row says the action")),
    all("date a row back", "update audit.entry set actor_id = gen_random_uuid() where id = {e150}", At(150, "its row says the actor")),
    all("edit an entry and its row's hash", "update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1), leaf_hash = sha256('\\x00'::bytea || set_byte(leaf, 12, get_byte(leaf, 12) # 1)) where id = {e150}", At(150, "does not have the hash")),
    all("edit an entry, its row's and its leaf's hash", "update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1), leaf_hash = sha256('\\x00'::bytea || set_byte(leaf, 12, get_byte(leaf, 12) # 1)) where id = {e150};
        update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 150", At(150, "does not have the hash")),
    all("edit an entry and every hash up to the checkpoint", "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"outcome\":\"done\"', '\"outcome\":\"failed\",\"reason\":\"x\"'), 'UTF8'), outcome = 'failed', reason = 'x' where id = {e290};
        update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where id = {e290};
    update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 290", UpTo(290, "are not those the older checkpoint signed")),
    all("edit an entry in a full tile, and every hash up to the checkpoint", "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"outcome\":\"done\"', '\"outcome\":\"failed\",\"reason\":\"x\"'), 'UTF8'), outcome = 'failed', reason = 'x' where id = {e150};
        update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where id = {e150};
        update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 150;
        update audit.tile set hashes = overlay(hashes placing (select e.leaf_hash from audit.entry e where e.id = {e150}) from 150 * 32 + 1) where tenant_id = {t} and level = 0 and idx = 0;
        create function pg_temp.root(h bytea) returns bytea language plpgsql as $$ declare n bytea; begin while length(h) > 32 loop n := '';
          for i in 0 .. length(h) / 64 - 1 loop n := n || sha256('\\x01'::bytea || substr(h, i * 64 + 1, 64)); end loop; h := n; end loop; return h; end $$;
        update audit.tile set root = pg_temp.root(hashes) where tenant_id = {t} and level = 0 and idx = 0", UpTo(150, "are not those the older checkpoint signed")),
    all("delete an entry in the middle", "delete from audit.entry where id = {e150}", At(150, "is missing from bundle")),
    all("delete an entry and its leaf", "delete from audit.entry where id = {e150}; delete from audit.leaf where tenant_id = {t} and idx = 150", At(150, "is missing from bundle")),
    all("delete the newest entries", "delete from audit.entry where id in (select entry_id from audit.leaf where tenant_id = {t} and idx >= {n} - 20)", FromEnd(20, "is missing from bundle")),
    all("delete the newest entries and their leaves, and make the log shorter", "delete from audit.entry where id in (select entry_id from audit.leaf where tenant_id = {t} and idx >= {n} - 20);
        delete from audit.leaf where tenant_id = {t} and idx >= {n} - 20; update audit.head set size = {n} - 20 where tenant_id = {t}", FromEnd(20, "is missing from bundle")),
    Attack {
        what: "go back to an earlier state, with the checkpoint of then",
        sql: "create temp table cut on commit drop as select max(size) as at from audit.checkpoint where tenant_id = {t} and size < {n} - 20;
            delete from audit.checkpoint where tenant_id = {t} and size > (select at from cut);
            delete from audit.entry where id in (select entry_id from audit.leaf where tenant_id = {t} and idx >= (select at from cut));
            delete from audit.leaf where tenant_id = {t} and idx >= (select at from cut); update audit.head set size = (select at from cut) where tenant_id = {t}",
        told: Whole("the last ones were removed"),
        kept: true,
        off: All,
    },
    all("swap two entries", "create temp table two on commit drop as select id, leaf, leaf_hash from audit.entry where id in ({e150}, {e151});
        update audit.entry e set leaf = t.leaf, leaf_hash = t.leaf_hash from two t where e.id in (select id from two) and t.id <> e.id", At(150, "does not have the hash")),
    all("renumber two leaves", "update audit.leaf set idx = 900000 where tenant_id = {t} and idx = 150; update audit.leaf set idx = 150 where tenant_id = {t} and idx = 151;
        update audit.leaf set idx = 151 where tenant_id = {t} and idx = 900000", At(150, "does not have the hash")),
    all("insert a second row for an entry", "create temp table one on commit drop as select * from audit.entry where id = {e150}; update one set id = gen_random_uuid(); insert into audit.entry select * from one", Whole("stands in the table and not in the log")),
    all("insert a back-dated entry", "create temp table one on commit drop as select * from audit.entry where id = {e150};
        update one set id = gen_random_uuid(), recorded_at = recorded_at - interval '1 second', entity = 'forged'; insert into audit.entry select * from one", Whole("stands in the table and not in the log")),
    all("append a leaf past the end", "delete from audit.leaf where tenant_id = {t} and idx >= {n}; update audit.head set size = {n} where tenant_id = {t};
        insert into audit.leaf values ({t}, {n}, gen_random_uuid(), now(), sha256('x'))", FromEnd(0, "behind the end of the log")),
    all("move an entry to another tenant", "update audit.entry set tenant_id = {other} where id = {e150}", At(150, "is missing from bundle")),
    all("put last week's backup of a month in its place", "create temp table old on commit drop as select e.* from audit.entry e join audit.leaf l on l.tenant_id = e.tenant_id and l.entry_id = e.id where l.idx < 200;
        alter table {month} disable trigger all; truncate {month}; insert into audit.entry select * from old", At(200, "is missing from bundle")),
    all("edit a stored tile", "update audit.tile set hashes = set_byte(hashes, 150 * 32, get_byte(hashes, 150 * 32) # 1) where tenant_id = {t} and level = 0 and idx = 0", At(150, "does not have the hash")),
    all("edit the root of a stored tile", "update audit.tile set root = sha256(root) where tenant_id = {t} and level = 0 and idx = 0", At(0, "is not the root over leaves 0 to 255")),
    all("delete a stored tile", "delete from audit.tile where tenant_id = {t} and level = 0 and idx = 0", At(0, "ends before its hash 0")),
    all("edit the newest checkpoint", "update audit.checkpoint set note = replace(note, size::text, (size - 1)::text) where tenant_id = {t} and size = {n}", Whole("the checkpoint can't be trusted")),
    all("edit an old checkpoint", "update audit.checkpoint set note = overlay(note placing 'AAAA' from position(E'\\n' || size::text || E'\\n' in note) + length(size::text) + 2) where tenant_id = {t} and size = (select min(size) from audit.checkpoint where tenant_id = {t})", Whole("older checkpoint 1 can't be trusted")),
    all("make the log shorter than its leaves", "update audit.head set size = {n} - 5 where tenant_id = {t}", FromEnd(5, "behind the end of the log")),
    all("spell an entry otherwise, with every hash below the root", "update audit.entry set leaf = leaf || ' '::bytea where id = {e290}; update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where id = {e290};
        update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 290", At(290, "not in canonical form")),
    all("write another tenant into an entry, with every hash below the root", "update audit.entry set leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '\"tenant\":\"' || {t}, '\"tenant\":\"' || gen_random_uuid()), 'UTF8') where id = {e290};
        update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where id = {e290};
        update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 290", At(290, "of another tenant")),
    all("date an entry back, with every hash below the root", "update audit.entry set leaf = convert_to(regexp_replace(convert_from(leaf, 'UTF8'), '\"recorded_at\":\"20..', '\"recorded_at\":\"2001'), 'UTF8') where id = {e290};
        update audit.entry set leaf_hash = sha256('\\x00'::bytea || leaf) where id = {e290};
        update audit.leaf set leaf_hash = (select e.leaf_hash from audit.entry e where e.id = audit.leaf.entry_id) where tenant_id = {t} and idx = 290", At(290, "back-dated")),
    Attack { what: "rewrite a column through ALTER TYPE USING, triggers on", sql: "alter table audit.entry alter column leaf type bytea using set_byte(leaf, 12, 65)", told: At(0, "does not have the hash"), kept: false, off: Guard },
    Attack { what: "switch triggers off, edit, switch them on again", sql: "alter table audit.entry disable trigger all; update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1) where id = {e150}; alter table audit.entry enable always trigger nochange", told: At(150, "does not have the hash"), kept: false, off: Guard },
    Attack { what: "replace the function of the triggers", sql: "create or replace function sec.deny() returns trigger language plpgsql as 'begin return new; end'; update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1) where id = {e150}", told: At(150, "does not have the hash"), kept: false, off: Guard },
    Attack { what: "detach a month, edit, attach it again", sql: "alter table audit.entry detach partition {month}; update {month} set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1) where id = {e150};
        do $$ begin execute format('alter table audit.entry attach partition {month} for values from (%L) to (%L)', date_trunc('month', now() at time zone 'UTC') || '+00', date_trunc('month', now() at time zone 'UTC') + interval '1 month' || '+00'); end $$", told: At(150, "does not have the hash"), kept: false, off: Guard },
    Attack { what: "drop a month", sql: "drop table {month}", told: At(0, "is missing from bundle"), kept: false, off: Guard },
    Attack { what: "switch a trigger off in the catalogue itself", sql: "set allow_system_table_mods = on; update pg_trigger set tgenabled = 'D' where tgname = 'nochange'; update audit.entry set leaf = set_byte(leaf, 12, get_byte(leaf, 12) # 1) where id = {e150}", told: At(150, "does not have the hash"), kept: false, off: Guard },
    Attack { what: "integrator: store a checkpoint that nobody signed", sql: "insert into audit.checkpoint (tenant_id, size, root, note) values ({t}, {n} + 5, sha256('x'), 'forged')", told: Whole("the checkpoint can't be trusted"), kept: false, off: Nothing },
    Attack { what: "integrator: store a leaf for an entry that does not exist", sql: "insert into audit.leaf values ({t}, {h}, gen_random_uuid(), now(), sha256('x'))", told: Whole("behind the end of the log"), kept: false, off: Nothing },
];

#[tokio::test]
async fn what_goes_through_is_found_and_named() {
    let scene = Scene::prepare().await;
    for attack in ATTACKS {
        let database = scene.copy("").await;
        let sql = scene.fill(&format!("{} {}", attack.off.sql(), attack.sql));
        let done = scene.fleet.attempt(&database, scene.fleet.superuser(), &sql).await;
        assert!(done.is_ok(), "{}: {done:?}", attack.what);
        if attack.kept {
            let alone = scene.verify(&database, false).await;
            assert_eq!(
                alone.code,
                Some(0),
                "{}: nothing inside the database can tell: {alone:?}",
                attack.what
            );
        }
        let ended = scene.verify(&database, attack.kept).await;
        attack.told.check(attack.what, &ended, scene.size);
        scene.forget(&database).await;
    }
}
