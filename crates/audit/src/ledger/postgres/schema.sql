-- A ledger of its own: no roles, no tenants, no gateway. It belongs to whoever runs this; `ledger.admit` lets another role use it.
CREATE SCHEMA ledger;
CREATE TABLE ledger.version (number int PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
INSERT INTO ledger.version (number) VALUES (1);
-- Whose it is, and the right edge of its tree, largest subtree first: the only row that changes, by ledger.seal alone.
CREATE TABLE ledger.head (
  one    bool PRIMARY KEY DEFAULT true CHECK (one),
  tenant uuid NOT NULL,
  size   bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
  edge   bytea[] NOT NULL DEFAULT '{}'
);
-- What this program does. No other word gets into an entry.
CREATE TABLE ledger.action (word text PRIMARY KEY CHECK (word ~ '^[a-z-]+\.[a-z_-]+$' AND length(word) <= 80));
CREATE TABLE ledger.entry (
  idx         bigint PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  xid         xid8 NOT NULL,
  recorded_at timestamptz NOT NULL,
  actor_type  text NOT NULL CHECK (actor_type IN ('user', 'device', 'service', 'system')),
  actor_id    uuid NOT NULL,
  action      text NOT NULL CONSTRAINT entry_action_known REFERENCES ledger.action,
  entity      text NOT NULL CHECK (length(entity) BETWEEN 1 AND 200),
  outcome     text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  reason      text CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  request_id  uuid NOT NULL,
  occurred_at timestamptz CHECK (occurred_at >= '2000-01-01 00:00:00+00' AND occurred_at < '2100-01-01 00:00:00+00'),
  leaf        bytea NOT NULL CHECK (length(leaf) <= 65535),
  leaf_hash   bytea NOT NULL CHECK (length(leaf_hash) = 32),
  CHECK (outcome = 'done' OR reason IS NOT NULL)
);
CREATE INDEX entry_xid ON ledger.entry (xid);
-- The hashes in tiles of level 1 and above: each the root of a full tile below. Those of level 0 are the leaf hashes.
CREATE TABLE ledger.tile (
  level smallint NOT NULL,
  idx   bigint NOT NULL,
  root  bytea NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (level, idx)
);
CREATE TABLE ledger.checkpoint (
  size       bigint PRIMARY KEY,
  root       bytea NOT NULL CHECK (length(root) = 32),
  note       text NOT NULL CHECK (length(note) <= 16384),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE FUNCTION ledger.deny() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RAISE EXCEPTION 'ledger: % of %.% is not allowed', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = '42501';
END $$;

-- Place, time, transaction, leaf (docs/audit-format.md, version 2) and hash are the database's, whoever inserts. Writers queue for
-- the head until they commit: the places have no gaps, and their order is that of the commits.
CREATE FUNCTION ledger.seal() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE h record; rest bytea[]; carry bytea; place bigint; height int := 0;
BEGIN
  SELECT t.tenant, t.size, t.edge INTO STRICT h FROM ledger.head t FOR UPDATE;
  NEW.idx := h.size;
  NEW.xid := pg_current_xact_id();
  NEW.recorded_at := clock_timestamp();
  NEW.leaf := convert_to('{"action":' || to_json(NEW.action)::text
    || ',"actor":{"id":"' || NEW.actor_id || '","type":' || to_json(NEW.actor_type)::text || '}'
    || ',"entity":' || to_json(NEW.entity)::text
    || ',"id":"' || NEW.id || '"'
    || coalesce(',"occurred_at":"' || to_char(NEW.occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"', '')
    || ',"outcome":' || to_json(NEW.outcome)::text
    || coalesce(',"reason":' || to_json(NEW.reason)::text, '')
    || ',"recorded_at":"' || to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"request_id":"' || NEW.request_id || '"'
    || ',"tenant":"' || h.tenant || '","time_quality":"unattested","v":2}', 'UTF8');
  NEW.leaf_hash := sha256('\x00'::bytea || NEW.leaf);
  -- RFC 6962: whole subtrees of one height become one of the next. Eight heights are a tile.
  rest := h.edge; carry := NEW.leaf_hash; place := h.size;
  WHILE place & 1 = 1 LOOP
    carry := sha256('\x01'::bytea || rest[cardinality(rest)] || carry);
    rest := rest[1 : cardinality(rest) - 1];
    place := place >> 1;
    height := height + 1;
    IF height % 8 = 0 THEN INSERT INTO ledger.tile (level, idx, root) VALUES (height / 8, place, carry); END IF;
  END LOOP;
  UPDATE ledger.head SET size = h.size + 1, edge = array_append(rest, carry);
  RETURN NEW;
END $$;

-- The edge moves with an entry, and never otherwise.
CREATE FUNCTION ledger.guard_head() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF pg_trigger_depth() < 2 OR NEW.tenant <> OLD.tenant OR NEW.size <> OLD.size + 1 THEN
    RAISE EXCEPTION 'ledger: the head moves with an entry only' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
CREATE FUNCTION ledger.guard_checkpoint() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.size > (SELECT h.size FROM ledger.head h) THEN
    RAISE EXCEPTION 'ledger: a checkpoint of more than there is' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;

-- At commit: a change to a watched table needs an entry of the same transaction that says it was done. The time guards against
-- transaction numbers that start again after a restore.
CREATE FUNCTION ledger.must_be_audited() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM ledger.entry e WHERE e.xid = pg_current_xact_id() AND e.outcome = 'done' AND e.recorded_at >= transaction_timestamp()) THEN
    RAISE EXCEPTION 'ledger: change to %.% without an entry', TG_TABLE_SCHEMA, TG_TABLE_NAME
      USING ERRCODE = 'KG002', HINT = 'Commit through the ledger: tx.commit(&deed).';
  END IF;
  RETURN NULL;
END $$;

-- Watches a table, as its owner; nothing happens when it is watched already.
CREATE FUNCTION ledger.watch(p regclass) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = p AND t.tgname = 'audited' AND t.tgenabled = 'A'
      AND t.tgfoid = 'ledger.must_be_audited'::regproc) THEN RETURN; END IF;
  EXECUTE format('CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON %s DEFERRABLE INITIALLY DEFERRED '
    'FOR EACH ROW EXECUTE FUNCTION ledger.must_be_audited()', p);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audited', p);
  EXECUTE format('CREATE TRIGGER audited_notruncate BEFORE TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION ledger.deny()', p);
  EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER audited_notruncate', p);
END $$;
-- Lets a role that owns nothing here append, sign and read, and watch tables of its own.
CREATE FUNCTION ledger.admit(p regrole) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  EXECUTE format('GRANT USAGE ON SCHEMA ledger TO %s', p);
  EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO %s', p);
  EXECUTE format('GRANT INSERT (id, actor_type, actor_id, action, entity, outcome, reason, request_id, occurred_at) ON ledger.entry TO %s', p);
  EXECUTE format('GRANT INSERT (size, root, note) ON ledger.checkpoint TO %s', p);
  EXECUTE format('GRANT EXECUTE ON FUNCTION ledger.watch(regclass), ledger.must_be_audited(), ledger.deny() TO %s', p);
END $$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ledger FROM PUBLIC;

CREATE TRIGGER seal BEFORE INSERT ON ledger.entry FOR EACH ROW EXECUTE FUNCTION ledger.seal();
CREATE TRIGGER guard BEFORE UPDATE ON ledger.head FOR EACH ROW EXECUTE FUNCTION ledger.guard_head();
CREATE TRIGGER nodelete BEFORE DELETE ON ledger.head FOR EACH ROW EXECUTE FUNCTION ledger.deny();
CREATE TRIGGER guard BEFORE INSERT ON ledger.checkpoint FOR EACH ROW EXECUTE FUNCTION ledger.guard_checkpoint();
ALTER TABLE ledger.entry ENABLE ALWAYS TRIGGER seal;
ALTER TABLE ledger.head ENABLE ALWAYS TRIGGER guard;
ALTER TABLE ledger.head ENABLE ALWAYS TRIGGER nodelete;
ALTER TABLE ledger.checkpoint ENABLE ALWAYS TRIGGER guard;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['version', 'action', 'entry', 'tile', 'checkpoint'] LOOP
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON ledger.%I FOR EACH ROW EXECUTE FUNCTION ledger.deny()', t);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER nochange', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['version', 'head', 'action', 'entry', 'tile', 'checkpoint'] LOOP
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON ledger.%I FOR EACH STATEMENT EXECUTE FUNCTION ledger.deny()', t);
    EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
END $$;
