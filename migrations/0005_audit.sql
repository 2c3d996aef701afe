-- The audit log: entries in the operation's own transaction, leaves numbered afterwards by one integrator.
SET LOCAL ROLE kg_owner;
CREATE TABLE audit.entry (
  tenant_id    uuid NOT NULL,
  id           uuid NOT NULL,
  recorded_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  xid          xid8 NOT NULL DEFAULT pg_current_xact_id(),
  actor_type   text NOT NULL CHECK (actor_type IN ('user', 'device', 'service', 'system')),
  actor_id     uuid NOT NULL,
  action       text NOT NULL CHECK (action ~ '^[a-z]+\.[a-z_]+$'),
  entity       text NOT NULL CHECK (length(entity) BETWEEN 1 AND 200),
  outcome      text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed')),
  reason       text CHECK (reason ~ '^[a-z0-9-]{1,80}$'),
  request_id   uuid NOT NULL,
  source_c     bytea CHECK (length(source_c) = 32), -- salted commitment; the address itself is in audit.opening
  time_quality text NOT NULL DEFAULT 'unattested' CHECK (time_quality IN ('synced', 'holdover', 'unsynchronised', 'unattested')),
  leaf         bytea NOT NULL,
  leaf_hash    bytea NOT NULL CHECK (length(leaf_hash) = 32),
  PRIMARY KEY (recorded_at, tenant_id, id),
  CHECK (outcome = 'done' OR reason IS NOT NULL)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX entry_xid ON audit.entry (xid, id);
CREATE INDEX entry_id ON audit.entry (tenant_id, id);
CREATE INDEX entry_entity ON audit.entry (tenant_id, entity);

-- What a commitment in a leaf stands for. Erasable without touching the log.
CREATE TABLE audit.opening (
  tenant_id uuid NOT NULL,
  entry_id  uuid NOT NULL,
  field     text NOT NULL CHECK (field IN ('source')),
  salt      bytea NOT NULL CHECK (length(salt) = 32),
  value     text NOT NULL CHECK (length(value) <= 200),
  PRIMARY KEY (tenant_id, entry_id, field)
);

CREATE TABLE audit.log (
  tenant_id  uuid PRIMARY KEY,
  origin     text NOT NULL UNIQUE CHECK (length(origin) BETWEEN 1 AND 200 AND origin !~ '[ +\n]'),
  created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE audit.leaf (
  tenant_id   uuid NOT NULL REFERENCES audit.log,
  idx         bigint NOT NULL CHECK (idx >= 0),
  entry_id    uuid NOT NULL,
  recorded_at timestamptz NOT NULL,
  leaf_hash   bytea NOT NULL CHECK (length(leaf_hash) = 32),
  PRIMARY KEY (tenant_id, idx),
  UNIQUE (tenant_id, entry_id, recorded_at) -- the key of an entry
);
-- Full tiles of 256 hashes; partial ones are the leaves, or the roots of the full tiles below.
CREATE TABLE audit.tile (
  tenant_id uuid NOT NULL REFERENCES audit.log,
  level     smallint NOT NULL CHECK (level BETWEEN 0 AND 63),
  idx       bigint NOT NULL CHECK (idx >= 0),
  hashes    bytea NOT NULL CHECK (length(hashes) = 8192),
  root      bytea NOT NULL CHECK (length(root) = 32),
  PRIMARY KEY (tenant_id, level, idx)
);
CREATE TABLE audit.checkpoint (
  tenant_id  uuid NOT NULL REFERENCES audit.log,
  size       bigint NOT NULL CHECK (size >= 0),
  root       bytea NOT NULL CHECK (length(root) = 32),
  note       text NOT NULL CHECK (length(note) <= 8192),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, size, created_at)
);
-- The only rows that change: the right edge of each tree, and how far the integrator has read.
CREATE TABLE audit.head (
  tenant_id uuid PRIMARY KEY REFERENCES audit.log,
  size      bigint NOT NULL DEFAULT 0 CHECK (size >= 0),
  frontier  bytea[] NOT NULL DEFAULT '{}'
);
CREATE TABLE audit.progress (
  one      bool PRIMARY KEY DEFAULT true CHECK (one),
  last_xid xid8 NOT NULL DEFAULT '0',
  last_id  uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
  cluster  bigint -- whose transaction numbers these are: after a restore elsewhere they mean nothing
);
INSERT INTO audit.progress DEFAULT VALUES;

-- TRUNCATE triggers are not cloned to partitions, and those made later need them too: partitions come from here only.
-- Attaching, unlike PARTITION OF, lets writers go on.
CREATE FUNCTION audit.ensure_partitions(p_from date, p_months int) RETURNS int LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE m date; name text; made int := 0; i int;
BEGIN
  IF p_months NOT BETWEEN 1 AND 24 THEN RAISE EXCEPTION 'kg: between 1 and 24 months'; END IF;
  FOR i IN 0 .. p_months - 1 LOOP
    m := (date_trunc('month', p_from::timestamp) + make_interval(months => i))::date;
    name := 'entry_' || to_char(m, 'YYYYMM');
    CONTINUE WHEN to_regclass('audit.' || name) IS NOT NULL;
    LOCK TABLE audit.entry IN SHARE UPDATE EXCLUSIVE MODE; -- one at a time
    CONTINUE WHEN to_regclass('audit.' || name) IS NOT NULL;
    EXECUTE format('CREATE TABLE audit.%I (LIKE audit.entry INCLUDING DEFAULTS INCLUDING CONSTRAINTS)', name);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', name);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE audit.entry ATTACH PARTITION audit.%I FOR VALUES FROM (%L) TO (%L)', name,
      m::text || ' 00:00:00+00', (m + interval '1 month')::date::text || ' 00:00:00+00');
    made := made + 1;
  END LOOP;
  RETURN made;
END $$;
GRANT EXECUTE ON FUNCTION audit.ensure_partitions(date, int) TO kg_integrator, kg_migrator;

DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['entry', 'opening', 'log', 'leaf', 'tile', 'checkpoint', 'head', 'progress'] LOOP
    EXECUTE format('ALTER TABLE audit.%I ENABLE ROW LEVEL SECURITY', t);
    EXECUTE format('ALTER TABLE audit.%I FORCE ROW LEVEL SECURITY', t);
  END LOOP;
END $$;

GRANT SELECT, INSERT ON audit.entry, audit.opening TO kg_sec;
GRANT SELECT ON audit.entry, audit.opening, audit.log, audit.leaf, audit.tile, audit.checkpoint, audit.head TO kg_app;
GRANT SELECT ON audit.entry, audit.log, audit.leaf, audit.tile, audit.checkpoint, audit.head, audit.progress TO kg_integrator;
GRANT INSERT ON audit.log, audit.leaf, audit.tile, audit.checkpoint, audit.head TO kg_integrator;
GRANT UPDATE (size, frontier) ON audit.head TO kg_integrator;
GRANT UPDATE (last_xid, last_id, cluster) ON audit.progress TO kg_integrator;
CREATE POLICY sec ON audit.entry TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY sec ON audit.opening TO kg_sec USING (true) WITH CHECK (true);
CREATE POLICY app_r ON audit.entry FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.opening FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.log FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.leaf FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.tile FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.checkpoint FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY app_r ON audit.head FOR SELECT TO kg_app USING (tenant_id IN ((SELECT gate.tenant(4, 5)), (SELECT gate.tenant(7, 7))));
CREATE POLICY integrator_r ON audit.entry FOR SELECT TO kg_integrator USING (true);
CREATE POLICY integrator ON audit.log TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY integrator ON audit.leaf TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY integrator ON audit.tile TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY integrator ON audit.checkpoint TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY integrator ON audit.head TO kg_integrator USING (true) WITH CHECK (true);
CREATE POLICY integrator ON audit.progress TO kg_integrator USING (true) WITH CHECK (true);
-- Whoever may look into the database reads the log of every tenant, and nothing else.
GRANT SELECT ON audit.entry, audit.log, audit.leaf, audit.tile, audit.checkpoint, audit.head TO kg_auditor;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['entry', 'log', 'leaf', 'tile', 'checkpoint', 'head'] LOOP
    EXECUTE format('CREATE POLICY auditor_r ON audit.%I FOR SELECT TO kg_auditor USING (true)', t);
  END LOOP;
END $$;
GRANT SELECT ON rbac.tenant TO kg_integrator;
CREATE POLICY integrator_r ON rbac.tenant FOR SELECT TO kg_integrator USING (true);

SET LOCAL ROLE kg_sec;
-- A string as RFC 8785 writes it: to_json escapes exactly what the RFC does.
CREATE FUNCTION sec.jstr(v text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = pg_catalog, pg_temp AS $$ SELECT to_json(v)::text $$;

-- Time, transaction, leaf and hash are the database's, whoever inserts. Keys in RFC 8785 order; no personal data.
CREATE FUNCTION sec.seal_entry() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF abs(extract(epoch FROM clock_timestamp() - NEW.recorded_at)) > 5 THEN RAISE EXCEPTION 'kg: an entry is recorded now, not then' USING ERRCODE = '42501'; END IF;
  NEW.xid := pg_current_xact_id();
  NEW.leaf := convert_to('{"action":' || sec.jstr(NEW.action)
    || ',"actor":{"id":"' || NEW.actor_id || '","type":' || sec.jstr(NEW.actor_type) || '}'
    || ',"entity":' || sec.jstr(NEW.entity)
    || ',"id":"' || NEW.id || '"'
    || ',"outcome":' || sec.jstr(NEW.outcome)
    || coalesce(',"reason":' || sec.jstr(NEW.reason), '')
    || ',"recorded_at":"' || to_char(NEW.recorded_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') || '"'
    || ',"request_id":"' || NEW.request_id || '"'
    || coalesce(',"source_c":"' || encode(NEW.source_c, 'hex') || '"', '')
    || ',"tenant":"' || NEW.tenant_id || '"'
    || ',"time_quality":' || sec.jstr(NEW.time_quality)
    || ',"v":1}', 'UTF8');
  NEW.leaf_hash := sha256('\x00'::bytea || NEW.leaf);
  RETURN NEW;
END $$;

-- The only way to write an entry: tenant and actor are the context's. Keepgate's own worker may name the actor it acts for.
CREATE FUNCTION gate.append_entry(p_id uuid, p_action text, p_entity text, p_outcome text, p_reason text, p_request uuid, p_source text,
  p_actor_type text, p_actor uuid, OUT recorded_at timestamptz, OUT leaf_hash bytea)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE c text[] := gate.ctx(); salt bytea; commitment bytea; kind text;
BEGIN
  IF c IS NULL THEN RAISE EXCEPTION 'kg: no context' USING ERRCODE = 'KG001'; END IF;
  IF c[5] = '0' THEN
    kind := coalesce(p_actor_type, 'system');
    p_actor := coalesce(p_actor, c[1]::uuid);
  ELSE
    SELECT p.kind, p.id INTO kind, p_actor FROM rbac.principal p WHERE p.tenant_id = c[4]::uuid AND p.id = c[1]::uuid;
  END IF;
  IF p_source IS NOT NULL THEN
    salt := sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()));
    commitment := sha256('kg-c/v1'::bytea || '\x00'::bytea || 'source'::bytea || '\x00'::bytea || salt || convert_to(p_source, 'UTF8'));
    INSERT INTO audit.opening (tenant_id, entry_id, field, salt, value) VALUES (c[4]::uuid, p_id, 'source', salt, p_source);
  END IF;
  INSERT INTO audit.entry AS e (tenant_id, id, actor_type, actor_id, action, entity, outcome, reason, request_id, source_c, leaf, leaf_hash)
    VALUES (c[4]::uuid, p_id, kind, p_actor, p_action, p_entity, p_outcome, p_reason, p_request, commitment, '', '')
    RETURNING e.recorded_at, e.leaf_hash INTO recorded_at, leaf_hash;
  IF leaf_hash IS NULL THEN RAISE EXCEPTION 'kg: the entry was not stored' USING ERRCODE = 'KG002'; END IF;
END $$;
GRANT EXECUTE ON FUNCTION gate.append_entry(uuid, text, text, text, text, uuid, text, text, uuid) TO kg_app;

-- At commit: a change to an audited table needs an entry of the same transaction. The time guards against transaction
-- numbers that start again after a restore.
CREATE FUNCTION sec.must_be_audited() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM audit.entry e WHERE e.xid = pg_current_xact_id() AND e.recorded_at >= transaction_timestamp()) THEN
    RAISE EXCEPTION 'kg: change to %.% without an audit entry', TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'KG002';
  END IF;
  RETURN NULL;
END $$;
-- A log grows or stands still.
CREATE FUNCTION sec.guard_head() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF NEW.size < OLD.size OR NEW.tenant_id <> OLD.tenant_id THEN RAISE EXCEPTION 'kg: a log never shrinks' USING ERRCODE = '42501'; END IF;
  RETURN NEW;
END $$;
GRANT EXECUTE ON FUNCTION sec.seal_entry(), sec.must_be_audited(), sec.guard_head() TO kg_owner;

SET LOCAL ROLE kg_owner;
CREATE TRIGGER seal BEFORE INSERT ON audit.entry FOR EACH ROW EXECUTE FUNCTION sec.seal_entry();
ALTER TABLE audit.entry ENABLE ALWAYS TRIGGER seal;
CREATE TRIGGER guard BEFORE UPDATE ON audit.head FOR EACH ROW EXECUTE FUNCTION sec.guard_head();
ALTER TABLE audit.head ENABLE ALWAYS TRIGGER guard;
-- An opening may be erased, never changed.
CREATE TRIGGER nochange BEFORE UPDATE ON audit.opening FOR EACH ROW EXECUTE FUNCTION sec.deny();
ALTER TABLE audit.opening ENABLE ALWAYS TRIGGER nochange;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['opening', 'head'] LOOP
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
END $$;
DO $$ DECLARE t text; BEGIN
  FOREACH t IN ARRAY ARRAY['entry', 'log', 'leaf', 'tile', 'checkpoint'] LOOP
    EXECUTE format('CREATE TRIGGER nochange BEFORE UPDATE OR DELETE ON audit.%I FOR EACH ROW EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('CREATE TRIGGER notruncate BEFORE TRUNCATE ON audit.%I FOR EACH STATEMENT EXECUTE FUNCTION sec.deny()', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER nochange', t);
    EXECUTE format('ALTER TABLE audit.%I ENABLE ALWAYS TRIGGER notruncate', t);
  END LOOP;
  FOREACH t IN ARRAY ARRAY['rbac.tenant', 'rbac.principal', 'rbac.role_assignment', 'identity.password', 'identity.enrolment', 'identity.session'] LOOP
    EXECUTE 'CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OR DELETE ON ' || t
      || ' DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited()';
    EXECUTE 'ALTER TABLE ' || t || ' ENABLE ALWAYS TRIGGER audited';
  END LOOP;
END $$;
-- last_used_at is bookkeeping, not an operation.
CREATE CONSTRAINT TRIGGER audited AFTER INSERT OR UPDATE OF phc, old_phc, old_until, revoked_at ON identity.api_key
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sec.must_be_audited();
ALTER TABLE identity.api_key ENABLE ALWAYS TRIGGER audited;
SELECT audit.ensure_partitions((now() AT TIME ZONE 'UTC')::date, 4);
RESET ROLE;
